"""Position maps of codes that were planted in known places."""

import numpy as np

from explorer.analysis.positions import position_counts


def test_codes_are_counted_where_they_were_planted():
    codes = np.zeros((3, 16, 32), int)
    codes[:, :2, :4] = 1  # the first of 8 x 8 parts
    codes[1, 14:, 8:12] = 2  # the last row of parts, the third column
    counts = position_counts(codes, 4)
    assert counts.shape == (4, 8, 8)
    assert counts[1, 0, 0] == counts[1].sum() == 3 * 8
    assert counts[2, 7, 2] == counts[2].sum() == 8
    assert counts[3].sum() == 0 and counts.sum(0).tolist() == [[24] * 8] * 8


def test_grids_that_are_no_multiple_of_the_parts_lose_nothing():
    codes = np.random.default_rng(0).integers(0, 5, (2, 5, 11))
    counts = position_counts(codes, 5)
    assert np.array_equal(counts.sum((1, 2)), np.bincount(codes.reshape(-1)))
    assert np.array_equal(counts, position_counts(codes[:1], 5) + position_counts(codes[1:], 5))
