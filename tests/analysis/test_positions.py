"""Position maps of codes that were planted in known places."""

import numpy as np

from explorer.analysis.positions import perplexity_by_position, position_counts


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


def test_variety_is_one_where_a_code_stands_alone_and_k_where_all_are_equal():
    counts = np.zeros((4, 8, 8), int)
    counts[2, 0] = 7  # one code alone in the first row
    counts[:, 1] = 5  # four equally often in the second
    counts[:2, 2] = [[9], [3]]
    found = perplexity_by_position(counts)
    assert np.allclose(found[0], 1) and np.allclose(found[1], 4) and np.allclose(found[2], 4 / 3**0.75)
    assert not found[3:].any()
