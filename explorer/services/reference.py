"""What is shipped beside a model's weights: code counts over held-out pictures, swatches, colours, a golden picture."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from explorer.analysis.usage import Usage
from explorer.core.codes import Codes
from explorer.core.errors import CheckpointError, CodesError
from explorer.core.images import read_picture
from explorer.core.mosaic import tiles
from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import Ranking
from explorer.models import registry
from explorer.services.examples import golden_picture


@dataclass(frozen=True)
class Reference:
    """Per level: counts (K,) over the held-out pictures and in how many of them each code occurs, incidence (K,);
    swatches (K, f, f, 3) and colours (K, 3) uint8."""

    counts: dict[str, np.ndarray] = field(default_factory=dict)
    incidence: dict[str, np.ndarray] = field(default_factory=dict)
    swatches: dict[str, np.ndarray] = field(default_factory=dict)
    colours: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Golden:
    """The golden picture with its codes and reconstruction, as the weights gave them when they were finished."""

    image: np.ndarray
    reconstruction: np.ndarray
    codes: Codes | None
    rankings: dict[str, Ranking]


@lru_cache(maxsize=32)
def reference(id: str) -> Reference:
    """The reference.npz of a model; empty of a model without codes, and of one that is not shipped here."""
    if not (registry.has(id) and registry.spec(id).levels):
        return Reference()
    arrays = shipped_arrays(id, "reference.npz")
    parts: dict[str, dict[str, np.ndarray]] = {"counts": {}, "incidence": {}, "swatches": {}, "colours": {}}
    for name, array in arrays.items():
        kind, level = name.split("/", 1)
        parts[kind][level] = array
    for level, sheet in parts["swatches"].items():
        parts["swatches"][level] = swatches_on(sheet, registry.spec(id), level)
    return Reference(**parts)


def swatches_on(sheet: np.ndarray, spec: TokenizerSpec, level: str) -> np.ndarray:
    """The swatches (K, f, f, 3) uint8 of a level in the bytes (n,) uint8 of the picture that is shipped."""
    return tiles(read_picture(sheet.tobytes()).pixels, spec.codebook(level).size, spec.level(level).stride)


def reference_usage(id: str) -> dict[str, Usage]:
    """Level name -> usage over the held-out pictures; a CodesError where there are no codes, or none were counted."""
    if not registry.has(id):
        raise CodesError(
            f"No held-out pictures were counted with {id}: that was done for bundled models alone. Count pictures of "
            "your own with it."
        )
    registry.spec(id).check_has_codes()
    found, measured = reference(id), registry.spec(id).evaluation.get("held_out")
    # Of a model that was counted but not evaluated, only the list of the pictures says how many there were.
    pictures = measured["pictures"] if measured else len(shipped_arrays(id, "occurrences.npz")["names"])
    return {name: Usage(counts, found.incidence.get(name), pictures) for name, counts in found.counts.items()}


@lru_cache(maxsize=32)
def golden(id: str) -> Golden:
    """The golden.npz of a model."""
    arrays = shipped_arrays(id, "golden.npz")
    levels = [level.name for level in registry.spec(id).levels]
    return Golden(
        golden_picture(),
        read_picture(arrays["reconstruction"].tobytes()).pixels,
        Codes({name: arrays[f"codes/{name}"][None] for name in levels}) if levels else None,
        {name: Ranking(arrays[f"rank_indices/{name}"], arrays[f"rank_scores/{name}"]) for name in levels},
    )


def shipped_arrays(id: str, file: str) -> dict[str, np.ndarray]:
    """All arrays of a .npz file in a model's folder."""
    path = registry.folder_of(id) / file
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except Exception as error:  # what a damaged archive raises depends on where it is damaged
        raise CheckpointError(
            f"{path.parent.name}/{file} is missing or damaged; fetch the checkpoint again."
        ) from error
