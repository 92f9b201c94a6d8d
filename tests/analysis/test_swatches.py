"""Swatches show the middle cell of a grid that is filled with one code."""

from types import SimpleNamespace

import numpy as np

from explorer.analysis.swatches import AROUND, swatches


class Echo:
    """Paints each cell in the brightness of its code, and darkens the border cells of the grid."""

    spec = SimpleNamespace(
        multiple=8,
        level=lambda name: SimpleNamespace(stride=4),
        codebook=lambda name: SimpleNamespace(name="book", dim=1),
    )

    def vectors(self, codebook, indices):
        assert codebook == "book"
        return indices[:, None].astype(np.float32)

    def decode_latents(self, latents):
        grid = latents["codes"][..., 0] / 255
        assert (grid == grid[:, :1, :1]).all()
        assert grid.shape[1] * 4 % 8 == 0, "a grid is whole cells of the coarsest level"
        inner = np.zeros_like(grid)
        inner[:, AROUND:-AROUND, AROUND:-AROUND] = grid[:, AROUND:-AROUND, AROUND:-AROUND]
        return np.repeat(inner.repeat(4, 1).repeat(4, 2)[..., None], 3, -1)


def test_middle_cell_in_the_order_asked():
    shown = swatches(Echo(), "codes", np.array([7, 250, 3, 7]), batch=3)
    assert shown.shape == (4, 4, 4, 3) and shown.dtype == np.uint8
    assert (shown == np.array([7, 250, 3, 7])[:, None, None, None]).all()
