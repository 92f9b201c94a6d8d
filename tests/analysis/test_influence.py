"""A planted decoder whose cells paint their own squares and half of the next one shows just that."""

from types import SimpleNamespace

import numpy as np
import pytest

from explorer.analysis.influence import influence
from explorer.core.codes import Codes
from explorer.core.spec import Level
from explorer.models.tokenizer import load_tokenizer
from tests.tiny_app import Global


class Planted:
    """Paints each cell of 4 x 4 pixels in its code, and the two columns to its right a little."""

    spec = SimpleNamespace(
        levels=(Level("codes", "book", 4),),
        level=lambda name: Level("codes", "book", 4),
        codebook=lambda name: SimpleNamespace(size=10),
        image_size=lambda codes: (codes["codes"].shape[1] * 4, codes["codes"].shape[2] * 4),
    )

    def decode(self, codes):
        picture = (codes["codes"] / 10).repeat(4, 1).repeat(4, 2)
        spilled = np.zeros_like(picture)
        spilled[:, :, 4:] = picture[:, :, :-4] * (np.arange(picture.shape[2] - 4) % 4 < 2)
        return np.stack([picture + 0.1 * spilled] * 3, -1).astype(np.float32)


def test_the_pixels_that_move_are_those_that_were_planted():
    codes = Codes({"codes": np.full((1, 3, 5), 4)})
    found = influence(Planted(), codes, "codes", (1, 2))
    expected = np.zeros((12, 20), bool)
    expected[4:8, 8:14] = True
    assert np.array_equal(found > 0, expected)
    assert found[5, 9] > 5 * found[5, 12]


@pytest.mark.parametrize("kind", ["vector", "residual", "two_grids"])
def test_of_a_local_network_it_stays_within_reach_and_equals_the_whole_decode(tiny_folders, kind):
    tokenizer = load_tokenizer(tiny_folders[kind])
    random, spec = np.random.default_rng(0), tokenizer.spec
    codes = Codes(
        {
            level.name: random.integers(0, spec.codebook(level.name).size, (1, *spec.shape(level.name, 128, 160)))
            for level in spec.levels
        }
    )
    for level in spec.levels:
        for row, column in ((0, 0), (7, 9)):
            found = influence(tokenizer, codes, level.name, (row, column))
            rows, columns = np.nonzero(found)
            top, left = row * level.stride, column * level.stride
            assert rows.max() < top + level.stride + level.reach and columns.max() < left + level.stride + level.reach
            assert rows.min() >= top - level.reach and columns.min() >= left - level.reach
            assert found[top : top + level.stride, left : left + level.stride].max() > 0
            whole = SimpleNamespace(spec=spec, decode=tokenizer.decode)
            assert np.allclose(found, influence(whole, codes, level.name, (row, column)), atol=1e-5)


def test_of_a_global_tokenizer_every_pixel_moves(tiny_folders):
    tokenizer = Global(load_tokenizer(tiny_folders["vector"]))
    codes = Codes({"codes": np.random.default_rng(0).integers(0, 24, (1, 16, 20))})
    assert (influence(tokenizer, codes, "codes", (3, 4)) > 0).all()
