"""Edits of codes as small data: what was done, so that doing it again gives the same codes.

The experiments on what a single code carries are those of Mentzer, Minnen, Agustsson, Tschannen 2023,
arXiv 2309.15505, appendix A.3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.core.codes import Codes
from explorer.core.digits import from_digits, to_digits
from explorer.core.errors import CodesError
from explorer.core.quoting import listed, quoted
from explorer.core.spec import TokenizerSpec

MOST_SEED = 2**64 - 1
Runs = tuple[tuple[int, ...], ...]
"""Cells of a grid as runs in reading order: (first cell, how many), the first cell being row x columns + column."""


@dataclass(frozen=True)
class Write:
    """Write codes into cells: one for all of them, or one for each in reading order."""

    level: str
    cells: Runs
    codes: tuple[int, ...]
    kind: Literal["write"] = "write"


@dataclass(frozen=True)
class Replace:
    """Write `new` wherever `old` stands."""

    level: str
    old: int
    new: int
    kind: Literal["replace"] = "replace"


@dataclass(frozen=True)
class SetDigit:
    """Set one digit of the cells' codes, the others kept; of implicit codebooks alone."""

    level: str
    cells: Runs
    channel: int
    digit: int
    kind: Literal["set_digit"] = "set_digit"


@dataclass(frozen=True)
class Randomize:
    """Draw every cell's code evenly from the whole codebook."""

    level: str
    cells: Runs
    seed: int
    kind: Literal["randomize"] = "randomize"


@dataclass(frozen=True)
class SampleMarginal:
    """Draw every cell's code by how often codes occur in the reference set."""

    level: str
    cells: Runs
    seed: int
    kind: Literal["sample_marginal"] = "sample_marginal"


Edit = Write | Replace | SetDigit | Randomize | SampleMarginal


def apply(edit: Edit, spec: TokenizerSpec, codes: Codes, counts: Mapping[str, np.ndarray]) -> Codes:
    """New codes of one picture; counts: level -> counts (K,) of the reference set. Refuses in words what can't be."""
    grid, size = codes[_known(edit.level, codes)][0], spec.codebook(edit.level).size
    if isinstance(edit, Replace):
        cells = np.flatnonzero(grid.reshape(-1) == edit.old)
        chosen = _codes((edit.new,), spec, size)
    else:
        cells = cells_of(edit.cells, grid.size)
        chosen = _chosen(edit, spec, grid.reshape(-1)[cells], size, counts)
    if not len(cells):
        return codes
    return codes.edit(edit.level, (0, *np.unravel_index(cells, grid.shape)), chosen)


def cells_of(runs: Sequence[Sequence[int]], cells: int) -> np.ndarray:
    """Flat cell indices (n,) int64 of runs in a grid of so many cells."""
    total = 0
    for run in runs:
        if len(run) != 2 or run[0] < 0 or run[1] < 1 or run[0] + run[1] > cells:
            raise CodesError(
                f"{quoted(list(run))} is no run of cells here: expected [first, how many] within {cells:,} cells."
            )
        total += run[1]
    if total > cells:
        raise CodesError(f"These runs hold {total:,} cells, but there are {cells:,}. Name each cell once.")
    return np.concatenate([np.arange(first, first + count) for first, count in runs] or [np.zeros(0, np.int64)])


def stitched(codes: Codes, other: Codes, level: str) -> Write:
    """The edit that puts the lower half of another picture's codes under the upper half of these."""
    here, there = codes[level][0], other[level][0]
    if here.ndim == 1:
        raise CodesError("These codes stand in a row and not for places of the picture, so there is no lower half.")
    if here.shape != there.shape:
        raise CodesError(
            f"The grids differ, {here.shape[0]} x {here.shape[1]} and {there.shape[0]} x {there.shape[1]}: "
            "stitch two pictures of one size."
        )
    first = here.shape[0] // 2 * here.shape[1]
    return Write(level, ((first, here.size - first),), tuple(map(int, there.reshape(-1)[first:])))


def _chosen(edit: Edit, spec: TokenizerSpec, present: np.ndarray, size: int, counts: Mapping) -> np.ndarray:
    """The codes to write into cells that hold `present`: one, or one for each."""
    match edit:
        case Write(codes=codes):
            if len(codes) not in (1, len(present)):
                raise CodesError(f"{len(codes):,} codes for {len(present):,} cells: give one, or one for each.")
            return _codes(codes, spec, size)
        case SetDigit(channel=channel, digit=digit):
            radices = spec.codebook(edit.level).radices
            if not 0 <= channel < len(radices) or not 0 <= digit < radices[channel]:
                raise CodesError(
                    f"{spec.id} has no digit {quoted(digit)} in channel {quoted(channel)}; "
                    f"its radices are {list(radices)}."
                )
            digits = to_digits(present, radices)
            digits[:, channel] = digit
            return from_digits(digits, radices)
        case Randomize(seed=seed):
            return _generator(seed).integers(0, size, len(present))
        case SampleMarginal(seed=seed):
            if edit.level not in counts:
                raise CodesError(f"There are no reference counts of {spec.id} to sample from.")
            weights = counts[edit.level] / counts[edit.level].sum()
            return _generator(seed).choice(size, len(present), p=weights)


def _codes(codes: Sequence[int], spec: TokenizerSpec, size: int) -> np.ndarray:
    """Codes that are to be written, (n,) int64; a CodesError where there is no such code."""
    wrong = next((code for code in codes if not 0 <= code < size), None)
    if wrong is not None:
        raise CodesError(f"Code {quoted(wrong)} is out of range: {spec.id} has {size:,} codes, 0 to {size - 1:,}.")
    return np.array(codes, np.int64)


def _generator(seed: int) -> np.random.Generator:
    if not 0 <= seed <= MOST_SEED:
        raise CodesError(f"A seed is a whole number from 0 to {MOST_SEED:,}, not {quoted(seed)}.")
    return np.random.default_rng(seed)


def _known(level: str, codes: Codes) -> str:
    if level not in codes.levels:
        raise CodesError(f"There is no level {quoted(level)} here; the levels are {listed(codes)}.")
    return level
