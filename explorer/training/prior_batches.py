"""What one step of a prior's training sees: windows of grids, which of their cells are open, and their classes.

Batch number s of a run is drawn from (seed, s) alone, so that a resumed run sees what an uninterrupted one would, and
N processes share what one would see.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from explorer.priors.network import places
from explorer.training.prior_config import Holes, PriorRecipe, View
from explorer.training.prior_grids import Grids


@dataclass(frozen=True)
class Batch:
    """codes (B, h, w) int64, open (B, h, w) bool, labels (B,) int64, places (B, h, w, 2) float32; `total`: how many
    cells are open in the whole batch, of which this may be one process's share."""

    codes: Tensor
    open: Tensor
    labels: Tensor
    places: Tensor
    total: int

    def to(self, device: torch.device) -> "Batch":
        moved = (tensor.to(device) for tensor in (self.codes, self.open, self.labels, self.places))
        return Batch(*moved, self.total)


class PriorBatches:
    """Batch number `step` of a run."""

    def __init__(
        self,
        recipe: PriorRecipe,
        grids: Mapping[tuple[str, int, bool], Grids],
        classes: int,
        rank: int = 0,
        world: int = 1,
    ):
        """grids: (how, side, flipped) -> all pictures in that view."""
        self.recipe, self.grids, self.classes, self.rank, self.world = recipe, grids, classes, rank, world

    def __call__(self, step: int) -> Batch:
        recipe = self.recipe
        rng = np.random.default_rng([recipe.seed, step])
        views = recipe.views_at(step)
        drawn = [self._window(rng, views) for _ in range(recipe.batch)]
        codes, labels, where = (np.stack(parts) for parts in zip(*drawn, strict=True))
        if recipe.network.kind == "masked":
            open = np.stack([random_holes(rng, recipe.window, recipe.holes_at(step)) for _ in range(recipe.batch)])
        else:
            open = np.ones(codes.shape, bool)
        own = slice(*(recipe.batch * part // self.world for part in (self.rank, self.rank + 1)))
        tensors = (torch.from_numpy(array[own]) for array in (codes, open, labels, where))
        return Batch(*tensors, int(open.sum()))

    def _window(self, rng: np.random.Generator, views: tuple[View, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        shares = np.array([view.share for view in views])
        view = views[rng.choice(len(views), p=shares / shares.sum())]
        grids = self.grids[view.how, view.side, bool(rng.random() < 0.5)]
        chosen = rng.integers(len(grids.codes))
        grid, size = grids.codes[chosen], self.recipe.window
        top, left = (int(rng.integers(n - size + 1)) for n in grid.shape)
        label = grids.labels[chosen] if rng.random() >= self.recipe.label_dropout else np.int64(self.classes)
        where = places(*grid.shape, (top, size), (left, size))
        return grid[top : top + size, left : left + size].astype(np.int64), label, where


def random_holes(rng: np.random.Generator, size: int, holes: Holes) -> np.ndarray:
    """Open cells (size, size) bool, at least one.

    In a share `holes.boxes` of all windows they lie in a box (or, one time in four, around one): all of the region,
    or a random part of it, as when it is filled step by step. Else they lie anywhere.
    """
    if rng.random() < holes.boxes:
        sides = np.exp(rng.uniform(math.log(3), math.log(0.8 * size), 2)).astype(int)
        top, left = (int(rng.integers(size - side + 1)) for side in sides)
        region = np.zeros((size, size), bool)
        region[top : top + sides[0], left : left + sides[1]] = True
        if rng.random() < 0.25:
            region = ~region
        share = 1.0 if rng.random() < 0.4 else rng.random()
    else:
        region, share = np.ones((size, size), bool), rng.random()
        share = math.cos(math.pi / 2 * share) if holes.law == "cosine" else share
    noise = np.where(region, rng.random((size, size)), 2.0)
    return (noise < share) | (noise == noise.min())
