"""Grids of codes that a prior is trained on: every picture encoded once per view, kept in a cache folder.

A view is a way to look at a picture before it is encoded: its centre square or the whole picture, at a scale,
flipped or not. The tokenizer is local, so a window cut from a whole picture's grid is what encoding the cut picture
would give, but for a few cells at its edges. Batches are functions of the step alone, as in `explorer.training.data`.
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from tqdm import tqdm

from explorer.core.atomic import atomic
from explorer.core.errors import DataError, PictureError
from explorer.core.images import fit, read_picture, resized, to_unit
from explorer.core.picture_files import PictureFile, picture_files
from explorer.core.tokenizer import Tokenizer
from explorer.training.data import held_out_names
from explorer.training.prior_config import View

log = logging.getLogger(__name__)

LONGEST = 3
"""A whole picture is cut to at most this many times its short side."""


@dataclass(frozen=True)
class Grids:
    """All pictures in one view: codes (h, w) uint16 each, and their class numbers (N,) int64."""

    codes: list[np.ndarray]
    labels: np.ndarray


@dataclass(frozen=True)
class Pictures:
    """The picture files of one side of the hold-out rule, in the order of names, with the names of all classes."""

    files: list[PictureFile]
    classes: tuple[str, ...]

    @property
    def labels(self) -> np.ndarray:
        """Class numbers (N,) int64: a picture's class is the folder that holds it."""
        numbers = {name: number for number, name in enumerate(self.classes)}
        return np.array([numbers[_class(file.name)] for file in self.files], np.int64)

    @property
    def key(self) -> str:
        """Changes with the files' names and sizes."""
        listed = "\n".join(f"{file.name} {file.size}" for file in self.files)
        return hashlib.sha256(listed.encode()).hexdigest()[:12]


def split_pictures(source: Path, leave_out: Sequence[str] = ()) -> tuple[Pictures, Pictures]:
    """The training and the held-out picture files of a folder or archive, by the rule of `explorer.training.data`."""
    files = sorted(picture_files(source, leave_out), key=lambda file: file.name)
    chosen = held_out_names([file.name for file in files])
    classes = tuple(sorted({_class(file.name) for file in files}))
    if not chosen:
        raise DataError(f"{source} has too few pictures to hold any out: no folder holds ten.")
    return (
        Pictures([file for file in files if file.name not in chosen], classes),
        Pictures([file for file in files if file.name in chosen], classes),
    )


def load_grids(pictures: Pictures, view: View, flipped: bool, tokenizer: Tokenizer, cache: Path) -> Grids:
    """All pictures in a view, from the cache, where they are put if they are not there yet.

    Unreadable pictures are named in the log and left out.
    """
    cache.mkdir(parents=True, exist_ok=True)
    name = f"{tokenizer.spec.id}_{tokenizer.spec.revision}_{pictures.key}_{view.how}{view.side}{'f' if flipped else ''}"
    path = cache / f"{name}.npz"
    if not path.is_file():
        _encode(pictures, view, flipped, tokenizer, path)
    with np.load(path) as found:
        shapes, kept = found["shapes"], found["kept"]
        flat = np.split(found["codes"], np.cumsum(shapes.prod(1))[:-1])
    return Grids([part.reshape(shape) for part, shape in zip(flat, shapes, strict=True)], pictures.labels[kept])


def _encode(pictures: Pictures, view: View, flipped: bool, tokenizer: Tokenizer, path: Path) -> None:
    level, grids, kept = tokenizer.spec.levels[0].name, [], []
    for number, file in enumerate(tqdm(pictures.files, unit="picture", desc=path.stem)):
        try:
            pixels = seen(read_picture(file.read()).pixels, view, tokenizer.spec.multiple)
        except PictureError as error:
            log.warning("skipped %s: %s", file.name, error)
            continue
        image = to_unit(np.ascontiguousarray(pixels[:, ::-1]) if flipped else pixels)
        grids.append(tokenizer.encode(image[None]).codes[level][0].astype(np.uint16))
        kept.append(number)
    if not grids:
        raise DataError(f"None of the {len(pictures.files)} picture files could be read.")
    codes, shapes = np.concatenate([grid.ravel() for grid in grids]), np.array([grid.shape for grid in grids])
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez(file, codes=codes, shapes=shapes, kept=np.array(kept))


def seen(pixels: np.ndarray, view: View, multiple: int) -> np.ndarray:
    """Pixels (H, W, 3) uint8 as a view shows them, its sides multiples of `multiple`."""
    if view.how == "square":
        return fit(pixels, view.side, "square", multiple)
    scale, limit = view.side / min(pixels.shape[:2]), LONGEST * view.side
    height, width = (max(view.side, round(n * scale / multiple) * multiple) for n in pixels.shape[:2])
    top, left = (max(0, n - limit) // 2 for n in (height, width))
    return resized(pixels, (height, width))[top : top + limit, left : left + limit]


def _class(name: str) -> str:
    return PurePosixPath(name).parent.name
