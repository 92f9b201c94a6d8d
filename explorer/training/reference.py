"""Make what is shipped beside a checkpoint's weights: `python -m explorer.training.reference`.

golden.npz: the codes and the reconstruction of the picture that the page opens with. And of the held-out pictures
of the data set, reference.npz: how often each code occurs, its swatch and its colour; occurrences.npz: in which
patches it occurs, where in pictures and beside which codes, and what encoder outputs there are. maps.npz: the
codebook laid out by UMAP.
"""

import argparse
import logging
import sys
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np
from tqdm import tqdm

from explorer.analysis.codebook_map import MapKey, Of, placed_by, project
from explorer.analysis.observations import Observations, observe
from explorer.analysis.occurrences import summarize
from explorer.analysis.swatches import swatches
from explorer.analysis.usage import Usage
from explorer.core.atomic import atomic
from explorer.core.command import refusing
from explorer.core.images import encode_file, fit, to_bytes, to_unit
from explorer.core.mosaic import mosaic
from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import EncodesLatents, Tokenizer
from explorer.models.config import CheckpointConfig, read_config
from explorer.models.tokenizer import load_tokenizer
from explorer.plots.palette import code_colours
from explorer.services.examples import golden_picture
from explorer.services.reference import swatches_on
from explorer.training.data import Split, load_split

SIZE = 256
"""Pixels of a side: pictures are centre squares, resized with Lanczos."""

TOGETHER = 16
"""Pictures that are counted at once; more need more memory and give the same."""

PATCHES, MOST = 6144, 12
"""Exemplar patches of a model, shared out among the codes that occur; the most of one code, which has at least one."""

BESIDE = 8192
"""Neighbours that are kept per direction, shared out among all codes: at least 2, at most 4 of each."""

Model = Tokenizer | EncodesLatents


def held_out(config: CheckpointConfig, data: Path, size: int = SIZE) -> Split:
    """The pictures of the data set that the model was not trained on, their short side at most `size`."""
    leave_out = config.training.get("recipe", {}).get("leave_out", ())
    return load_split(data, held_out=True, short_side=size, leave_out=leave_out)


def write_golden(folder: Path, model: Model) -> None:
    """golden.npz: of the golden picture its codes, the two best of every cell, its reconstruction in WebP."""
    image, arrays = to_unit(golden_picture())[None], {}
    if isinstance(model, EncodesLatents):
        decoded = model.decode_latents(model.latents(image))
    else:
        encoding = model.encode(image)
        decoded = model.decode(encoding.codes)
        for name in encoding.codes:
            ranking = model.rank(name, encoding.latents[name], 2)
            arrays[f"codes/{name}"] = encoding.codes[name][0]
            arrays[f"rank_indices/{name}"] = ranking.indices[0]
            arrays[f"rank_scores/{name}"] = ranking.scores[0]
    _save(folder / "golden.npz", reconstruction=_exact(to_bytes(decoded)[0]), **arrays)


def write_reference(folder: Path, tokenizer: Tokenizer, split: Split, size: int = SIZE) -> dict[str, Observations]:
    """reference.npz and occurrences.npz; returns per level what was seen in the pictures."""
    seen = observe_all(tokenizer, split, size)
    usage = {name: found.usage for name, found in seen.items()}
    _save(folder / "reference.npz", **reference_arrays(tokenizer, usage))
    _save(folder / "occurrences.npz", **occurrence_arrays(tokenizer.spec, seen, split, size))
    return seen


def write_maps(folder: Path, tokenizer: Tokenizer, seen: dict[str, Observations]) -> None:
    """maps.npz: UMAP of every codebook's vectors, with encoder outputs, and of its swatches, in 2 and 3 axes.

    The swatches are those that `write_reference` has written.
    """
    arrays = {}
    with np.load(folder / "reference.npz", allow_pickle=False) as written:
        shown = {name: swatches_on(written[f"swatches/{name}"], tokenizer.spec, name) for name in seen}
    for name, of in tqdm(list(product(seen, get_args(Of))), desc="maps", unit="kind"):
        features, outputs = placed_by(tokenizer, MapKey(name, of), shown[name]), seen[name].outputs
        for dims in (2, 3):
            key = MapKey(name, of, "umap", dims)
            found = project(key, features, outputs.points if outputs else None)
            arrays[f"{key.name}/points"] = found.points.astype(np.float16)
            arrays[f"{key.name}/outputs"] = found.others.astype(np.float16)
    _save(folder / "maps.npz", **arrays)


def observe_all(tokenizer: Tokenizer, split: Split, size: int) -> dict[str, Observations]:
    """What is seen per level in the centre squares of all pictures, resized to `size`."""
    total: dict[str, Observations] = {}
    for first in tqdm(range(0, len(split.pictures), TOGETHER), desc="held out", unit=f"{TOGETHER} pictures"):
        some = split.pictures[first : first + TOGETHER]
        here = observe(tokenizer, np.stack([_square(tokenizer.spec, picture, size) for picture in some]), first)
        total = {name: total[name] + found if total else found for name, found in here.items()}
    return total


def reference_arrays(tokenizer: Tokenizer, usage: Mapping[str, Usage]) -> dict[str, np.ndarray]:
    """Per level: how often and in how many held-out pictures each code occurs, its colour, all swatches in WebP."""
    arrays = {}
    for level in tokenizer.spec.levels:
        everything = np.arange(tokenizer.spec.codebook(level.name).size)
        arrays[f"counts/{level.name}"] = usage[level.name].counts
        if usage[level.name].incidence is not None:
            arrays[f"incidence/{level.name}"] = usage[level.name].incidence
        arrays[f"swatches/{level.name}"] = _exact(mosaic(swatches(tokenizer, level.name, everything))[0])
        arrays[f"colours/{level.name}"] = code_colours(
            tokenizer.vectors(level.codebook, everything), usage[level.name].counts > 0
        )
    return arrays


def occurrence_arrays(
    spec: TokenizerSpec, seen: dict[str, Observations], split: Split, size: int
) -> dict[str, np.ndarray]:
    """The names of the pictures and, per level, the arrays of `Occurrences`, as services.occurrences reads them."""
    each = int(np.clip(PATCHES // sum(found.usage.used for found in seen.values()), 1, MOST))
    beside = int(np.clip(BESIDE // sum(found.usage.size for found in seen.values()), 2, 4))
    arrays = {"names": np.array(split.names)}
    for name, found in seen.items():
        kept = summarize(
            found,
            spec.level(name).stride,
            split.names,
            lambda number: _square(spec, split.pictures[number], size),
            each,
            beside,
        )
        arrays |= {f"{field}/{name}": array for field, array in kept.to_arrays().items()}
    return arrays


def _save(path: Path, **arrays: np.ndarray) -> None:
    with atomic(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _exact(pixels: np.ndarray) -> np.ndarray:
    """The bytes (n,) uint8 of a lossless picture file."""
    return np.frombuffer(encode_file(pixels, "webp", lossless=True, method=6), np.uint8)


def _square(spec: TokenizerSpec, picture: np.ndarray, size: int) -> np.ndarray:
    return fit(picture, size, "square", spec.multiple)


@refusing
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m explorer.training.reference", description=__doc__)
    parser.add_argument("checkpoints", nargs="+", type=Path, help="checkpoint folders")
    parser.add_argument("--data", required=True, type=Path, help="the data set; its held-out part is used")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for folder in options.checkpoints:
        model = load_tokenizer(folder, options.device)
        write_golden(folder, model)
        if model.spec.levels:
            write_maps(folder, model, write_reference(folder, model, held_out(read_config(folder), options.data)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
