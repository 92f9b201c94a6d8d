"""Neighbours of a planted grid by hand, and of random ones against counting pair by pair."""

from collections import Counter

import numpy as np

from explorer.analysis.cooccurrence import DIRECTIONS, Pairs, most_frequent_beside

STEPS = {"left": (0, -1), "right": (0, 1), "above": (-1, 0), "below": (1, 0)}


def counted(codes, code, direction):
    """How often each code stands at one side of `code`, cell by cell."""
    (down, right), found = STEPS[direction], Counter()
    for b, row, column in np.argwhere(codes == code):
        row, column = row + down, column + right
        if 0 <= row < codes.shape[1] and 0 <= column < codes.shape[2]:
            found[int(codes[b, row, column])] += 1
    return found


def test_a_grid_by_hand():
    codes = np.array([[[0, 1, 0, 1], [2, 2, 2, 3]]])
    found, counts = most_frequent_beside(Pairs.across(codes, 5), Pairs.down(codes, 5), 2)
    left, right, above, below = range(4)
    assert (found[1, left].tolist(), counts[1, left].tolist()) == ([0, 0], [2, 0])
    assert (found[2, right].tolist(), counts[2, right].tolist()) == ([2, 3], [2, 1])
    assert (found[2, above].tolist(), counts[2, above].tolist()) == ([0, 1], [2, 1])
    assert (found[1, below].tolist(), counts[1, below].tolist()) == ([2, 3], [1, 1])
    assert (counts[2, below] == 0).all() and (counts[4] == 0).all()


def test_every_pair_is_counted_once():
    codes = np.random.default_rng(0).integers(0, 6, (3, 5, 7)) ** 2 // 5
    across, down = Pairs.across(codes, 8), Pairs.down(codes, 8)
    assert across.total == 3 * 5 * 6 and down.total == 3 * 4 * 7
    found, counts = most_frequent_beside(across, down, 8)
    for code in range(8):
        for side, direction in enumerate(DIRECTIONS):
            seen = counts[code, side] > 0
            pairs = dict(zip(found[code, side, seen].tolist(), counts[code, side, seen].tolist(), strict=True))
            assert pairs == counted(codes, code, direction)
            assert (np.diff(counts[code, side]) <= 0).all()


def test_merging_equals_one_pass():
    codes = np.random.default_rng(0).integers(0, 300, (9, 6, 6))
    merged = Pairs.across(codes[:2], 300) + Pairs.across(codes[2:3], 300) + Pairs.across(codes[3:], 300)
    whole = Pairs.across(codes, 300)
    assert np.array_equal(merged.keys, whole.keys) and np.array_equal(merged.counts, whole.counts)
