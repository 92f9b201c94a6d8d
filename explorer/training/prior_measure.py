"""Held-out bits per token of a prior, beside the marginal entropy that it has to beat."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from explorer.priors.network import PriorNetwork, places
from explorer.training.prior_config import View
from explorer.training.prior_grids import Grids

SQUARE = View("square", 256)
"""How held-out pictures are seen: their centre squares at 256 pixels, as everywhere in this project."""

BATCH = 16
Pattern = Callable[[int, tuple[int, int]], np.ndarray]
"""Of a picture's number and its grid's shape: which cells are open, (h, w) bool."""
HOLE = 8
"""Cells on a side of the central hole."""


def shares_of(grids: Grids, size: int) -> np.ndarray:
    """How often each of `size` codes is used (size,) float64, every code counted once more than it was."""
    counts = sum(np.bincount(grid.ravel(), minlength=size) for grid in grids.codes) + 1.0
    return counts / counts.sum()


def entropy_of(shares: np.ndarray) -> float:
    """Bits."""
    return float(-(shares * np.log2(shares)).sum())


@torch.inference_mode()
def held_out_bits(
    network: PriorNetwork,
    grids: Grids,
    kind: str,
    device: torch.device,
    chosen: Sequence[int] | None = None,
) -> dict[str, float]:
    """Mean -log2 p per open cell, given the class: what is decided by comes first.

    masked: "half" of the cells open at random, and a central "hole" of 8 x 8, all open cells in one pass.
    causal: "raster", the chain rule over all cells. The open cells are functions of the picture's number alone.
    """
    chosen = range(len(grids.codes)) if chosen is None else chosen
    patterns: dict[str, Pattern] = {"raster": lambda number, shape: np.ones(shape, bool)}
    if kind == "masked":
        patterns = {"half": half_open, "hole": lambda number, shape: central_hole(shape)}
    found = {}
    for name, pattern in patterns.items():
        nats, cells = 0.0, 0
        for start in range(0, len(chosen), BATCH):
            numbers = chosen[start : start + BATCH]
            codes = np.stack([grids.codes[number] for number in numbers]).astype(np.int64)
            open = np.stack([pattern(int(number), codes.shape[1:]) for number in numbers])
            where = np.broadcast_to(places(*codes.shape[1:]), (*codes.shape, 2)).copy()
            inputs: list[Tensor] = [
                torch.from_numpy(array).to(device) for array in (codes, open, grids.labels[list(numbers)], where)
            ]
            surprise = network(*inputs)
            nats, cells = nats + float(surprise.double().sum()), cells + len(surprise)
        found[name] = nats / cells / math.log(2)
    return found


def half_open(number: int, shape: tuple[int, int]) -> np.ndarray:
    """Exactly half of the cells (h, w) bool, drawn from the picture's number."""
    order = np.random.default_rng([1, number]).permutation(shape[0] * shape[1])
    return (order < len(order) // 2).reshape(shape)


def central_hole(shape: tuple[int, int]) -> np.ndarray:
    """The central 8 x 8 cells (h, w) bool."""
    open = np.zeros(shape, bool)
    top, left = ((n - HOLE) // 2 for n in shape)
    open[top : top + HOLE, left : left + HOLE] = True
    return open
