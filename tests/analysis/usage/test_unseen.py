"""Intervals hold what they are about as often as they say, over 1,000 draws from planted distributions."""

import numpy as np
import pytest

from explorer.analysis.usage import LEVEL, Usage
from explorer.analysis.usage.unseen import possible_codes, unseen_mass
from tests.analysis.usage.planted import DRAWS, SIZE, counts, uniform, zipf

SLACK = 3 * (LEVEL * (1 - LEVEL) / DRAWS) ** 0.5
"""Three standard deviations of how often 1,000 intervals of an exact 95 % hold."""
COLLAPSED = 26

PLANTED = {
    "uniform": (uniform(SIZE), (64, 256, 1024, 4096, 6000)),
    "half dead": (uniform(512), (100, 1024, 3000)),
    "collapsed": (uniform(COLLAPSED), (16, 64, 100, 150, 1024)),
    "zipf": (zipf(1), (64, 1024, 16384, 65536)),
    "steep zipf": (zipf(2), (64, 1024, 16384)),
}
CASES = [(name, tokens) for name, (_, sizes) in PLANTED.items() for tokens in sizes]


@pytest.mark.parametrize(("name", "tokens"), CASES)
def test_the_interval_of_the_unseen_mass_holds_it(name, tokens):
    """Of any distribution. Where nearly all was seen the mass is that of few codes, and it holds more often."""
    probabilities = PLANTED[name][0]
    drawn = counts(probabilities, tokens)
    truth = ((drawn == 0) * probabilities).sum(1)
    found = [unseen_mass(row) for row in drawn]
    held = np.mean([e.low <= mass + 1e-12 and mass - 1e-12 <= e.high for e, mass in zip(found, truth, strict=True)])
    assert held >= LEVEL - SLACK
    if drawn.min(1).max() == 0 and (drawn == 1).sum(1).mean() > 30:
        assert held <= LEVEL + 2 * SLACK, "wider than need be"
    assert all(e.low <= e.value <= e.high for e in found)


@pytest.mark.parametrize(("possible", "tokens"), [(SIZE, 150), (SIZE, 256), (SIZE, 1024), (512, 256), (512, 1024)])
def test_the_interval_of_equally_likely_codes_holds_how_many_there_are(possible, tokens):
    found = [possible_codes(row) for row in counts(uniform(possible), tokens)]
    held = np.mean([e.low <= possible <= e.high for e in found])
    assert LEVEL - SLACK <= held <= LEVEL + 2 * SLACK
    assert np.median([e.value for e in found]) == pytest.approx(possible, rel=0.1)


@pytest.mark.parametrize("tokens", [64, 100, 150, 256, 1024, 65536])
def test_the_interval_of_a_collapsed_codebook_holds_its_26_codes(tokens):
    found = [possible_codes(row) for row in counts(uniform(COLLAPSED), tokens)]
    assert np.mean([e.low <= COLLAPSED <= e.high for e in found]) >= LEVEL - SLACK
    if tokens >= 1024:
        assert all((e.low, e.high) == (COLLAPSED, COLLAPSED) for e in found)


@pytest.mark.parametrize(("exponent", "tokens"), [(1, 256), (1, 1024), (1, 8192), (2, 1024), (2, 16384)])
def test_of_unequal_codes_the_interval_is_for_the_lower_bound_that_chao1_estimates(exponent, tokens):
    p = zipf(exponent)
    once = (tokens * p * (1 - p) ** (tokens - 1)).sum()
    twice = (tokens * (tokens - 1) / 2 * p**2 * (1 - p) ** (tokens - 2)).sum()
    unseen = once**2 / (2 * twice)
    assert unseen < ((1 - p) ** tokens).sum(), "a lower bound"
    drawn = counts(p, tokens)
    found = [possible_codes(row) for row in drawn]
    bounds = np.minimum(SIZE, (drawn > 0).sum(1) + unseen)
    assert np.mean([e.low <= bound <= e.high for e, bound in zip(found, bounds, strict=True)]) >= LEVEL - SLACK
    assert np.mean([e.low <= SIZE for e in found]) >= (1 + LEVEL) / 2 - SLACK
    if tokens <= 1024:
        assert np.mean([e.high < SIZE for e in found]) > 0.5, "so that the upper end says nothing about the truth"


BURST = 8


def pictures(probabilities, count, draws=DRAWS):
    """(draws, SIZE) incidences and counts of pictures that draw 8 codes each and show each of them 1 to 15 times."""
    random = np.random.default_rng(0)
    incidence, counted = np.zeros((draws, SIZE), np.int64), np.zeros((draws, SIZE), np.int64)
    rows = np.arange(draws)[:, None]
    for _ in range(count):
        codes = random.choice(SIZE, (draws, 8), p=probabilities)
        here = np.zeros((draws, SIZE), np.int64)
        np.add.at(here, (rows, codes), random.integers(1, 2 * BURST, codes.shape))
        incidence, counted = incidence + (here > 0), counted + here
    return incidence, counted


@pytest.mark.parametrize("count", [32, 200])
@pytest.mark.parametrize(
    "probabilities", [uniform(SIZE), uniform(COLLAPSED), zipf(1)], ids=["all", "collapsed", "zipf"]
)
def test_of_tokens_that_repeat_within_pictures_the_interval_holds_given_the_incidence(probabilities, count):
    incidence, counted = pictures(probabilities, count)
    truth = ((counted == 0) * probabilities).sum(1)
    by_picture = [unseen_mass(*rows) for rows in zip(counted, incidence, strict=True)]
    assert np.mean([e.low <= m <= e.high for e, m in zip(by_picture, truth, strict=True)]) >= LEVEL - SLACK
    if truth.mean() > 0.05:
        alone = [unseen_mass(row) for row in counted]
        assert np.mean([e.low <= m <= e.high for e, m in zip(alone, truth, strict=True)]) < 0.1, "why it is needed"


def test_pictures_of_one_token_are_independent_tokens():
    row = counts(zipf(1), 500, 1)[0]
    assert unseen_mass(row, row) == unseen_mass(row)


def test_codes_of_one_picture_say_nothing_of_how_many_there_are():
    usage = Usage.of_pictures(np.arange(200).reshape(1, 200), SIZE)
    assert (usage.possible.value, usage.possible.low, usage.possible.high) == (200, 200, SIZE)


@pytest.mark.parametrize("count", [32, 128])
def test_chao2_holds_how_many_equally_likely_codes_there_are(count):
    incidence, _ = pictures(uniform(512), count)
    found = [possible_codes(row, count) for row in incidence]
    assert np.mean([e.low <= 512 <= e.high for e in found]) >= LEVEL - SLACK


def test_chao1_by_hand_and_within_its_bounds():
    found = Usage(np.array([5, 1, 1, 1, 2, 0, 0, 0, 0, 0]))
    assert found.chao1 == found.possible.value == 5 + 3 * 2 / (2 * 2)
    spread = np.exp(1.959964 * np.sqrt(np.log(1 + 1 / 1.5 + 4 / 3 + 1 / 1.5)))
    assert (found.possible.low, found.possible.high) == (np.floor(5 + 1.5 / spread), min(10, np.ceil(5 + 1.5 * spread)))
    assert Usage(np.array([9, 9, 0])).chao1 == 2
    assert Usage(np.array([1, 1, 1, 1])).chao1 == 4


def test_good_turing_by_hand():
    """With no code seen twice, and but for the one added to f2, the ends are Wilson's of a binomial share."""
    found = unseen_mass(np.array([96, 1, 1, 1, 1, 0]))
    assert found.value == 0.04
    for end in (found.low, found.high):
        assert (4 - 100 * end) ** 2 == pytest.approx(1.959964**2 * (100 * end * (1 - end) + 2), rel=1e-5)


def test_a_whole_codebook_leaves_no_mass_unseen_and_nothing_counted_leaves_all():
    assert unseen_mass(np.array([1, 1, 2])).high == 0
    nothing = Usage(np.zeros(8, np.int64))
    assert (nothing.unseen_mass.low, nothing.unseen_mass.high) == (0, 1)
    assert (nothing.possible.value, nothing.possible.low, nothing.possible.high) == (0, 0, 8)


def test_where_no_code_was_seen_once_the_mass_still_has_an_upper_end():
    for tokens in (1000, 10**6):
        assert unseen_mass(np.array([tokens, 0])).high * tokens == pytest.approx(5.3, abs=0.1)


def test_tokens_that_all_differ_bound_nothing_from_above():
    assert Usage(np.array([1, 0, 0, 0])).possible.high == 4
    assert Usage(np.array([1] * 50 + [0] * 1000)).possible.high == 1050
