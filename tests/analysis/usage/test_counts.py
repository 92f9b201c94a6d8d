"""Usage statistics of planted histograms with known answers."""

import numpy as np
import pytest

from explorer.analysis.usage import Usage, by_level, merged, sampling_ceiling
from explorer.core.codes import Codes
from explorer.core.spec import Codebook, Level, TokenizerSpec


@pytest.mark.parametrize("size", [1, 2, 1000, 65536])
def test_a_uniform_histogram_has_perplexity_k(size):
    usage = Usage.of(np.repeat(np.arange(size), 3).reshape(3, 1, -1), size)
    assert usage.perplexity == pytest.approx(size)
    assert (usage.size, usage.tokens, usage.used, usage.share) == (size, 3 * size, size, 1.0)


def test_one_code_alone():
    usage = Usage.of(np.full((4, 4), 7), 10)
    assert (usage.tokens, usage.used, usage.share) == (16, 1, 0.1)
    assert (usage.entropy, usage.perplexity) == (0, 1)


def test_entropy_by_hand():
    usage = Usage.of(np.array([0, 0, 0, 0, 1, 1, 2, 3]), 8)
    assert usage.counts.tolist() == [4, 2, 1, 1, 0, 0, 0, 0]
    assert usage.entropy == pytest.approx(0.5 * 1 + 0.25 * 2 + 2 * 0.125 * 3)
    assert usage.perplexity == pytest.approx(2**1.75)


def test_nothing_counted():
    usage = Usage.of(np.zeros((0, 4), np.int32), 8)
    assert (usage.tokens, usage.used, usage.entropy, usage.perplexity, usage.ceiling) == (0, 0, 0, 1, 0)


def test_merging_equals_one_pass():
    codes = np.random.default_rng(0).integers(0, 50, (30, 8, 8))
    merged = Usage.of(codes[:7], 64) + Usage.of(codes[7:20], 64) + Usage.of(codes[20:], 64)
    whole = Usage.of(codes, 64)
    assert np.array_equal(merged.counts, whole.counts) and merged.entropy == whole.entropy


@pytest.mark.parametrize(
    ("size", "tokens", "percent", "digits"),
    [
        (1024, 256, 22.1, 1),
        (1024, 1024, 63.2, 1),
        (1024, 65536, 100.0, 1),
        (16384, 256, 1.55, 2),
        (16384, 1024, 6.06, 2),
        (16384, 65536, 98.17, 2),
        (64000, 256, 0.40, 2),
        (64000, 1024, 1.59, 2),
        (64000, 65536, 64.1, 1),
        (1, 5, 100.0, 1),
    ],
)
def test_ceiling_table(size, tokens, percent, digits):
    assert round(100 * sampling_ceiling(size, tokens), digits) == percent


def test_ceiling_is_what_uniform_draws_give():
    random = np.random.default_rng(0)
    usages = [Usage.of(random.integers(0, 1024, 256), 1024) for _ in range(200)]
    assert np.mean([usage.share for usage in usages]) == pytest.approx(usages[0].ceiling, abs=0.002)


def test_dead_codes_for_a_threshold():
    usage = Usage(np.array([4, 0, 1, 2, 0]))
    assert usage.dead().tolist() == [1, 4]
    assert usage.dead(at_most=1).tolist() == [1, 2, 4]
    assert usage.dead(at_most=4).tolist() == [0, 1, 2, 3, 4]


def test_shares_by_rank():
    assert Usage(np.array([1, 0, 5, 2])).shares.tolist() == [0.625, 0.25, 0.125, 0]
    assert Usage(np.zeros(3, np.int64)).shares.tolist() == [0, 0, 0]


@pytest.mark.parametrize(("share", "codes"), [(0.5, 1), (0.6, 2), (0.8, 2), (0.81, 3), (1.0, 4)])
def test_carriers_are_the_fewest_codes_with_a_share(share, codes):
    assert Usage(np.array([1, 5, 0, 1, 3, 0])).carriers(share) == codes
    assert Usage(np.zeros(3, np.int64)).carriers(share) == 0


def test_levels_are_counted_and_merged_each_for_itself():
    books = (Codebook("a", 4, 2, "euclidean"), Codebook("b", 6, 2, "euclidean"))
    levels = (Level("top", "a", 16), Level("bottom", "b", 8))
    spec = TokenizerSpec("m", "", "", "", levels, books, 16, 0, "", "", "", "")
    random = np.random.default_rng(0)
    codes = Codes({"top": random.integers(0, 4, (9, 2, 2)), "bottom": random.integers(0, 6, (9, 4, 4))})
    whole = by_level(spec, codes)
    assert {name: (usage.size, usage.tokens) for name, usage in whole.items()} == {"top": (4, 36), "bottom": (6, 144)}
    parts = merged(*(by_level(spec, codes.picture(b)) for b in range(9)))
    assert list(parts) == ["top", "bottom"] and merged() == {}
    for name, usage in whole.items():
        assert np.array_equal(parts[name].counts, usage.counts)
        assert np.array_equal(parts[name].incidence, usage.incidence) and parts[name].pictures == usage.pictures == 9


def test_estimates_go_by_picture_where_the_incidence_is_known():
    counts, incidence = np.array([9, 6, 5, 8, 7, 0, 0, 0, 0, 0, 0, 0]), np.array([4, 1, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0])
    known = Usage(counts, incidence, 4)
    assert known.possible.value == 5 + 3 * 2 / (2 * 2) * 3 / 4 and known.chao1 == 5
    assert known.unseen_mass.value == (6 + 5 + 8) / 35
    assert Usage(counts, pictures=4).possible.value == 5 and Usage(counts, pictures=4).unseen_mass.value == 0


def test_pictures_are_counted_once_for_each_code_they_have():
    usage = Usage.of_pictures(np.array([[[0, 0], [1, 3]], [[3, 3], [3, 3]]]), 5)
    assert usage.counts.tolist() == [2, 1, 0, 5, 0]
    assert usage.incidence.tolist() == [1, 1, 0, 2, 0] and usage.pictures == 2
    unknown = usage + Usage(np.ones(5, np.int64))
    assert unknown.tokens == 13 and unknown.incidence is None and unknown.pictures is None
    for nothing in (Usage.nothing(5), Usage.of_pictures(np.zeros((0, 2), np.int64), 5)):
        total = usage + nothing
        assert np.array_equal(total.incidence, usage.incidence) and total.pictures == 2
