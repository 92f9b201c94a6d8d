"""What a code looks like: decoded in a small grid filled with it alone."""

import numpy as np

from explorer.core.codes import Codes
from explorer.core.images import to_bytes
from explorer.core.tokenizer import Tokenizer

AROUND = 2
"""Cells of the same code around the one that is shown, so that the border of the picture is far."""


def swatches(tokenizer: Tokenizer, level: str, indices: np.ndarray, batch: int = 64) -> np.ndarray:
    """Pixels (n, f, f, 3) uint8 of the middle cell of a grid filled with each code; one-level tokenizers."""
    stride, side = tokenizer.spec.level(level).stride, 2 * AROUND + 1
    middle = slice(AROUND * stride, (AROUND + 1) * stride)
    shown = []
    for start in range(0, len(indices), batch):
        part = np.asarray(indices[start : start + batch])
        grids = np.broadcast_to(part[:, None, None], (len(part), side, side))
        shown.append(to_bytes(tokenizer.decode(Codes({level: grids}))[:, middle, middle]))
    return np.concatenate(shown)
