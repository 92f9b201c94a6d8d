"""Which patches show what a code stands for: those that fit it best, and some from all over its spread."""

from dataclasses import dataclass

import numpy as np

PATCH = np.dtype([("key", "f4"), ("cost", "f4"), ("picture", "i4"), ("row", "i2"), ("column", "i2")])
"""A cell of a picture. cost: how badly it fits its code, in the units of its tokenizer's metric."""

NONE = np.array((np.inf, np.inf, -1, -1, -1), PATCH)
"""Stands where a code has no more patches."""

BEYOND = 128
"""Grey of what lies beyond a picture's edge."""


@dataclass(frozen=True)
class Patches:
    """Per code its n patches of the smallest keys: kept (K, n) PATCH, smallest first, then NONE.

    Two are added by merging. Among equal keys the patch that came first stays.
    """

    kept: np.ndarray

    @classmethod
    def best(cls, codes: np.ndarray, costs: np.ndarray, first: int, size: int, keep: int) -> "Patches":
        """The patches of the lowest cost, of every picture at most one per code.

        codes, costs: (B, h, w) of whole pictures, numbered from `first`.
        """
        found = _patches(codes, costs, costs, first)
        order = np.lexsort((found["key"], found["picture"], codes.reshape(-1)))
        code, picture = codes.reshape(-1)[order], found["picture"][order]
        leads = np.append(True, (code[1:] != code[:-1]) | (picture[1:] != picture[:-1]))
        return cls(_table(code[leads], found[order][leads], size, keep))

    @classmethod
    def sampled(
        cls, codes: np.ndarray, costs: np.ndarray, keys: np.ndarray, first: int, size: int, keep: int
    ) -> "Patches":
        """A uniform sample of each code's patches, where `keys` (B, h, w) are random; otherwise as `best`."""
        return cls(_table(codes.reshape(-1), _patches(codes, costs, keys, first), size, keep))

    def __add__(self, other: "Patches") -> "Patches":
        both = np.concatenate([self.kept, other.kept], 1)
        order = both["key"].argsort(1, kind="stable")[:, : self.kept.shape[1]]
        return Patches(np.take_along_axis(both, order, 1))


def exemplars(best: Patches, sampled: Patches, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Patches that show each code, no two of one picture: (K, count) PATCH, and the quantile of each column.

    The first half are the best fits, best first, of quantile 0. The others lie at quantiles of the cost that
    are spread evenly over (0, 1), as far as the sample tells. NONE where a code has no more.
    """
    typical = count // 2
    quantiles = (np.arange(typical) + 0.5) / max(1, typical)
    table = np.full((len(best.kept), count), NONE)
    table[:, : count - typical] = best.kept[:, : count - typical]
    for code in np.flatnonzero(best.kept["picture"][:, 0] >= 0):
        spread = sampled.kept[code][sampled.kept["picture"][code] >= 0]
        spread = spread[spread["cost"].argsort(kind="stable")]
        shown = set(table["picture"][code])
        for column, quantile in enumerate(quantiles, count - typical):
            nearness = np.abs((np.arange(len(spread)) + 0.5) / len(spread) - quantile)
            candidates = (spread[i] for i in nearness.argsort(kind="stable") if spread["picture"][i] not in shown)
            table[code, column] = next(candidates, NONE)
            shown.add(table["picture"][code, column])
    return table, np.concatenate([np.zeros(count - typical), quantiles])


def cut(picture: np.ndarray, row: int, column: int, stride: int, side: int) -> np.ndarray:
    """A square (side, side, 3) of a picture (H, W, 3) uint8 with the cell in its middle; grey beyond the edges."""
    margin = (side - stride) // 2
    top, left = row * stride - margin, column * stride - margin
    inside = picture[max(0, top) : top + side, max(0, left) : left + side]
    square = np.full((side, side, 3), BEYOND, np.uint8)
    below, right = max(0, -top), max(0, -left)
    square[below : below + inside.shape[0], right : right + inside.shape[1]] = inside
    return square


def _patches(codes: np.ndarray, costs: np.ndarray, keys: np.ndarray, first: int) -> np.ndarray:
    """All cells of codes (B, h, w) as (B * h * w,) PATCH."""
    found = np.empty(codes.shape, PATCH)
    picture, found["row"], found["column"] = np.indices(codes.shape, np.int32)
    found["picture"], found["cost"], found["key"] = first + picture, costs, keys
    return found.reshape(-1)


def _table(codes: np.ndarray, found: np.ndarray, size: int, keep: int) -> np.ndarray:
    """The `keep` patches of the smallest keys per code, (size, keep) PATCH, of found (n,) that have the codes (n,)."""
    order = np.lexsort((found["key"], codes))
    codes, found = codes[order], found[order]
    rank = np.arange(len(codes)) - np.searchsorted(codes, codes)
    kept = rank < keep
    table = np.full((size, keep), NONE)
    table[codes[kept], rank[kept]] = found[kept]
    return table
