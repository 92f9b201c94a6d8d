"""Which pixels a cell decides, measured: its code is changed and the picture decoded again."""

import numpy as np

from explorer.core.codes import Codes
from explorer.core.tokenizer import DecodesWindow, Tokenizer

TRIES = 8
"""Other codes that are tried in the cell."""


def influence(tokenizer: Tokenizer, codes: Codes, level: str, cell: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Largest change (H, W) float32 in [0, 1] of any channel of each pixel, over some other codes in one cell.

    codes: of one picture. cell: (row, column), or (token,) of codes in a row. The other codes are drawn
    evenly. A pixel at 0 moved with none of them.
    """
    spec, size = tokenizer.spec, tokenizer.spec.codebook(level).size
    own = int(codes[level][(0, *cell)])
    others = np.random.default_rng(seed).choice(size - 1, min(TRIES, size - 1), replace=False)
    others = others + (others >= own)
    height, width = spec.image_size(codes)
    found = np.zeros((height, width), np.float32)
    area, decode = _decoder(tokenizer, level, cell, height, width)
    before = decode(codes)
    for other in others:
        after = decode(codes.edit(level, (0, *cell), int(other)))
        np.maximum(found[area], np.abs(after - before).max(-1), out=found[area])
    return found


def _decoder(tokenizer: Tokenizer, level: str, cell: tuple[int, ...], height: int, width: int):
    """The part of the picture that is decoded, and how: the cell's reach, with a cell beyond it, or everything."""
    spec = tokenizer.spec
    reach, stride, last = spec.level(level).reach, spec.level(level).stride, spec.levels[-1].stride
    if reach is None or not isinstance(tokenizer, DecodesWindow):
        return (slice(None), slice(None)), lambda codes: tokenizer.decode(codes)[0]
    margin = -(-reach // last) + 1
    rows, columns = (
        slice(max(0, at * stride // last - margin), min(length // last, (at + 1) * stride // last + margin))
        for at, length in zip(cell, (height, width), strict=True)
    )
    area = (slice(rows.start * last, rows.stop * last), slice(columns.start * last, columns.stop * last))
    return area, lambda codes: tokenizer.decode_window(codes, rows, columns)[0]
