"""What may be said of codes that were not seen: how likely they are, and how many there may be."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

LEVEL = 0.95
"""How often an interval is meant to hold what it is about."""

_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True)
class Estimate:
    """A figure and the interval, at LEVEL, that it lies in."""

    value: float
    low: float
    high: float


def unseen_mass(counts: np.ndarray, incidence: np.ndarray | None = None) -> Estimate:
    """The probability, in [0, 1], of all codes together that do not occur in counts (K,).

    Of independent tokens: Good 1953 (after Turing), "The Population Frequencies of Species", f1 / N of N tokens
    with f1 codes seen once. The interval inverts Esty's 1983 variance, f1 (1 - f1/N) + 2 f2 in tokens ("A Normal
    Limit Law for a Nonparametric Estimator of the Coverage"), as Wilson 1927 inverts the binomial's: it holds the
    masses whose own variance allows f1. So it has a width where f1 is 0, up to 5.3 / N. One is added to f2, as
    Chao1 does it, which keeps the rate where hardly any code was seen twice.

    incidence (K,): in how many pictures each code occurs. With it pictures are the independent draws: the
    tokens of codes that occur in one picture alone take the place of f1, and variances grow with the squares of
    how often a code stands in a picture. Of pictures of one token each, that is the above. Over 1,000 subsets of
    2,000 photographs this interval held 90 % of the time from 32 pictures and 93 % from 128, where the one for
    independent tokens held 45 % and 80 %; from 8 pictures it is too narrow too (81 %).
    """
    if incidence is None:
        incidence = counts
    tokens = int(counts.sum())
    if not tokens:
        return Estimate(1.0, 0.0, 1.0)
    if np.count_nonzero(counts) == len(counts):
        return Estimate(0.0, 0.0, 0.0)
    once, twice = (counts[incidence == n].astype(np.float64) for n in (1, 2))
    usual = tokens / incidence.sum()  # tokens of a code in a picture that has it; one such is added to `once`
    burst = ((once**2).sum() + usual**2) / (once.sum() + usual)
    others = (twice**2).sum() / 2 + 2 * burst**2
    stretch = 1 + _Z**2 * burst / tokens
    middle = once.sum() + _Z**2 * burst / 2
    own = burst * once.sum() * (1 - once.sum() / tokens) + (_Z * burst / 2) ** 2
    half = _Z * np.sqrt(own + others * stretch)
    low, high = (middle - half) / stretch / tokens, (middle + half) / stretch / tokens
    return Estimate(float(once.sum()) / tokens, max(0.0, float(low)), min(1.0, float(high)))


def possible_codes(counts: np.ndarray, pictures: int | None = None) -> Estimate:
    """How many codes can occur at all, seen or not, at least those used and at most K; ends are whole codes.

    Chao 1984, "Nonparametric Estimation of the Number of Classes in a Population", bias-corrected:
    used + f1 (f1 - 1) / (2 (f2 + 1)), with f1 codes seen once and f2 seen twice in independent tokens. With
    `pictures`, counts (K,) are the numbers of pictures, of so many, in which each code occurs: her Chao2, in
    which the addend is multiplied by (pictures - 1) / pictures.

    What it estimates is a lower bound on the truth, E[f1]^2 / (2 E[f2]) codes not seen, which is reached where
    codes seldom seen are equally likely. The interval is for that bound. So it holds the truth at LEVEL for
    equally likely codes (once some five of them were seen twice); of any others its lower end is still at most
    the truth, but beyond its upper end there may be rarer codes, up to K.

    The interval is log-normal (Chao 1987, "Estimating the Population Size for Capture-Recapture Data with
    Unequal Catchability"), her variance over the square of the estimate being 1 / unseen + 4 / f1 + 1 / f2; half
    a code is added to f2. With no code seen twice only K is an upper end. With at most one code seen once the
    estimate is `used`, and the upper end comes from how many such codes might have been missed, each with
    probability e^-count.
    """
    size, used = len(counts), int(np.count_nonzero(counts))
    once, twice = (int(np.count_nonzero(counts == n)) for n in (1, 2))
    unseen = once * (once - 1) / (2 * (twice + 1)) * ((pictures - 1) / pictures if pictures else 1)
    if unseen:
        spread = np.exp(_Z * np.sqrt(np.log1p(1 / unseen + 4 / once + 1 / (twice + 0.5))))
        low, high = used + unseen / spread, used + unseen * spread if twice else size
    else:
        missed = np.exp(-counts[counts > 0].astype(np.float64))
        low, high = used, used + missed.sum() + _Z * np.sqrt((missed * (1 - missed)).sum())
    if once == counts.sum():  # of few tokens, or none, all different
        high = size
    low, high = np.floor(low), np.ceil(round(high, 2))  # a hundredth of a code is no code
    return Estimate(float(min(size, used + unseen)), float(min(size, low)), float(min(size, high)))
