"""Which of the registered models can be opened, and why the others can't: one that is damaged keeps no other away."""

import hashlib
import logging
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.core.errors import CheckpointError, ExplorerError
from explorer.core.spec import TokenizerSpec
from explorer.models import registry
from explorer.services.reference import reference
from explorer.services.tokenization import tokenized_golden

log = logging.getLogger(__name__)
WEIGHTS, REFERENCE = "model.safetensors", "reference.npz"
KODAK = ("psnr", "ssim", "pictures", "size")
USAGE = ("used", "size", "tokens", "ceiling", "perplexity")
"""Figures of an evaluation that the page shows."""


@dataclass(frozen=True)
class LeftOut:
    """A model that can't be opened. reason: a sentence for people, without paths of this machine."""

    id: str
    reason: str


@dataclass(frozen=True)
class Shelf:
    """models: ids of those that can be opened; the page opens with the first. left_out: the others."""

    models: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()


def take_stock(ids: Iterable[str]) -> Shelf:
    """Look at every model without loading it; each that can't be opened is named in the log with its folder.

    Reads all weights once, for their sha256. A CheckpointError where no model is left.
    """
    sound, left_out = [], []
    for id in ids:
        try:
            check_model(id)
            sound.append(id)
        except Exception as error:  # of a file that is damaged in a way that nobody has thought of
            reason = str(error) if isinstance(error, ExplorerError) else f"{id} can't be read: {type(error).__name__}."
            left_out.append(LeftOut(id, reason))
            log.warning("%s is left out: %s (%s)", id, reason, registry.folder_of(id))
    first = next((id for id in sound if _can_open_page(id)), None)
    if first is None:
        why = f" The first: {left_out[0].reason}" if left_out else ""
        raise CheckpointError(
            f"None of the models in {registry.CHECKPOINTS} can be opened.{why} Fetch that folder again, for example "
            "with git checkout -- checkpoints."
        )
    return Shelf((first, *(id for id in sound if id != first)), tuple(left_out))


def check_model(id: str) -> None:
    """Raise an ExplorerError, or whatever reading it raises, where a model's files are not whole."""
    folder, spec = registry.folder_of(id), registry.spec(id)
    if spec.id != id:
        raise CheckpointError(f"{folder.name}/config.json is of another model, {spec.id[:80]}.")
    if any(book.size < 1 or book.dim < 1 for book in spec.codebooks):
        raise CheckpointError(f"{folder.name}/config.json describes a codebook without codes or without numbers.")
    _check_evaluation(spec, folder)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise CheckpointError(f"{folder.name} has no {WEIGHTS}; fetch the checkpoint again.")
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{folder.name}/{WEIGHTS} can't be read: {error.strerror}.") from error
    if found != spec.sha256:
        raise CheckpointError(
            f"{folder.name}/{WEIGHTS} has sha256 {found[:12]}..., but its config.json says {spec.sha256[:12]}...: it "
            "is damaged or of another version. Fetch the checkpoint again."
        )
    if spec.levels and not zipfile.is_zipfile(folder / REFERENCE):
        raise CheckpointError(f"{folder.name}/{REFERENCE} is missing or damaged; fetch the checkpoint again.")


def _check_evaluation(spec: TokenizerSpec, folder: Path) -> None:
    """Whether the figures that the page shows of a model are there, where it was evaluated."""
    kodak, held_out = (spec.evaluation.get(name) for name in ("kodak", "held_out"))
    usage = _figures(held_out, "usage") if held_out is not None else {}
    shown = [(kodak, KODAK)] if kodak is not None else []
    shown += [(held_out, ("pictures",))] if held_out is not None else []
    shown += [(found, USAGE) for found in (usage.values() if isinstance(usage, dict) else [None])]
    for figures, names in shown:
        for name in names:
            if isinstance(value := _figures(figures, name), bool) or not isinstance(value, int | float):
                raise CheckpointError(f"{folder.name}/config.json: its evaluation lacks the figure {name!r}.")
            if name == "size" and value <= 0:
                raise CheckpointError(f"{folder.name}/config.json: its evaluation has a size of {value}.")


def _figures(record: Any, name: str) -> Any:
    return record.get(name) if isinstance(record, dict) else None


def _can_open_page(id: str) -> bool:
    """Whether the page can open with a model: it is shipped with its golden picture, and its counts can be read."""
    try:
        tokenized_golden(id)
        reference(id)
        return True
    except Exception as error:
        log.warning("the page does not open with %s: %s", id, error)
        return False
