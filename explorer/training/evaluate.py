"""Measure a trained checkpoint and write what it needs to be shown: `python -m explorer.training.evaluate`.

Writes the evaluation into config.json, the model card README.md, and the files of `explorer.training.reference`.
"""

import argparse
import dataclasses
import logging
import sys
from pathlib import Path

import numpy as np

from explorer.analysis.rate import entropy_bits, nominal_bits
from explorer.analysis.reconstruction import local_contrast, psnr, ssim
from explorer.analysis.usage import Usage, by_level, merged
from explorer.core.atomic import atomic
from explorer.core.command import refusing
from explorer.core.images import fit, read_picture, to_bytes, to_unit
from explorer.core.tokenizer import EncodesLatents
from explorer.models.config import read_config, write_config
from explorer.models.tokenizer import load_tokenizer
from explorer.training.card import model_card, readme_table
from explorer.training.reference import SIZE, Model, held_out, write_golden, write_maps, write_reference


def measure_reconstruction(model: Model, pictures: list[np.ndarray], size: int, reference: dict) -> dict:
    """Means over pictures: PSNR (dB), SSIM, local contrast kept, and where there are codes bits per pixel and usage.

    Pictures are centre squares resized with Lanczos to `size`; reconstructions are rounded to 8 bits.
    """
    spec, pixels = model.spec, size * size
    rows: list[dict[str, float]] = []
    usage: dict[str, Usage] = {}
    for picture in pictures:
        original = fit(picture, size, "square", spec.multiple)
        image, bits = to_unit(original)[None], {}
        if isinstance(model, EncodesLatents):
            decoded = model.decode_latents(model.latents(image))
        else:
            codes = model.encode(image).codes
            decoded = model.decode(codes)
            bits = {
                "bits_per_pixel": nominal_bits(spec, codes) / pixels,
                "bits_per_pixel_entropy_coded": entropy_bits(spec, codes, reference) / pixels,
            }
            usage = merged(usage, by_level(spec, codes))
        shown = to_bytes(decoded)[0]
        contrast = local_contrast(shown) / local_contrast(original)
        rows.append({"psnr": psnr(original, shown), "ssim": ssim(original, shown), "local_contrast": contrast, **bits})
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return {
        "pictures": len(pictures),
        "size": size,
        **{name: round(mean, 2 if name == "psnr" else 4) for name, mean in means.items()},
        "usage": {name: usage_record(found) for name, found in usage.items()},
    }


def usage_record(usage: Usage) -> dict[str, float]:
    return {
        "tokens": usage.tokens,
        "size": usage.size,
        "used": usage.used,
        "ceiling": round(usage.ceiling, 4),
        "chao1": round(usage.chao1, 1),
        "perplexity": round(usage.perplexity, 1),
    }


def evaluate(folder: Path, kodak: Path, data: Path, size: int = SIZE, device: str = "cpu") -> dict:
    """Measure the checkpoint in `folder` and write config.json, README.md and what is shipped beside the weights."""
    config = read_config(folder)
    model = load_tokenizer(folder, device)
    photos = [read_picture(path).pixels for path in sorted(kodak.glob("*.png"))]
    evaluation, counts = {}, {}
    if model.spec.levels:
        split = held_out(config, data, size)
        seen = write_reference(folder, model, split, size)
        write_maps(folder, model, seen)
        usage = {name: found.usage for name, found in seen.items()}
        counts = {name: found.counts for name, found in usage.items()}
        evaluation["held_out"] = {
            "pictures": len(split.pictures),
            "size": size,
            "usage": {name: usage_record(found) for name, found in usage.items()},
        }
    evaluation["kodak"] = measure_reconstruction(model, photos, size, counts)
    write_golden(folder, model)
    config = dataclasses.replace(config, evaluation=evaluation)
    write_config(folder, config)
    with atomic(folder / "README.md") as path:
        path.write_text(model_card(config), encoding="utf-8")
    return evaluation


def update_readme(readme: Path, folders: list[Path]) -> None:
    """Replace the table of models between the README's <!-- models --> marks."""
    text = readme.read_text(encoding="utf-8")
    start, end = "<!-- models -->\n", "<!-- /models -->"
    before, rest = text.split(start, 1)
    after = rest.split(end, 1)[1]
    table = readme_table([read_config(folder) for folder in folders])
    with atomic(readme) as path:
        path.write_text(f"{before}{start}{table}\n{end}{after}", encoding="utf-8")


@refusing
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m explorer.training.evaluate", description=__doc__)
    parser.add_argument("checkpoints", nargs="+", type=Path, help="checkpoint folders")
    parser.add_argument("--kodak", required=True, type=Path, help="the folder of the 24 Kodak pictures, PNG")
    parser.add_argument("--data", required=True, type=Path, help="the data set; its held-out part is used")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--readme", type=Path, help="a README whose table of models is written anew from these folders")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for folder in options.checkpoints:
        found = evaluate(folder, options.kodak, options.data, device=options.device)
        kodak, usages = found["kodak"], found.get("held_out", {}).get("usage", {})
        used = [f"{u['used']} of {u['size']} over {u['tokens']:,} tokens" for u in usages.values()]
        print("; ".join([f"{folder.name}: Kodak {kodak['psnr']} dB, SSIM {kodak['ssim']}", *used]))
    if options.readme:
        update_readme(options.readme, options.checkpoints)
    return 0


if __name__ == "__main__":
    sys.exit(main())
