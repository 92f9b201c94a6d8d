"""After an edit only its surroundings are decoded, and the picture is as if all of it were."""

import numpy as np
import pytest

from explorer.core.codes import Codes
from explorer.core.images import to_bytes
from explorer.models.tokenizer import load_tokenizer
from explorer.services.editing import Box, reached, redecode


def random_codes(spec, side, seed=0):
    random = np.random.default_rng(seed)
    shapes = {level.name: (1, *spec.shape(level.name, side, side + 64)) for level in spec.levels}
    return Codes({name: random.integers(0, spec.codebook(name).size, shape) for name, shape in shapes.items()})


@pytest.mark.parametrize("kind", ["vector", "finite_scalar_atanh", "residual", "two_grids"])
def test_the_patched_picture_is_the_whole_decode(tiny_folders, kind):
    tokenizer = load_tokenizer(tiny_folders[kind])
    random = np.random.default_rng(1)
    codes = random_codes(tokenizer.spec, 128)
    picture = to_bytes(tokenizer.decode(codes))[0]
    for _ in range(12):
        level = tokenizer.spec.levels[random.integers(len(tokenizer.spec.levels))]
        rows, columns = codes[level.name].shape[1:]
        cells = (0, random.integers(0, rows, 2), random.integers(0, columns, 2))
        size = tokenizer.spec.codebook(level.name).size
        after = codes.edit(level.name, cells, (codes[level.name][cells] + 1) % size)
        found = redecode(tokenizer, codes, after)
        box = found.box
        picture = picture.copy()
        picture[box.top : box.bottom, box.left : box.right] = found.pixels
        difference = np.abs(picture.astype(int) - to_bytes(tokenizer.decode(after))[0])
        assert difference.max() <= 1 and (difference > 0).mean() < 1e-3, "off by more than a rounding"
        codes = after


def test_a_single_cell_is_reached_as_far_as_the_spec_says(tiny_folders):
    tokenizer = load_tokenizer(tiny_folders["vector"])
    assert tokenizer.spec.levels[0].reach == 24
    codes = random_codes(tokenizer.spec, 128)
    assert reached(tokenizer.spec, codes, codes.edit("codes", (0, 8, 9), (codes["codes"][0, 8, 9] + 1) % 24)) == Box(
        64 - 24, 72 - 24, 72 + 24, 80 + 24
    )
    corner = codes.edit("codes", (0, 0, 23), (codes["codes"][0, 0, 23] + 1) % 24)
    assert reached(tokenizer.spec, codes, corner) == Box(0, 184 - 24, 8 + 24, 192)
    assert redecode(tokenizer, codes, codes) is None
