"""Measure a trained checkpoint and write what it needs to be shown: `python -m explorer.training.evaluate`.

Writes the evaluation into config.json, the model card README.md, golden.npz (a picture, its codes,
its reconstruction) and reference.npz (how often each code occurs in held-out pictures, its swatch and its colour).
"""

import argparse
import dataclasses
import logging
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import skimage
from tqdm import tqdm

from explorer.analysis.rate import entropy_bits, nominal_bits
from explorer.analysis.reconstruction import psnr, ssim
from explorer.analysis.swatches import swatches
from explorer.analysis.usage import Usage
from explorer.core.codes import Codes
from explorer.core.errors import ExplorerError
from explorer.core.images import fit, read_picture, to_bytes, to_unit
from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import Tokenizer
from explorer.models.config import read_config, write_config
from explorer.models.tokenizer import load_tokenizer
from explorer.plots.palette import code_colours
from explorer.training.card import model_card, readme_table
from explorer.training.data import load_split

GOLDEN_PICTURE = "astronaut.png"
"""Of scikit-image's bundled pictures: Eileen Collins, NASA, public domain."""


def measure_usage(tokenizer: Tokenizer, pictures: Iterable[np.ndarray], size: int) -> dict[str, Usage]:
    """Usage per level over the centre squares of pictures (H, W, 3) uint8, resized to `size`."""
    spec = tokenizer.spec
    total: dict[str, Usage] = {}
    for picture in pictures:
        count(total, spec, tokenizer.encode(to_unit(fit(picture, size, "square", spec.multiple))[None]).codes)
    return total


def count(total: dict[str, Usage], spec: TokenizerSpec, codes: Codes) -> None:
    """Add the codes of every level to `total`."""
    for level in spec.levels:
        here = Usage.of(codes[level.name], spec.codebook(level.name).size)
        total[level.name] = total[level.name] + here if level.name in total else here


def measure_reconstruction(tokenizer: Tokenizer, pictures: list[np.ndarray], size: int, reference: dict) -> dict:
    """Means over pictures: PSNR (dB), SSIM, bits per pixel nominal and entropy-coded; usage over all of them.

    Pictures are centre squares resized with Lanczos to `size`; reconstructions are rounded to 8 bits.
    """
    spec = tokenizer.spec
    rows: list[tuple[float, ...]] = []
    usage: dict[str, Usage] = {}
    for picture in pictures:
        original = fit(picture, size, "square", spec.multiple)
        codes = tokenizer.encode(to_unit(original)[None]).codes
        decoded = to_bytes(tokenizer.decode(codes))[0]
        pixels = size * size
        rows.append(
            (
                psnr(original, decoded),
                ssim(original, decoded),
                nominal_bits(spec, codes) / pixels,
                entropy_bits(spec, codes, reference) / pixels,
            )
        )
        count(usage, spec, codes)
    means = np.mean(rows, axis=0)
    return {
        "pictures": len(pictures),
        "size": size,
        "psnr": round(float(means[0]), 2),
        "ssim": round(float(means[1]), 4),
        "bits_per_pixel": round(float(means[2]), 4),
        "bits_per_pixel_entropy_coded": round(float(means[3]), 4),
        "usage": {name: usage_record(found) for name, found in usage.items()},
    }


def usage_record(usage: Usage) -> dict[str, float]:
    return {
        "tokens": usage.tokens,
        "size": usage.size,
        "used": usage.used,
        "ceiling": round(usage.ceiling, 4),
        "perplexity": round(usage.perplexity, 1),
    }


def golden(tokenizer: Tokenizer, size: int = 256) -> dict[str, np.ndarray]:
    """A picture with its codes, reconstruction and the two best codes of every cell, for display and for tests."""
    picture = read_picture(Path(skimage.data_dir) / GOLDEN_PICTURE).pixels
    image = fit(picture, size, "square", tokenizer.spec.multiple)
    encoding = tokenizer.encode(to_unit(image)[None])
    arrays = {"image": image, "reconstruction": to_bytes(tokenizer.decode(encoding.codes))[0]}
    for name in encoding.codes:
        arrays[f"codes/{name}"] = encoding.codes[name][0]
        ranking = tokenizer.rank(name, encoding.latents[name], 2)
        arrays[f"rank_indices/{name}"] = ranking.indices[0]
        arrays[f"rank_scores/{name}"] = ranking.scores[0]
    return arrays


def evaluate(folder: Path, kodak: Path, data: Path, size: int = 256, device: str = "cpu") -> dict:
    """Measure the checkpoint in `folder` and write config.json, README.md, golden.npz and reference.npz."""
    config = read_config(folder)
    tokenizer = load_tokenizer(folder, device)
    leave_out = config.training.get("recipe", {}).get("leave_out", ())
    held_out = load_split(data, held_out=True, short_side=size, leave_out=leave_out)
    usage = measure_usage(tokenizer, tqdm(held_out.pictures, desc="held out", unit="picture"), size)
    reference = {name: found.counts for name, found in usage.items()}
    photos = [read_picture(path).pixels for path in sorted(kodak.glob("*.png"))]
    evaluation = {
        "held_out": {
            "pictures": len(held_out.pictures),
            "size": size,
            "usage": {name: usage_record(found) for name, found in usage.items()},
        },
        "kodak": measure_reconstruction(tokenizer, photos, size, reference),
    }
    stored = {}
    for level in tokenizer.spec.levels:
        stored[f"counts/{level.name}"] = reference[level.name]
        everything = np.arange(tokenizer.spec.codebook(level.name).size)
        stored[f"swatches/{level.name}"] = swatches(tokenizer, level.name, everything)
        stored[f"colours/{level.name}"] = code_colours(tokenizer.vectors(level.codebook, everything))
    np.savez_compressed(folder / "reference.npz", **stored)
    np.savez_compressed(folder / "golden.npz", **golden(tokenizer))
    config = dataclasses.replace(config, evaluation=evaluation)
    write_config(folder, config)
    (folder / "README.md").write_text(model_card(config), encoding="utf-8")
    return evaluation


def update_readme(readme: Path, folders: list[Path]) -> None:
    """Replace the table of models between the README's <!-- models --> marks."""
    text = readme.read_text(encoding="utf-8")
    start, end = "<!-- models -->\n", "<!-- /models -->"
    before, rest = text.split(start, 1)
    after = rest.split(end, 1)[1]
    table = readme_table([read_config(folder) for folder in folders])
    readme.write_text(f"{before}{start}{table}\n{end}{after}", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m explorer.training.evaluate", description=__doc__)
    parser.add_argument("checkpoints", nargs="+", type=Path, help="checkpoint folders")
    parser.add_argument("--kodak", required=True, type=Path, help="the folder of the 24 Kodak pictures, PNG")
    parser.add_argument("--data", required=True, type=Path, help="the data set; its held-out part is used")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--readme", type=Path, help="a README whose table of models is written anew from these folders")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        for folder in options.checkpoints:
            found = evaluate(folder, options.kodak, options.data, device=options.device)
            kodak, held_out = found["kodak"], found["held_out"]["usage"]
            used = "; ".join(f"{u['used']} of {u['size']} over {u['tokens']:,} tokens" for u in held_out.values())
            print(f"{folder.name}: Kodak {kodak['psnr']} dB, SSIM {kodak['ssim']}, {used}")
        if options.readme:
            update_readme(options.readme, options.checkpoints)
    except ExplorerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
