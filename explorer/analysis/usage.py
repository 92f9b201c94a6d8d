"""How many codes of a codebook are used, always said with the number of tokens counted."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Usage:
    """Counts (K,) int64 of every code over `tokens` tokens. Two are added by merging their counts."""

    counts: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray, size: int) -> "Usage":
        """Usage of a codebook of `size` codes in an array of codes of any shape."""
        return cls(np.bincount(np.asarray(codes).reshape(-1), minlength=size).astype(np.int64))

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.counts + other.counts)

    @property
    def size(self) -> int:
        return len(self.counts)

    @property
    def tokens(self) -> int:
        return int(self.counts.sum())

    @property
    def used(self) -> int:
        """Number of distinct codes that occur."""
        return int(np.count_nonzero(self.counts))

    @property
    def share(self) -> float:
        """Used codes over all codes; read it beside `ceiling`."""
        return self.used / self.size

    @property
    def ceiling(self) -> float:
        """Expected used share if all codes were equally likely: 1 - (1 - 1/K)^N."""
        return sampling_ceiling(self.size, self.tokens)

    @property
    def entropy(self) -> float:
        """Entropy of the counted distribution in bits per token."""
        shares = self.counts[self.counts > 0] / max(1, self.tokens)
        return float(-(shares * np.log2(shares)).sum())

    @property
    def perplexity(self) -> float:
        """2^entropy: how many equally likely codes would carry as much."""
        return float(2**self.entropy)

    @property
    def chao1(self) -> float:
        """Estimated number of codes that can occur at all, seen or not, at least `used` and at most K.

        Chao 1984, "Nonparametric Estimation of the Number of Classes in a Population", bias-corrected:
        used + f1 (f1 - 1) / (2 (f2 + 1)), with f1 codes seen once and f2 seen twice.
        """
        once, twice = (int(np.count_nonzero(self.counts == n)) for n in (1, 2))
        return float(min(self.size, self.used + once * (once - 1) / (2 * (twice + 1))))


def sampling_ceiling(size: int, tokens: int) -> float:
    """Expected share of `size` codes seen in `tokens` draws from the uniform distribution."""
    if size <= 1:
        return 1.0 if tokens else 0.0
    return float(-np.expm1(tokens * np.log1p(-1.0 / size)))
