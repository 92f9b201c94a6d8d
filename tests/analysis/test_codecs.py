"""Picture files within a budget of bytes."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from explorer.analysis.codecs import best_within, rate_curve
from explorer.analysis.reconstruction import psnr
from tests.bad_pictures import photo


@pytest.fixture(scope="module")
def original():
    return np.asarray(photo().resize((128, 96)))


@pytest.mark.parametrize("codec", ["jpeg", "webp"])
def test_more_bytes_are_used_and_give_a_better_picture(original, codec):
    found = [best_within(original, codec, budget) for budget in (900, 1800, 3600)]
    for coded, budget in zip(found, (900, 1800, 3600), strict=True):
        assert 0.6 * budget < coded.bytes <= budget
        assert coded.pixels.shape == original.shape and coded.psnr == psnr(original, coded.pixels)
    assert found[0].psnr < found[1].psnr < found[2].psnr


def test_the_file_is_what_pillow_writes_of_that_quality(original):
    found = best_within(original, "jpeg", 20_000)
    buffer = io.BytesIO()
    Image.fromarray(original).save(buffer, format="jpeg", quality=found.quality)
    assert found.scale == 1 and found.quality == 95 and found.bytes == len(buffer.getvalue())


def test_where_nothing_fits_the_smallest_file_comes_back(original):
    found = best_within(original, "jpeg", 10)
    assert found.bytes > 10 and found.quality == 1 and found.scale < 0.2


def test_a_curve_rises_with_its_bytes(original):
    curve = rate_curve(original, "webp")
    assert len(curve) >= 5
    for before, after in itertools.pairwise(curve):
        assert before.bytes < after.bytes and before.psnr < after.psnr
