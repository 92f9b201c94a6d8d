"""How the number of used codes grows with the tokens counted, exactly, beside what equally likely codes would show."""

from dataclasses import dataclass

import numpy as np

from explorer.analysis.usage.counts import sampling_ceiling

POINTS = 100


@dataclass(frozen=True)
class Rarefaction:
    """tokens (P,) int64, ascending; used (P,) float64: distinct codes expected in so many of the tokens counted;
    ceiling (P,) float64: those expected if all K codes were equally likely."""

    tokens: np.ndarray
    used: np.ndarray
    ceiling: np.ndarray


def rarefaction(counts: np.ndarray, tokens: np.ndarray | None = None) -> Rarefaction:
    """The curve of counts (K,) at the given numbers of tokens, by default POINTS of them from 1 to all N.

    A code with count c is missing from n of N tokens drawn without replacement with probability
    C(N - c, n) / C(N, n), so that the expectation is a sum over codes and nothing is resampled: Hurlbert 1971,
    "The Nonconcept of Species Diversity".
    """
    total = int(counts.sum())
    if tokens is None:
        tokens = np.geomspace(1, total, POINTS).round() if total else []
    tokens = np.unique(np.asarray(tokens, np.int64))
    ceiling = np.array([len(counts) * sampling_ceiling(len(counts), int(n)) for n in tokens])
    return Rarefaction(tokens, _expected(counts, tokens), ceiling)


def _expected(counts: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    from scipy.special import gammaln

    # Codes with equal counts are missing with equal probability; even of 10^7 tokens few counts differ.
    values, codes = np.unique(counts[counts > 0], return_counts=True)
    total, drawn = int(counts.sum()), tokens[:, None]
    left = total - values - drawn
    missing = gammaln(total - values + 1) - gammaln(total + 1) + gammaln(total - drawn + 1)
    missing = np.exp(missing - gammaln(np.maximum(left, 0) + 1))
    return np.where(left < 0, 1.0, 1.0 - missing) @ codes
