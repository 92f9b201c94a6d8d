"""Which codes stand beside each other in pictures."""

from dataclasses import dataclass

import numpy as np

DIRECTIONS = ("left", "right", "above", "below")


@dataclass(frozen=True)
class Pairs:
    """How often a code stands before another: keys (n,) int64, first * K + second, ascending; counts (n,) int64.

    Two are added by merging. Holds the pairs that occur, never all K x K.
    """

    size: int
    keys: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, first: np.ndarray, second: np.ndarray, size: int) -> "Pairs":
        """Pairs of codes at the same place of two arrays of one shape."""
        keys = first.astype(np.int64) * size + second
        return cls(size, *np.unique(keys, return_counts=True))

    @classmethod
    def across(cls, codes: np.ndarray, size: int) -> "Pairs":
        """Every code of codes (B, h, w) with the one to its right."""
        return cls.of(codes[:, :, :-1], codes[:, :, 1:], size)

    @classmethod
    def down(cls, codes: np.ndarray, size: int) -> "Pairs":
        """Every code of codes (B, h, w) with the one below it."""
        return cls.of(codes[:, :-1], codes[:, 1:], size)

    def __add__(self, other: "Pairs") -> "Pairs":
        keys, place = np.unique(np.concatenate([self.keys, other.keys]), return_inverse=True)
        counts = np.bincount(place, np.concatenate([self.counts, other.counts]), len(keys))
        return Pairs(self.size, keys, counts.astype(np.int64))

    @property
    def total(self) -> int:
        """Number of pairs counted."""
        return int(self.counts.sum())

    def most_frequent(self, k: int, of_second: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Per code the k codes most often after it: (codes (K, k), counts (K, k)) int64; count 0 where no more.

        of_second: those most often before it instead.
        """
        own, other = np.divmod(self.keys, self.size)
        if of_second:
            own, other = other, own
        order = np.lexsort((other, -self.counts, own))
        own, other, counts = own[order], other[order], self.counts[order]
        rank = np.arange(len(own)) - np.searchsorted(own, own)
        kept = rank < k
        table = np.zeros((2, self.size, k), np.int64)
        table[:, own[kept], rank[kept]] = other[kept], counts[kept]
        return table[0], table[1]


def most_frequent_beside(across: Pairs, down: Pairs, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Per code and direction of DIRECTIONS the k codes most often there: (codes, counts), both (K, 4, k) int64."""
    sides = [pairs.most_frequent(k, of_second) for pairs in (across, down) for of_second in (True, False)]
    codes, counts = zip(*sides, strict=True)
    return np.stack(codes, 1), np.stack(counts, 1)
