"""Pictures to train on: from a folder or an archive into memory, and every batch a function of its step.

Nothing here keeps a random state: batch number s of a run is drawn from (seed, s) alone, so a run
that was killed sees the same batches when it is resumed, and N processes share what one would see.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from explorer.core.errors import DataError, ExplorerError, PictureError
from explorer.core.images import fit, read_picture
from explorer.core.picture_files import PictureFile, picture_files

log = logging.getLogger(__name__)

HOLD_OUT_RULE = "every tenth file of each folder, in the order of their names, is held out"


@dataclass(frozen=True)
class Split:
    """Decoded pictures (H, W, 3) uint8 with their names, and the names of files that could not be read."""

    pictures: list[np.ndarray]
    names: list[str]
    unreadable: list[str]


def load_split(
    source: Path,
    held_out: bool | None,
    *,
    short_side: int = 256,
    at_least: int = 0,
    leave_out: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Split:
    """The training part (held_out=False), the held-out part (True) or all (None) of a folder, tar or zip.

    Pictures are shrunk to at most `short_side` and enlarged to at least `at_least` pixels on their
    short side. Unreadable files are skipped, named in the log and counted.
    """
    files = sorted(picture_files(source, leave_out), key=lambda file: file.name)
    if held_out is not None:
        chosen = held_out_names([file.name for file in files])
        files = [file for file in files if (file.name in chosen) == held_out]
        if not files:
            raise DataError(f"{source} has too few pictures to hold any out; no folder holds ten ({HOLD_OUT_RULE}).")

    def decode(file: PictureFile) -> np.ndarray | ExplorerError:
        try:
            return _resized(read_picture(file.read()).pixels, short_side, at_least)
        except (PictureError, DataError) as error:
            log.warning("skipped %s: %s", file.name, error)
            return error

    pictures, names, unreadable = [], [], []
    with ThreadPoolExecutor(2) as pool:
        for done, (file, result) in enumerate(zip(files, pool.map(decode, files), strict=True), 1):
            if isinstance(result, ExplorerError):
                unreadable.append(file.name)
            else:
                pictures.append(result)
                names.append(file.name)
            progress(done, len(files))
    if not pictures:
        raise DataError(f"None of the {len(files)} picture files in {source} could be read.")
    return Split(pictures, names, unreadable)


def held_out_names(names: Sequence[str]) -> set[str]:
    """The names that the fixed rule holds out: every tenth file of each folder."""
    seen: dict[str, int] = {}
    chosen = set()
    for name in sorted(names):
        folder = str(PurePosixPath(name).parent)
        seen[folder] = seen.get(folder, 0) + 1
        if seen[folder] % 10 == 0:
            chosen.add(name)
    return chosen


class Batches:
    """Batch number `step` of a run: crops (b, 3, crop, crop) float32 in [0, 1], this process's share.

    drawn_at: step -> how many crops all processes draw together, their side, and the factors by which they
    are cut larger and shrunk.
    """

    def __init__(
        self,
        pictures: Sequence[np.ndarray],
        drawn_at: Callable[[int], tuple[int, int, Sequence[float]]],
        seed: int,
        rank: int = 0,
        world: int = 1,
    ):
        self.pictures, self.drawn_at, self.seed, self.rank, self.world = pictures, drawn_at, seed, rank, world

    def __call__(self, step: int) -> Tensor:
        rng = np.random.default_rng([self.seed, step])
        count, crop, zooms = self.drawn_at(step)
        side = round(crop * zooms[rng.integers(len(zooms))])
        chosen = rng.integers(len(self.pictures), size=count)
        corners, flips = rng.random((count, 2)), rng.random(count) < 0.5
        crops = []
        for i in range(self.rank * count // self.world, (self.rank + 1) * count // self.world):
            picture = self.pictures[chosen[i]]
            top, left = (int(u * (n - side + 1)) for u, n in zip(corners[i], picture.shape[:2], strict=True))
            cut = picture[top : top + side, left : left + side]
            crops.append(cut[:, ::-1] if flips[i] else cut)
        batch = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255
        if side != crop:
            batch = F.interpolate(batch, size=(crop, crop), mode="bicubic", antialias=True).clamp(0, 1)
        return batch


def centre_squares(pictures: Sequence[np.ndarray], size: int) -> np.ndarray:
    """The centre square of each picture, resized with Lanczos: (B, size, size, 3) uint8."""
    return np.stack([fit(picture, size, "square") for picture in pictures])


def _resized(pixels: np.ndarray, short_side: int, at_least: int) -> np.ndarray:
    height, width = pixels.shape[:2]
    short = min(height, width)
    target = max(at_least, min(short_side, short))
    if target == short:
        return pixels
    size = (max(target, round(width * target / short)), max(target, round(height * target / short)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
