"""The model card of a checkpoint, in the Hub's format, written from its config.json alone."""

import json

from explorer.core.spec import TokenizerSpec
from explorer.models.config import CheckpointConfig, spec_of


def model_card(config: CheckpointConfig) -> str:
    """The card as Markdown with YAML front matter; says exactly how the model was trained and measured."""
    training, spec = config.training, spec_of(config)
    recipe, data = training["recipe"], training["data"]
    weights = [json.dumps(recipe["loss_weights"])] if recipe["loss_weights"] else []
    terms = "; ".join([*weights, *_schedules(recipe)]) or "none"
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
        *_levels(spec),
        f"| Parameters | {config.parameters:,} |",
        f"| Weights | `model.safetensors`, float16 (quantizer float32), sha256 `{config.sha256}` |",
        f"| Licence | {config.licence} |",
        "",
        "## Training",
        "",
        f"- **Data:** {config.trained_on}. {data['pictures']:,} pictures; {data['held_out']:,} held out "
        f"({data['rule']}); {data['unreadable']} unreadable.",
        *_start(training),
        f"- **Crops:** {recipe['crop']} x {recipe['crop']} pixels in batches of {recipe['batch']}, flipped at random, "
        "cut larger by the stage's factor and shrunk.",
        *(f"- **Stage {number}:** {_stage(stage)}" for number, stage in enumerate(recipe["stages"], 1)),
        f"- **Loss:** squared error over the data's variance{_l1(recipe)}; terms of what stands between encoder and "
        f"decoder, with their weights: {terms}.",
        *_adversary(recipe),
        f"- **Optimizer:** AdamW{_muon(recipe)}, warm-up {recipe['warmup']} steps, "
        f"gradient norm at most {recipe['clip']:g}, seed {recipe['seed']}.",
        *([f"- **Dead codes:** {_revival(recipe)}"] if spec.levels else []),
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
        f"worse than the figures say. {_unsure(recipe)} It is made to be looked into, not to compress pictures.",
        "",
    ]
    return "\n".join(lines)


def readme_table(configs: list[CheckpointConfig]) -> str:
    """The README's table of models, from their configs."""
    lines = [
        "| model | steps | codes x floats, per level | Kodak PSNR | SSIM | local contrast "
        "| bits per pixel (entropy-coded) | used codes | perplexity |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for config in configs:
        kodak, spec = config.evaluation["kodak"], spec_of(config)
        usages = config.evaluation.get("held_out", {}).get("usage", {})
        books = [spec.codebook(level.name) for level in spec.levels]
        bits = f"{kodak['bits_per_pixel']:.3f} ({kodak['bits_per_pixel_entropy_coded']:.3f})" if usages else "no codes"
        perplexities = [f"{usage['perplexity']:,.0f}" for usage in usages.values()]
        used = [
            f"{_level(name, spec)}{usage['used'] / usage['size']:.1%} over {usage['tokens']:,} tokens "
            f"(ceiling {usage['ceiling']:.1%})"
            for name, usage in usages.items()
        ]
        lines.append(
            f"| [`{config.id}`](checkpoints/{config.id}/README.md) | {_steps(config.training)} "
            f"| {', '.join(f'{book.size:,} x {book.dim}' for book in books) or 'none'} "
            f"| {kodak['psnr']:.2f} dB | {kodak['ssim']:.3f} | {kodak['local_contrast']:.2f} | {bits} "
            f"| {'; '.join(used)} | {', '.join(perplexities)} |"
        )
    return "\n".join(lines)


def _evaluation(evaluation: dict) -> list[str]:
    kodak, held_out = evaluation["kodak"], evaluation.get("held_out")
    lines = [
        "## Measured",
        "",
        f"Kodak: {kodak['pictures']} pictures, centre square, resized to {kodak['size']} with Lanczos; never "
        "trained on.",
    ]
    rows = [
        ("Kodak PSNR, mean", f"{kodak['psnr']:.2f} dB"),
        ("Kodak SSIM, mean", f"{kodak['ssim']:.4f}"),
        ("Local contrast kept on Kodak, mean", f"{kodak['local_contrast']:.3f}"),
    ]
    written = "`golden.npz` (the reconstruction of a picture)"
    if held_out:
        lines[-1] += (
            f" Held out: centre squares at {held_out['size']} pixels of {held_out['pictures']:,} pictures. The ceiling "
            "is the share of codes that as many tokens would show if all codes were equally likely; Chao1 estimates "
            "how many codes can occur at all."
        )
        rows += [
            ("Bits per pixel, nominal", f"{kodak['bits_per_pixel']:.4f}"),
            ("Bits per pixel, entropy-coded with held-out statistics", f"{kodak['bits_per_pixel_entropy_coded']:.4f}"),
        ]
        rows += [
            (
                f"Used codes, {where}, level {name}",
                f"{usage['used']:,} of {usage['size']:,} ({usage['used'] / usage['size']:.1%}) over "
                f"{usage['tokens']:,} tokens, ceiling {usage['ceiling']:.1%}, Chao1 {usage['chao1']:,.0f}, "
                f"perplexity {usage['perplexity']:,.0f}",
            )
            for where, usages in (("Kodak", kodak["usage"]), ("held-out pictures", held_out["usage"]))
            for name, usage in usages.items()
        ]
        written = (
            "`golden.npz` (codes and reconstruction of a picture), `reference.npz` (counts, swatches and colours of "
            "all codes) and `occurrences.npz` (per code small patches of held-out pictures, under the data set's "
            "licence, its places in pictures and its neighbours; and a sample of encoder outputs)"
        )
    return [
        *lines,
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows),
        "",
        "Local contrast is the mean standard deviation of luma in windows of 5 x 5 pixels, over the original's: "
        "below 1 is blurred.",
        "",
        f"`python -m explorer.training.evaluate` writes this section, {written}.",
        "",
    ]


def _levels(spec: TokenizerSpec) -> list[str]:
    """Table rows that say what the codes are."""
    if not spec.levels:
        return [f"| Codes | none; floats at a stride of {spec.multiple} pixels |"]
    rows = []
    for level in spec.levels:
        book, named = spec.codebook(level.name), _level(level.name, spec)
        digits = f", levels {' x '.join(map(str, book.radices))}" if book.implicit else ""
        variant = f", {book.variant}" if book.variant else ""
        rows += [
            f"| Codebook {named}| {book.size:,} codes of {book.dim} floats{digits}{variant} |",
            f"| Stride {named}| {level.stride} pixels per code |",
            f"| Reach {named}| a code changes pixels up to {level.reach} px beyond its own cell, none further |",
        ]
    return rows


def _level(name: str, spec: TokenizerSpec) -> str:
    return f"{name} " if len(spec.levels) > 1 else ""


def _start(training: dict) -> list[str]:
    start = training.get("start")
    if not start:
        return []
    anew = f", all but {', '.join(f'`{part}`' for part in start['anew'])}" if start["anew"] else ""
    return [f"- **Start:** the weights of `{start['id']}` (sha256 `{start['sha256'][:12]}`){anew}."]


def _steps(training: dict) -> str:
    start = training.get("start")
    begun = f" from `{start['id'].partition('.')[0]}`" if start else ""
    return f"{sum(stage['steps'] for stage in training['recipe']['stages']):,}{begun}"


def _stage(stage: dict) -> str:
    first, last = stage["learning_rate"]
    rate = f"{first:.3g}" if first == last else f"{first:.3g} falling to {last:.3g}"
    factors = ", ".join(f"{zoom:g}" for zoom in stage["zooms"])
    drawn = f", {stage['batch']} crops of {stage['crop']}" if stage["crop"] else ""
    return f"{stage['steps']:,} steps, learning rate {rate}, factor {factors}{drawn}."


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


def _schedules(recipe: dict) -> list[str]:
    return [
        f"{what} from {recipe[name][0]:g} to {recipe[name][1]:g} over {recipe['anneal']:.0%} of the steps"
        for name, what in (("kl", "KL to even use"), ("temperature", "temperature"))
        if recipe[name]
    ]


def _unsure(recipe: dict) -> str:
    if recipe["adversarial"]:
        return (
            "Trained against a discriminator, so where it is unsure it paints texture that was not there, "
            "down to a grain of single pixels."
        )
    return "Trained on squared error, so it blurs where it is unsure."


def _adversary(recipe: dict) -> list[str]:
    found = recipe["adversarial"]
    if not found:
        return []
    lpips = f", LPIPS with weight {found['lpips']:g}" if found["lpips"] else ", no LPIPS"
    since = f"from {found['start']:.1%} of the steps on" if found["start"] else "from the first step on"
    heard = f", heeded {found['head_start']:,} steps later" if found["head_start"] else ""
    return [
        f"- **Adversary:** a patch discriminator with hinge loss, trained {since}{heard}; "
        f"{found['layers']} layers, {found['width']} channels first, {found['learning_rate']:g} times the learning "
        f"rate; adversarial term {found['weight']:g} times the "
        f"adaptive weight, its features matched with weight {found['features']:g}{lpips}."
    ]
