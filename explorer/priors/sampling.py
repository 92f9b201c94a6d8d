"""Filling the open cells of grids with a prior, step by step; numpy alone, deterministic under its seeds.

Masked priors fill many cells per step, as MaskGIT does (Chang et al. 2022, arXiv 2202.04200): few at first, more as the
grid is known better. Causal priors fill one cell per step, in raster order. With a guidance weight the class counts for
more than it does by itself (classifier-free guidance: Ho, Salimans 2022, arXiv 2207.12598).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.core.errors import CodesError
from explorer.core.prior import DrawsByRows, Prior

CellOrder = Literal["certain", "halton", "raster", "random"]
"""Which open cells are filled first: those whose drawn code is the most probable (MaskGIT), cells spread evenly over
the grid (Besnier et al. 2025, arXiv 2503.17076), rows from above, or any."""


@dataclass(frozen=True)
class Drawing:
    """How a code is drawn from a cell's probabilities.

    temperature: log-probabilities are divided by it; 0 takes the likeliest code. top_k: only so many of the likeliest
    codes, 0 for all. top_p: only the likeliest codes that together reach this probability (Holtzman et al. 2020, arXiv
    1904.09751). guidance: ln p is moved this many times further from the one without a class; 0 for not at all.
    hesitation: order "certain" only; how much chance there is in which cells are filled first, falling to 0 by the end.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    guidance: float = 0.0
    hesitation: float = 1.0

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and self.top_k >= 0 and 0 < self.top_p <= 1 and math.isfinite(self.guidance)):
            raise CodesError(
                "Drawing needs a temperature of at least 0, top_k of at least 0, top_p above 0 and at most 1, "
                f"and a finite guidance; these are {self.temperature}, {self.top_k}, {self.top_p}, {self.guidance}."
            )


@dataclass(frozen=True)
class Step:
    """What one step did to one grid.

    cells (n, 2): rows and columns that were filled. codes (n,): with what. probabilities (n,): how probable each was,
    with guidance but before temperature and cuts. entropy (h, w) float32: bits of every cell that was open before the
    step, NaN elsewhere.
    """

    cells: np.ndarray
    codes: np.ndarray
    probabilities: np.ndarray
    entropy: np.ndarray


def fill(
    prior: Prior,
    codes: np.ndarray,
    open: np.ndarray,
    *,
    seeds: Sequence[int],
    labels: Sequence[int | None] | None = None,
    steps: int = 12,
    order: CellOrder = "certain",
    drawing: Drawing | None = None,
) -> tuple[np.ndarray, list[list[Step]]]:
    """Codes (B, h, w) int64 with all open cells filled, and what each step did to each of the B grids.

    codes (B, h, w) integers; open (B, h, w) bool; seeds: one per grid. A causal prior takes order "raster" alone and
    a step per cell.
    """
    filled, history = np.where(open, 0, codes).astype(np.int64), [[] for _ in codes]
    for done in stepwise(
        prior, codes, open, seeds=seeds, labels=labels, steps=steps, order=order, drawing=drawing or Drawing()
    ):
        for grid, step in done.items():
            filled[grid][tuple(step.cells.T)] = step.codes
            history[grid].append(step)
    return filled, history


def stepwise(
    prior: Prior,
    codes: np.ndarray,
    open: np.ndarray,
    *,
    seeds: Sequence[int],
    labels: Sequence[int | None] | None,
    steps: int,
    order: CellOrder,
    drawing: Drawing,
) -> Iterator[dict[int, Step]]:
    """As `fill`, one step at a time: which grids it filled something in, and what."""
    if len(seeds) != len(codes):
        raise CodesError(f"There are {len(seeds)} seeds for {len(codes)} grids; give one each.")
    if steps < 1:
        raise CodesError(f"Filling takes at least one step, not {steps}.")
    codes = np.where(open, 0, codes).astype(np.int64)
    prior.spec.check(codes, open, labels)
    if prior.spec.order == "causal":
        if order != "raster":
            raise CodesError(f"{prior.spec.id} is causal: it fills in raster order, not {order!r}.")
        yield from _by_cells(prior, codes, open, seeds, labels, drawing)
    else:
        yield from _by_steps(prior, codes, open.copy(), seeds, labels, steps, order, drawing)


def _by_steps(
    prior: Prior,
    codes: np.ndarray,
    open: np.ndarray,
    seeds: Sequence[int],
    labels: Sequence[int | None] | None,
    steps: int,
    order: CellOrder,
    drawing: Drawing,
) -> Iterator[dict[int, Step]]:
    total = open.sum((1, 2))
    ranks = [cell_ranks(order, codes.shape[1:], seed) for seed in seeds]
    for number in range(steps):
        if not open.any():
            return
        guided = guided_log_probabilities(prior, codes, open, labels, drawing.guidance)
        owner, done = np.nonzero(open)[0], {}
        left = np.floor(total * math.cos(math.pi / 2 * (number + 1) / steps) + 1e-9).astype(int)
        for grid in np.unique(owner):
            found, cells = guided[owner == grid], np.argwhere(open[grid])
            noise = np.random.default_rng([seeds[grid], number]).random((2, *codes.shape[1:]))[:, *cells.T]
            drawn = draw(found, noise[0], drawing)
            chance = found[np.arange(len(drawn)), drawn]
            if order == "certain":
                hesitant = drawing.hesitation * (1 - (number + 1) / steps)
                first = np.argsort(-(chance - hesitant * np.log(-np.log(noise[1]))), kind="stable")
            else:
                first = np.argsort(ranks[grid][tuple(cells.T)], kind="stable")
            chosen = np.sort(first[: max(1, len(cells) - left[grid])])
            done[int(grid)] = _step(cells[chosen], drawn[chosen], chance[chosen], found, cells, codes.shape[1:])
        for grid, step in done.items():
            codes[grid][tuple(step.cells.T)] = step.codes
            open[grid][tuple(step.cells.T)] = False
        yield done


def _by_cells(
    prior: Prior,
    codes: np.ndarray,
    open: np.ndarray,
    seeds: Sequence[int],
    labels: Sequence[int | None] | None,
    drawing: Drawing,
) -> Iterator[dict[int, Step]]:
    guides = drawing.guidance and labels is not None and any(label is not None for label in labels)
    for row in np.flatnonzero(open.any((0, 2))):
        rows = _row(prior, codes, int(row), labels)
        free = _row(prior, codes, int(row), None) if guides else None
        noise = [np.random.default_rng([seed, int(row)]).random(codes.shape[2]) for seed in seeds]
        for column in np.flatnonzero(open[:, row].any(0)):
            found = rows(codes[:, row], int(column))
            if free:
                found = _guided(found, free(codes[:, row], int(column)), drawing.guidance)
            done = {}
            for grid in np.flatnonzero(open[:, row, column]):
                drawn = draw(found[grid, None], noise[grid][None, column], drawing)
                cell = np.array([[row, column]])
                chance = found[grid, drawn]
                codes[grid, row, column] = drawn[0]
                done[int(grid)] = _step(cell, drawn, chance, found[grid, None], cell, codes.shape[1:])
            yield done


def _row(prior: Prior, codes: np.ndarray, row: int, labels: Sequence[int | None] | None):
    """A function from the row's codes (B, w) and a column to ln p (B, K) of the cells there."""
    if isinstance(prior, DrawsByRows):
        return prior.row(codes, row, labels)

    def found(so_far: np.ndarray, column: int) -> np.ndarray:
        asked = np.zeros(codes.shape, bool)
        asked[:, row, column] = True
        whole = codes.copy()
        whole[:, row] = so_far
        return prior.log_probabilities(whole, asked, labels)

    return found


def _step(
    cells: np.ndarray, codes: np.ndarray, chance: np.ndarray, found: np.ndarray, where: np.ndarray, shape: tuple
) -> Step:
    """found (m, K): ln p of the cells `where` (m, 2), which were open before the step."""
    entropy = np.full(shape, np.nan, np.float32)
    entropy[tuple(where.T)] = entropy_bits(found)
    return Step(cells, codes, np.exp(chance), entropy)


def entropy_bits(log_probabilities: np.ndarray) -> np.ndarray:
    """Bits (n,) of ln p (n, K)."""
    return -np.einsum("nk,nk->n", np.exp(log_probabilities), log_probabilities) / np.float32(math.log(2))


def guided_log_probabilities(
    prior: Prior, codes: np.ndarray, open: np.ndarray, labels: Sequence[int | None] | None, guidance: float
) -> np.ndarray:
    """ln p (n, K) float32 of the open cells, moved away from those without a class, in one pass of the prior."""
    if not guidance or labels is None or all(label is None for label in labels):
        return prior.log_probabilities(codes, open, labels)
    twice = prior.log_probabilities(
        np.concatenate([codes, codes]), np.concatenate([open, open]), [*labels, *[None] * len(codes)]
    )
    return _guided(*np.split(twice, 2), guidance)


def _guided(given: np.ndarray, free: np.ndarray, guidance: float) -> np.ndarray:
    return normalised(given + np.float32(guidance) * (given - free))


def draw(log_probabilities: np.ndarray, uniform: np.ndarray, drawing: Drawing) -> np.ndarray:
    """One code (n,) int64 per row of ln p (n, K), from uniform numbers (n,) in [0, 1)."""
    if drawing.temperature == 0:
        return log_probabilities.argmax(-1)
    scores = log_probabilities if drawing.temperature == 1 else log_probabilities / np.float32(drawing.temperature)
    if 0 < drawing.top_k < scores.shape[1]:
        least = np.partition(scores, -drawing.top_k, axis=-1)[:, -drawing.top_k, None]
        scores = np.where(scores >= least, scores, -np.inf)
    if drawing.top_p < 1:
        chances = np.exp(normalised(scores))
        ranked = -np.sort(-chances, axis=-1)
        kept = np.count_nonzero(np.cumsum(ranked, -1) - ranked < drawing.top_p, axis=-1)  # at least the likeliest
        least = ranked[np.arange(len(ranked)), kept - 1, None]
        scores = np.where(chances >= least, scores, -np.inf)
    if scores is not log_probabilities:
        scores = scores - scores.max(-1, keepdims=True)
    sums = np.exp(scores)
    np.cumsum(sums, -1, out=sums)
    below = np.minimum(uniform.astype(np.float32), np.nextafter(np.float32(1), np.float32(0)))
    return np.count_nonzero(sums <= (below * sums[:, -1])[:, None], axis=-1)


def normalised(scores: np.ndarray) -> np.ndarray:
    """ln p (n, K) of scores (n, K); -inf stays."""
    shifted = scores - scores.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def cell_ranks(order: CellOrder, shape: tuple[int, int], seed: int) -> np.ndarray:
    """When each cell's turn is (h, w) int64, 0 first; of "certain", which is decided while filling, any."""
    height, width = shape
    if order == "halton":
        return _halton_ranks(height, width)
    if order == "random":
        return np.random.default_rng([seed, 2**32 - 1]).permutation(height * width).reshape(shape)
    return np.arange(height * width).reshape(shape)


def _halton_ranks(height: int, width: int) -> np.ndarray:
    """Cells by when a Halton sequence of bases 2 and 3 (Halton 1964) first falls into them."""
    ranks, found, number = np.full((height, width), -1), 0, 0
    while found < height * width and number < 100 * height * width:
        number += 1
        row, column = int(_radical_inverse(number, 2) * height), int(_radical_inverse(number, 3) * width)
        if ranks[row, column] < 0:
            ranks[row, column] = found
            found += 1
    left = ranks < 0
    ranks[left] = np.arange(found, found + left.sum())
    return ranks


def _radical_inverse(number: int, base: int) -> float:
    """The digits of a number mirrored at the point."""
    value, place = 0.0, 1.0
    while number:
        number, digit = divmod(number, base)
        place /= base
        value += digit * place
    return value
