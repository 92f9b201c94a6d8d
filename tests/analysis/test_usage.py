"""Usage statistics of planted histograms with known answers."""

import numpy as np
import pytest

from explorer.analysis.usage import Usage, sampling_ceiling


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


def test_chao1_by_hand_and_within_its_bounds():
    assert Usage(np.array([5, 1, 1, 1, 2, 0, 0, 0, 0, 0])).chao1 == 5 + 3 * 2 / (2 * 2)
    assert Usage(np.array([9, 9, 0])).chao1 == 2
    assert Usage(np.array([1, 1, 1, 1])).chao1 == 4


def test_chao1_finds_most_of_what_was_not_seen():
    random = np.random.default_rng(0)
    few = Usage.of(random.integers(0, 300, 600), 1000)
    assert few.used < 270 and few.chao1 == pytest.approx(300, rel=0.1)
