"""The card of a prior, in the Hub's format, written from its config.json alone."""

from explorer.priors.config import PriorConfig

MEANING = {
    "half": "half of the cells open at random, given the other half",
    "hole": "a central hole of 8 x 8 cells, given all around it, in one pass",
    "raster": "all cells in raster order, each given those before it",
}


def prior_card(config: PriorConfig) -> str:
    """The card as Markdown with YAML front matter; says exactly how the prior was trained and measured."""
    training, found = config.training, config.evaluation["held_out"]
    recipe, data = training["recipe"], training["data"]
    views = ", ".join(_view(view) for view in recipe["views"])
    lines = [
        "---",
        "license: apache-2.0",
        "library_name: codebook-explorer",
        "tags: [image-generation, masked-modeling, autoregressive, codebook]",
        "---",
        "",
        f"# {config.title} (`{config.id}`)",
        "",
        config.summary,
        "",
        "| | |",
        "|---|---|",
        f"| Codes | of `{config.tokenizer}`, {config.size:,}{_digits(config)} |",
        f"| Classes | {len(config.classes)}, or none |",
        f"| Parameters | {config.parameters:,} |",
        f"| Weights | `model.safetensors`, float16, sha256 `{config.sha256}` |",
        f"| Licence | {config.licence} |",
        "",
        "## Measured",
        "",
        f"Mean -log2 p per token over {found['pictures']:,} held-out pictures ({found['tokens']:,} tokens): their "
        f"centre squares at {found['size']} pixels, given their class. The marginal entropy is what a code costs when "
        "nothing but the codes' frequencies is known.",
        "",
        "| | bits per token |",
        "|---|---|",
        f"| marginal entropy | {found['marginal_entropy']:.3f} |",
        *(f"| {MEANING[name]} | {bits:.3f} |" for name, bits in found["bits_per_token"].items()),
        *_hole(config),
        "",
        "## Training",
        "",
        f"- **Data:** {config.trained_on}. {data['pictures']:,} pictures; {data['held_out']:,} held out "
        f"({data['rule']}).",
        *_start(training),
        f"- **Views:** {views}; each also flipped. Windows of {recipe['window']} x {recipe['window']} cells in batches "
        f"of {recipe['batch']}; the class is withheld from {recipe['label_dropout']:.0%} of them.",
        *([f"- **Holes:** {_holes(recipe['holes'])}."] if config.network.kind == "masked" else []),
        *(f"- **Stage {number}:** {_stage(stage)}" for number, stage in enumerate(recipe["stages"], 1)),
        f"- **Optimizer:** AdamW{_muon(recipe)}, warm-up {recipe['warmup']} steps, gradient norm at most "
        f"{recipe['clip']:g}, weight decay {recipe['weight_decay']:g}, dropout "
        f"{recipe['network']['backbone']['dropout']:g}, seed {recipe['seed']}.",
        f"- **Kept:** the running mean of the weights (decay {recipe['average']:g}) that was best on the held-out "
        f"pictures of the log: step {training['kept']['step']:,} of {training['steps']:,}. The held-out pictures chose "
        "the step, nothing else.",
        f"- **Where:** {training['device']}, {training['precision']}, {training['minutes']:g} minutes, torch "
        f"{training['versions']['torch']}, Python {training['python']}, commit {training['commit']}.",
        "- **Rounding:** trained in float32 master weights and rounded to float16 once, at the end. The rounded "
        "weights are the model: every figure here is measured on them.",
        "",
        f"`training_log.jsonl` holds the curves. To train it again: `python -m explorer.training.prior --config "
        f"{config.id} --data caltech-101.zip --out checkpoints/priors/{config.id}"
        f"{' --bf16' if 'bf' in training['precision'] else ''} --threads {training['threads']}`.",
        "",
        "## Limits",
        "",
        "Trained on some 7,000 photographs of objects in 99 classes, many of them on white. It knows textures and "
        "edges well and whole objects badly.",
        "",
    ]
    return "\n".join(lines)


def _digits(config: PriorConfig) -> str:
    digits = " x ".join(map(str, config.radices))
    return f" = {digits}, predicted digit by digit, each given those before it" if config.radices else ""


def _hole(config: PriorConfig) -> list[str]:
    hole = config.evaluation.get("hole")
    if not hole:
        return []
    return [
        "",
        f"The central hole of {hole['pictures']} held-out pictures, filled in {hole['steps']} steps: PSNR inside it "
        f"against the intact reconstruction {hole['psnr']:.2f} dB with one proposal, {hole['psnr_best']:.2f} dB with "
        f"the best of {hole['proposals']}.",
    ]


def _view(view: dict) -> str:
    what = "centre square" if view["how"] == "square" else "whole picture"
    return f"{what} at {view['side']} pixels (weight {view['share']:g})"


def _start(training: dict) -> list[str]:
    start = training.get("start")
    if not start:
        return []
    anew = ", ".join(f"`{part}`" for part in start["anew"])
    return [f"- **Start:** the weights of `{start['id']}` (sha256 `{start['sha256'][:12]}`), all but {anew}."]


def _stage(stage: dict) -> str:
    first, last = stage["learning_rate"]
    rate = f"{first:.3g}" if first == last else f"{first:.3g} falling to {last:.3g}"
    views = f", {', '.join(_view(view) for view in stage['views'])}" if stage["views"] else ""
    holes = f"; {_holes(stage['holes'])}" if stage["holes"] else ""
    return f"{stage['steps']:,} steps, learning rate {rate}{views}{holes}."


def _holes(holes: dict) -> str:
    law = "as MaskGIT's cosine says" if holes["law"] == "cosine" else "any share of them"
    return f"open cells in or around a box in {holes['boxes']:.0%} of the windows, else anywhere, {law}"


def _muon(recipe: dict) -> str:
    return f", Muon at {recipe['muon']:g} times its rate for the hidden layers' weights" if recipe["muon"] else ""
