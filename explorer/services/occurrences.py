"""What is shipped of where each code occurs in the held-out pictures: a file of its own, read when first asked for."""

from functools import lru_cache

import numpy as np

from explorer.analysis.occurrences import Occurrences
from explorer.core.errors import CheckpointError
from explorer.models import registry
from explorer.services.reference import reference, shipped_arrays

FILE = "occurrences.npz"


@lru_cache(maxsize=4)
def occurrences(id: str) -> dict[str, Occurrences]:
    """Per level of a model, {} of one without codes, or that is not shipped here; a CheckpointError in words where
    the file is missing."""
    if not (registry.has(id) and registry.spec(id).levels):
        return {}
    spec, counts = registry.spec(id), reference(id).counts
    if not (registry.folder_of(id) / FILE).exists():
        raise CheckpointError(
            f"Where the codes of {id} occur was not recorded: its folder has no {FILE}. "
            "`python -m explorer.training.reference` makes it from the data set."
        )
    arrays = shipped_arrays(id, FILE)
    names = tuple(arrays.pop("names").tolist())
    parts: dict[str, dict[str, np.ndarray]] = {level.name: {} for level in spec.levels}
    for key, array in arrays.items():
        field, level = key.split("/", 1)
        parts[level][field] = array
    return {
        level.name: Occurrences(level.stride, counts[level.name], names, **parts[level.name]) for level in spec.levels
    }


def occurrences_of(id: str, level: str) -> Occurrences | None:
    """Of one level; None of a model for which that was not recorded."""
    try:
        return occurrences(id).get(level)
    except CheckpointError:
        return None


def encoder_outputs(id: str, level: str) -> np.ndarray | None:
    """A sample (m, D) float32 of encoder outputs in the space of the code vectors; None where none were kept."""
    found = occurrences_of(id, level)
    return found.output_points.astype(np.float32) if found and len(found.output_points) else None
