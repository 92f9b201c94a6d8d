"""How many codes of a codebook are used, always said with the number of tokens counted."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from explorer.analysis.usage.unseen import Estimate, possible_codes, unseen_mass
from explorer.core.codes import Codes
from explorer.core.spec import TokenizerSpec


@dataclass(frozen=True)
class Usage:
    """Counts (K,) int64 of every code over `tokens` tokens. Two of different pictures are added by merging them.

    pictures: how many the tokens come from; incidence (K,) int64: in how many of them each code occurs. Tokens
    of one picture resemble each other, and with these two the estimates allow for it; without (None) they take
    tokens for independent draws.
    """

    counts: np.ndarray
    incidence: np.ndarray | None = None
    pictures: int | None = None

    @classmethod
    def of(cls, codes: np.ndarray, size: int) -> "Usage":
        """Counts alone, of a codebook of `size` codes in an array of codes of any shape."""
        return cls(np.bincount(np.asarray(codes).reshape(-1), minlength=size).astype(np.int64))

    @classmethod
    def of_pictures(cls, codes: np.ndarray, size: int) -> "Usage":
        """Usage of a codebook of `size` codes in the codes (B, ...) of B pictures."""
        occurring = [np.unique(picture) for picture in codes]
        incidence = np.bincount(np.concatenate([np.zeros(0, np.int64), *occurring]), minlength=size)
        return cls(cls.of(codes, size).counts, incidence.astype(np.int64), len(codes))

    @classmethod
    def nothing(cls, size: int) -> "Usage":
        """Usage in no picture, to add to."""
        return cls(np.zeros(size, np.int64), np.zeros(size, np.int64), 0)

    def __add__(self, other: "Usage") -> "Usage":
        by_picture = self.incidence is not None and other.incidence is not None
        known = self.pictures is not None and other.pictures is not None
        return Usage(
            self.counts + other.counts,
            self.incidence + other.incidence if by_picture else None,
            self.pictures + other.pictures if known else None,
        )

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
    def shares(self) -> np.ndarray:
        """Share of the tokens that each code has, (K,) float64, the largest first: a rank-frequency curve."""
        return np.sort(self.counts)[::-1] / max(1, self.tokens)

    @property
    def entropy(self) -> float:
        """Entropy of the counted distribution in bits per token."""
        return float(entropy(self.counts))

    @property
    def perplexity(self) -> float:
        """2^entropy: how many equally likely codes would carry as much."""
        return float(2**self.entropy)

    @property
    def unseen_mass(self) -> Estimate:
        """How likely the next token is a code not seen yet; see `unseen.unseen_mass`."""
        return unseen_mass(self.counts, self.incidence)

    @property
    def possible(self) -> Estimate:
        """Number of codes that can occur at all, seen or not; see `unseen.possible_codes`."""
        if self.incidence is None:
            return possible_codes(self.counts)
        return possible_codes(self.incidence, self.pictures)

    @property
    def chao1(self) -> float:
        """The same number by Chao1, from counts alone."""
        return possible_codes(self.counts).value

    def dead(self, at_most: int = 0) -> np.ndarray:
        """Indices of the codes that occur at most so many times, int64, ascending."""
        return np.flatnonzero(self.counts <= at_most)

    def carriers(self, share: float) -> int:
        """The fewest codes that together have at least this share of the counted tokens."""
        carried = np.cumsum(np.sort(self.counts)[::-1])
        return int(np.searchsorted(carried, share * self.tokens)) + 1 if self.tokens else 0


def entropy(counts: np.ndarray) -> np.ndarray:
    """Entropy in bits of counts (K, ...), whole or fractional, over their first axis: (...) float64, 0 where none."""
    total = counts.sum(0)
    shares = counts / np.where(total > 0, total, 1)
    return (shares * np.log2(1 / np.where(shares > 0, shares, 1))).sum(0)


def sampling_ceiling(size: int, tokens: int) -> float:
    """Expected share of `size` codes seen in `tokens` draws from the uniform distribution."""
    if size <= 1:
        return 1.0 if tokens else 0.0
    return float(-np.expm1(tokens * np.log1p(-1.0 / size)))


def by_level(spec: TokenizerSpec, codes: Codes) -> dict[str, Usage]:
    """Level name -> usage over all pictures of some codes."""
    return {level.name: Usage.of_pictures(codes[level.name], spec.codebook(level.name).size) for level in spec.levels}


def merged(*parts: Mapping[str, Usage]) -> dict[str, Usage]:
    """Level name -> usage over all parts: shards, processes, pictures."""
    total: dict[str, Usage] = {}
    for part in parts:
        total |= {name: total[name] + found if name in total else found for name, found in part.items()}
    return total
