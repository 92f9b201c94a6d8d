"""What is known of each code of a level from a set of pictures, small enough to be shipped beside a model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from explorer.analysis.cooccurrence import DIRECTIONS, most_frequent_beside
from explorer.analysis.exemplars import cut, exemplars
from explorer.analysis.observations import Observations
from explorer.core.images import encode_file, read_own_picture
from explorer.core.mosaic import mosaic, tile

SIDE = 24
"""Pixels of a side of an exemplar: the cell and what is around it, at a stride of 8 one cell on every side."""

QUALITY = 40
"""AVIF's, of exemplars. WebP needs twice the bytes to look as well at this size."""

AT_LEAST = 2
"""Pairs of codes that were seen less often are left out: they say nothing."""


@dataclass(frozen=True)
class Exemplar:
    """A patch that has a code: pixels (SIDE, SIDE, 3) uint8, the cell in the middle, `margin` pixels from each edge.

    Grey where the picture ends. name, picture: the picture's and its number in the set; row, column: the cell.
    cost: how badly it fits, as `costs` measures it; quantile: where that lies, about, among all costs of the code,
    0 for the best fits.
    """

    pixels: np.ndarray
    margin: int
    name: str
    picture: int
    row: int
    column: int
    cost: float
    quantile: float


@dataclass(frozen=True)
class Beside:
    """The codes most often at one side of a code, most frequent first: codes, counts and lifts (n,).

    lift: how many times as often as if every cell drew its code independently, by how often codes occur.
    """

    codes: np.ndarray
    counts: np.ndarray
    lifts: np.ndarray


@dataclass(frozen=True)
class Occurrences:
    """Of one level with K codes and a stride in pixels; exemplars and neighbours are asked for by code.

    counts: (K,) how often each code occurs. names: of the pictures. positions: (K, bins, bins) how often each code
    occurs in each part of pictures, rows before columns.
    cells: (K, n, 3) picture, row and column of the exemplars, -1 where there are no more; costs (K, n); quantiles
    (n,); patches: the bytes of an AVIF mosaic of those that there are.
    beside_codes, beside_counts: (K, 4, b) by DIRECTIONS. pairs: (2,) all neighbours across and down.
    output_points (m, D), output_codes (m,): a uniform sample of encoder outputs in the space of the code vectors,
    and their codes. nearest: (K,) how far each code vector is from the nearest of all encoder outputs, as `costs`
    measures it. These three are empty where the encoder gives logits.
    """

    stride: int
    counts: np.ndarray
    names: tuple[str, ...]
    cells: np.ndarray
    costs: np.ndarray
    quantiles: np.ndarray
    patches: np.ndarray
    positions: np.ndarray
    beside_codes: np.ndarray
    beside_counts: np.ndarray
    pairs: np.ndarray
    output_points: np.ndarray
    output_codes: np.ndarray
    nearest: np.ndarray

    def exemplars(self, code: int) -> list[Exemplar]:
        """Patches that have a code, no two of one picture: the best fits, then some at quantiles."""
        there = self.cells[..., 0] >= 0
        before = int(np.count_nonzero(there[:code]))
        found = []
        for number, place in enumerate(np.flatnonzero(there[code]), before):
            picture, row, column = map(int, self.cells[code, place])
            cost, quantile = float(self.costs[code, place]), float(self.quantiles[place])
            pixels, margin = tile(self._sheet, number, SIDE), (SIDE - self.stride) // 2
            found.append(Exemplar(pixels, margin, self.names[picture], picture, row, column, cost, quantile))
        return found

    def beside(self, code: int) -> dict[str, Beside]:
        """By direction of DIRECTIONS the codes seen most often beside a code."""
        shares = self.counts / max(1, self.counts.sum())
        found = {}
        for side, direction in enumerate(DIRECTIONS):
            counts = self.beside_counts[code, side]
            codes, counts = self.beside_codes[code, side][counts > 0], counts[counts > 0]
            expected = self.pairs[side // 2] * shares[code] * shares[codes]
            found[direction] = Beside(codes, counts, counts / expected)
        return found

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What is kept of this level alone, by the names of its fields: everything from `cells` on."""
        return {field.name: getattr(self, field.name) for field in fields(self)[3:]}

    @cached_property
    def _sheet(self) -> np.ndarray:
        return read_own_picture(self.patches.tobytes())


def summarize(
    seen: Observations,
    stride: int,
    names: Sequence[str],
    picture: Callable[[int], np.ndarray],
    each: int,
    beside: int,
) -> Occurrences:
    """What is kept of what was seen: `each` exemplars of a code, and `beside` neighbours in each direction.

    names: of the pictures; picture: number -> pixels (H, W, 3) uint8 as they were encoded.
    """
    table, quantiles = exemplars(seen.best, seen.sampled, each)
    there = table["picture"] >= 0
    codes, counts = most_frequent_beside(seen.across, seen.down, beside)
    counts[counts < AT_LEAST] = 0
    codes[counts == 0] = 0
    outputs = seen.outputs
    return Occurrences(
        stride=stride,
        counts=seen.usage.counts,
        names=tuple(names),
        cells=np.stack([table["picture"], table["row"], table["column"]], -1),
        costs=np.where(there, table["cost"], 0).astype(np.float16),
        quantiles=quantiles,
        patches=_patches(table[there], stride, picture),
        positions=_narrow(seen.positions),
        beside_codes=_narrow(codes),
        beside_counts=_narrow(counts),
        pairs=np.array([seen.across.total, seen.down.total]),
        output_points=outputs.points.astype(np.float16) if outputs else np.zeros((0, 0), np.float16),
        output_codes=_narrow(outputs.codes) if outputs else np.zeros(0, np.uint8),
        nearest=outputs.nearest.astype(np.float16) if outputs else np.zeros(0, np.float16),
    )


def _patches(cells: np.ndarray, stride: int, picture: Callable[[int], np.ndarray]) -> np.ndarray:
    """The bytes (n,) uint8 of an AVIF mosaic of patches (m,) PATCH; each picture is asked for once."""
    tiles = np.empty((len(cells), SIDE, SIDE, 3), np.uint8)
    for number in np.unique(cells["picture"]):
        pixels = picture(number)
        for i in np.flatnonzero(cells["picture"] == number):
            tiles[i] = cut(pixels, cells["row"][i], cells["column"][i], stride, SIDE)
    return np.frombuffer(encode_file(mosaic(tiles)[0], "avif", quality=QUALITY), np.uint8)


def _narrow(counts: np.ndarray) -> np.ndarray:
    """Whole numbers from 0 in the smallest type that holds them."""
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))
