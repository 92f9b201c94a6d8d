"""What a code looks like: decoded in a small grid filled with it alone."""

import numpy as np

from explorer.core.images import to_bytes
from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import DecodesLatents

AROUND = 2
"""Cells of the same code around the one that is shown, so that the border of the picture is far."""


AFFORDABLE = 2 * 10**10
"""Codes times parameters of the model that are decoded at once: about a minute on two cores."""


def refusal(spec: TokenizerSpec, level: str, count: int) -> str | None:
    """Why so many codes of a level are not decoded one by one, in words; None where they are."""
    if spec.side is not None or spec.level(level).stride is None:
        return f"A code of {spec.title} alone decodes to no part of a picture."
    if count * spec.parameters > AFFORDABLE:
        return (
            f"Decoding {count:,} codes with a model of {spec.parameters / 1e6:,.0f} M parameters would take minutes, "
            "so it is not done here."
        )
    return None


def swatches(tokenizer: DecodesLatents, level: str, indices: np.ndarray, batch: int = 64) -> np.ndarray:
    """Pixels (n, f, f, 3) uint8 of the middle cell of a grid filled with each code.

    Other levels add nothing: what a residual stage's code shows is what it alone decodes to.
    """
    spec = tokenizer.spec
    stride, book = spec.level(level).stride, spec.codebook(level)
    # A grid has to be whole cells of the coarsest level.
    side = -(-(2 * AROUND + 1) * stride // spec.multiple) * spec.multiple // stride
    middle = slice(AROUND * stride, (AROUND + 1) * stride)
    shown = []
    for start in range(0, len(indices), batch):
        vectors = tokenizer.vectors(book.name, np.asarray(indices[start : start + batch]))
        grids = np.broadcast_to(vectors[:, None, None], (len(vectors), side, side, book.dim))
        shown.append(to_bytes(tokenizer.decode_latents({level: grids})[:, middle, middle]))
    return np.concatenate(shown)
