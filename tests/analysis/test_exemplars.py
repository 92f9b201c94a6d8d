"""Exemplars of planted costs: the best of each picture, typical ones at their quantiles, cut out where they were."""

import numpy as np
import pytest

from explorer.analysis.exemplars import BEYOND, Patches, cut, exemplars


def cells(patches):
    """(picture, row, column) of patches that are there."""
    return [(int(p["picture"]), int(p["row"]), int(p["column"])) for p in patches if p["picture"] >= 0]


def test_the_best_are_of_different_pictures_and_in_order():
    codes = np.array([[[2, 2], [2, 0]], [[2, 0], [0, 0]], [[2, 2], [2, 2]]])
    costs = np.array([[[0.3, 0.1, 0.2, 5]], [[0.9, 3, 2, 4]], [[0.5, 0.6, 0.4, 0.7]]], np.float32).reshape(3, 2, 2)
    best = Patches.best(codes, costs, 7, size=4, keep=3).kept
    assert cells(best[2]) == [(7, 0, 1), (9, 1, 0), (8, 0, 0)]
    assert np.allclose(best[2]["cost"], [0.1, 0.4, 0.9])
    assert cells(best[0]) == [(8, 1, 0), (7, 1, 1)]
    assert cells(best[1]) == cells(best[3]) == []
    assert cells(Patches.best(codes, costs, 7, size=4, keep=2).kept[2]) == [(7, 0, 1), (9, 1, 0)]


def test_the_sample_is_of_the_smallest_keys_whatever_the_picture():
    codes, costs = np.zeros((2, 3, 4), int), np.random.default_rng(0).random((2, 3, 4))
    keys = np.random.default_rng(1).permutation(24).reshape(2, 3, 4)
    sample = Patches.sampled(codes, costs, keys, 0, size=1, keep=5).kept[0]
    assert sample["key"].tolist() == [0, 1, 2, 3, 4]
    for patch in sample:
        place = tuple(int(patch[field]) for field in ("picture", "row", "column"))
        assert keys[place] == patch["key"] and patch["cost"] == np.float32(costs[place])


@pytest.mark.parametrize("keep", [2, 6])
def test_merging_equals_one_pass(keep):
    random = np.random.default_rng(0)
    codes = random.integers(0, 9, (11, 5, 7))
    costs, keys = random.random((2, *codes.shape)).astype(np.float32)
    parts = [slice(0, 1), slice(1, 6), slice(6, 11)]
    best = [Patches.best(codes[p], costs[p], p.start, 9, keep) for p in parts]
    sampled = [Patches.sampled(codes[p], costs[p], keys[p], p.start, 9, keep) for p in parts]
    for merged, whole in (
        (best[0] + best[1] + best[2], Patches.best(codes, costs, 0, 9, keep)),
        (sampled[2] + (sampled[1] + sampled[0]), Patches.sampled(codes, costs, keys, 0, 9, keep)),
    ):
        assert np.array_equal(merged.kept, whole.kept)


def test_half_are_best_fits_and_half_at_quantiles_of_the_cost():
    codes = np.zeros((102, 1, 2), int)
    codes[:, 0, 1] = 1  # a second code whose costs are the other way round
    costs = np.stack([np.arange(102), 1010 - 10 * np.arange(102)], -1)[:, None].astype(np.float32)
    best = Patches.best(codes, costs, 0, 2, 6)
    everything = Patches.sampled(codes, costs, costs, 0, 2, 102)
    table, quantiles = exemplars(best, everything, 5)
    assert quantiles.tolist() == [0, 0, 0, 0.25, 0.75]
    assert table["cost"][0].tolist() == [0, 1, 2, 25, 76]
    assert table["picture"][1].tolist() == [101, 100, 99, 76, 25]


def test_no_picture_shows_a_code_twice_and_an_unseen_code_has_none():
    codes = np.zeros((3, 4, 4), int)
    codes[1, :2] = 5
    costs = np.random.default_rng(0).random(codes.shape).astype(np.float32)
    table, _ = exemplars(Patches.best(codes, costs, 0, 6, 6), Patches.sampled(codes, costs, costs, 0, 6, 48), 6)
    assert sorted(place[0] for place in cells(table[0])) == [0, 1, 2]
    assert len(cells(table[5])) == 1 and cells(table[5])[0][0] == 1
    assert all(cells(table[code]) == [] for code in (1, 2, 3, 4))


def test_a_patch_is_cut_with_the_cell_in_its_middle():
    picture = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
    inside = cut(picture, row=3, column=5, stride=8, side=24)
    assert np.array_equal(inside, picture[16:40, 32:56]) and np.array_equal(inside[8:16, 8:16], picture[24:32, 40:48])
    assert np.array_equal(cut(picture, 9, 9, 4, 24)[10:14, 10:14], picture[36:40, 36:40])
    corner = cut(picture, row=7, column=0, stride=8, side=24)
    assert np.array_equal(corner[:16, 8:], picture[48:64, :16])
    assert (corner[16:] == BEYOND).all() and (corner[:, :8] == BEYOND).all()
