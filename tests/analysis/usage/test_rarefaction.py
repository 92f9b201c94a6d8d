"""The rarefaction curve against enumeration, its closed form, and SciPy's hypergeometric distribution."""

from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy.stats import hypergeom

from explorer.analysis.usage import rarefaction, sampling_ceiling


def test_equals_the_mean_over_all_samples_of_a_small_case():
    counts = np.array([3, 0, 1, 2, 1])
    tokens = np.repeat(np.arange(5), counts)
    found = rarefaction(counts, np.arange(1, 8))
    for n, used in zip(found.tokens, found.used, strict=True):
        samples = [len(set(sample)) for sample in combinations(tokens.tolist(), int(n))]
        assert used == pytest.approx(np.mean(samples), abs=1e-12)


@pytest.mark.parametrize(("size", "each"), [(16, 1), (64, 5), (1000, 20)])
def test_equals_the_closed_form_of_equal_counts(size, each):
    """K (1 - C(N - c, n) / C(N, n)) with c = N / K, in whole numbers."""
    total = size * each
    found = rarefaction(np.full(size, each))
    assert (found.tokens[0], found.tokens[-1]) == (1, total)
    for n, used in zip(found.tokens.tolist(), found.used, strict=True):
        exact = size * (1 - Fraction(comb(total - each, n), comb(total, n)))
        assert used == pytest.approx(float(exact), rel=1e-6)


def test_equals_scipys_hypergeometric_at_ten_million_tokens():
    counts = np.random.default_rng(0).multinomial(10**7, 0.1 ** np.linspace(0, 7, 30) / 4)
    found = rarefaction(counts, np.array([1, 1000, 10**5, 9 * 10**6]))
    expected = [(1 - np.exp(hypergeom.logpmf(0, 10**7, counts, n))).sum() for n in found.tokens]
    assert found.used == pytest.approx(expected, rel=1e-6)
    assert len(rarefaction(counts).tokens) > 80


def test_the_ceiling_is_that_of_equally_likely_codes_and_bounds_the_curve():
    found = rarefaction(np.array([50, 30, 15, 5, 0, 0, 0, 0]))
    assert found.ceiling[-1] == pytest.approx(8 * sampling_ceiling(8, 100))
    drawn = rarefaction(np.random.default_rng(0).multinomial(10**6, np.full(256, 1 / 256)))
    assert drawn.used == pytest.approx(drawn.ceiling, abs=0.05)


def test_nothing_counted_gives_an_empty_curve_and_codes_never_seen_add_nothing():
    empty = rarefaction(np.zeros(4, np.int64))
    assert empty.tokens.size == empty.used.size == empty.ceiling.size == 0
    assert rarefaction(np.array([7, 0])).used.tolist() == [1.0] * 7
