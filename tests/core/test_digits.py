"""Mixed-radix digits of codes, first channel fastest."""

import numpy as np
import pytest

from explorer.core.digits import basis, from_digits, to_digits


def test_by_hand():
    assert basis((8, 5, 5, 5)) == (1, 8, 40, 200)
    assert to_digits(np.array([0, 1, 8, 40, 200, 999]), (8, 5, 5, 5)).tolist() == [
        [0, 0, 0, 0],
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [7, 4, 4, 4],
    ]
    assert from_digits(np.array([3, 2, 1, 4]), (8, 5, 5, 5)) == 3 + 16 + 40 + 800


@pytest.mark.parametrize("radices", [(8, 5, 5, 5), (2,) * 18, (3,), (16, 16, 16, 16, 16)])
def test_round_trip_over_the_whole_book(radices):
    size = int(np.prod(radices))
    indices = np.arange(0, size, max(1, size // 5000)).reshape(1, -1)
    digits = to_digits(indices, radices)
    assert digits.shape == (*indices.shape, len(radices))
    assert (digits >= 0).all() and (digits < radices).all()
    assert np.array_equal(from_digits(digits, radices), indices)
