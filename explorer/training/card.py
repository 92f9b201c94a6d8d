"""The model card of a checkpoint, in the Hub's format, written from its config.json alone."""

import json

from explorer.models.config import CheckpointConfig, spec_of


def model_card(config: CheckpointConfig) -> str:
    """The card as Markdown with YAML front matter; says exactly how the model was trained and measured."""
    training, spec = config.training, spec_of(config)
    recipe, data = training["recipe"], training["data"]
    book = spec.codebooks[0]
    levels = f", levels {' x '.join(map(str, book.radices))}, {book.variant}" if book.implicit else f", {book.variant}"
    weights = json.dumps(recipe["loss_weights"]) if recipe["loss_weights"] else "none: the quantizer has no loss"
    lines = [
        "---",
        "license: apache-2.0",
        "library_name: codebook-explorer",
        "tags: [image-tokenizer, vq-vae, codebook]",
        "---",
        "",
        f"# {config.title} (`{config.id}`)",
        "",
        config.summary,
        "",
        "| | |",
        "|---|---|",
        f"| Codebook | {book.size:,} codes of {book.dim} floats{levels} |",
        "| Stride | 8 pixels per code |",
        f"| Parameters | {config.parameters:,} |",
        f"| Reach | a code changes pixels up to {config.reach} px beyond its own 8 x 8 cell, none further |",
        f"| Weights | `model.safetensors`, float16 (quantizer float32), sha256 `{config.sha256}` |",
        f"| Licence | {config.licence} |",
        "",
        "## Training",
        "",
        f"- **Data:** {config.trained_on}. {data['pictures']:,} pictures; {data['held_out']:,} held out "
        f"({data['rule']}); {data['unreadable']} unreadable.",
        f"- **Crops:** {recipe['crop']} x {recipe['crop']} pixels in batches of {recipe['batch']}, flipped at random, "
        "cut larger by the stage's factor and shrunk.",
        *(f"- **Stage {number}:** {_stage(stage)}" for number, stage in enumerate(recipe["stages"], 1)),
        f"- **Loss:** squared error over the data's variance{_l1(recipe)}; the quantizer's terms: {weights}.",
        f"- **Optimizer:** AdamW{_muon(recipe)}, warm-up {recipe['warmup']} steps, "
        f"gradient norm at most {recipe['clip']:g}, seed {recipe['seed']}.",
        f"- **Dead codes:** {_revival(recipe)}",
        f"- **Where:** {training['device']}, {training['precision']}, {training['minutes']:g} minutes, torch "
        f"{training['versions']['torch']}, Python {training['python']}, commit {training['commit']}.",
        *(f"- **Note:** {note}" for note in training.get("notes", [])),
        "- **Rounding:** trained in float32 master weights and rounded to float16 once, at the end. The rounded "
        "weights are the model: every figure here is measured on them.",
        "",
        f"`training_log.jsonl` holds all curves. To train it again: `python -m explorer.training --config {config.id} "
        f"--data caltech-101.zip --out checkpoints/{config.id}{' --bf16' if 'bf' in training['precision'] else ''}`.",
        "",
    ]
    if config.evaluation:
        lines += _evaluation(config.evaluation)
    lines += [
        "## Limits",
        "",
        "Trained on some 7,000 photographs of objects, many of them on white: rare textures, text and faces come back "
        "worse than the figures say. Trained on squared error, so it blurs where it is unsure. It is made to be "
        "looked into, not to compress pictures.",
        "",
    ]
    return "\n".join(lines)


def readme_table(configs: list[CheckpointConfig]) -> str:
    """The README's table of models, from their configs."""
    lines = [
        "| model | codes x floats | Kodak PSNR | SSIM | bits per pixel (entropy-coded) | used codes | perplexity |",
        "|---|---|---|---|---|---|---|",
    ]
    for config in configs:
        kodak, book = config.evaluation["kodak"], spec_of(config).codebooks[0]
        used = "; ".join(
            f"{usage['used'] / usage['size']:.1%} over {usage['tokens']:,} tokens (ceiling {usage['ceiling']:.1%})"
            for usage in config.evaluation["held_out"]["usage"].values()
        )
        perplexity = ", ".join(
            f"{usage['perplexity']:,.0f}" for usage in config.evaluation["held_out"]["usage"].values()
        )
        lines.append(
            f"| [`{config.id}`](checkpoints/{config.id}/README.md) | {book.size:,} x {book.dim} "
            f"| {kodak['psnr']:.2f} dB | {kodak['ssim']:.3f} "
            f"| {kodak['bits_per_pixel']:.3f} ({kodak['bits_per_pixel_entropy_coded']:.3f}) "
            f"| {used} | {perplexity} |"
        )
    return "\n".join(lines)


def _evaluation(evaluation: dict) -> list[str]:
    kodak, held_out = evaluation["kodak"], evaluation["held_out"]
    lines = [
        "## Measured",
        "",
        f"Kodak: {kodak['pictures']} pictures, centre square, resized to {kodak['size']} with Lanczos; never "
        f"trained on. Held out: centre squares at {held_out['size']} pixels of "
        f"{held_out['pictures']:,} pictures. The ceiling is the share of codes that as many tokens would show if all "
        "codes were equally likely.",
        "",
        "| | |",
        "|---|---|",
        f"| Kodak PSNR, mean | {kodak['psnr']:.2f} dB |",
        f"| Kodak SSIM, mean | {kodak['ssim']:.4f} |",
        f"| Bits per pixel, nominal | {kodak['bits_per_pixel']:.4f} |",
        f"| Bits per pixel, entropy-coded with held-out statistics | {kodak['bits_per_pixel_entropy_coded']:.4f} |",
    ]
    for where, usages in (("Kodak", kodak["usage"]), ("held-out pictures", held_out["usage"])):
        for name, usage in usages.items():
            lines.append(
                f"| Used codes, {where}, level {name} | {usage['used']:,} of {usage['size']:,} "
                f"({usage['used'] / usage['size']:.1%}) over {usage['tokens']:,} tokens, "
                f"ceiling {usage['ceiling']:.1%}, perplexity {usage['perplexity']:,.0f} |"
            )
    return [
        *lines,
        "",
        "`python -m explorer.training.evaluate` writes this section, `golden.npz` (a picture, its codes, its "
        "reconstruction) and `reference.npz` (counts, swatches and colours of all codes).",
        "",
    ]


def _stage(stage: dict) -> str:
    first, last = stage["learning_rate"]
    rate = f"{first:.3g}" if first == last else f"{first:.3g} falling to {last:.3g}"
    return f"{stage['steps']:,} steps, learning rate {rate}, factor {', '.join(f'{z:g}' for z in stage['zooms'])}."


def _muon(recipe: dict) -> str:
    return f", Muon at {recipe['muon']:g} times its rate for the residual blocks' kernels" if recipe["muon"] else ""


def _l1(recipe: dict) -> str:
    return f" + {recipe['l1']:g} x absolute error" if recipe["l1"] else ""


def _revival(recipe: dict) -> str:
    start = "code vectors start on encoder outputs of the first batch; " if recipe["data_start"] else ""
    revival = recipe["revival"]
    if not revival:
        return f"{start}nothing is done about them." if start else "nothing is done about them."
    return (
        f"{start}every {revival['every']} steps, up to {revival['until']:.0%} of the run, code vectors chosen less "
        f"than {revival['below']:.0%} as often as the average are moved onto encoder outputs."
    )
