"""The optimizer of a run: AdamW, and for the kernels of the residual blocks Muon where the recipe says so.

A kernel is taken as the matrix of its output channels by everything each of them sums over, as in Muon's paper.
"""

from typing import Any

import torch
from torch import nn

from explorer.models.blocks import ResidualBlock
from explorer.training.config import Recipe
from explorer.training.muon import Muon
from explorer.training.prior_config import PriorRecipe

ORTHOGONALISATION_STEPS = 3
"""Newton-Schulz iterations. Five, as in the paper, gained nothing."""


class RunOptimizer:
    """One `step(learning_rate)` over all parameters, whichever optimizer each of them has."""

    def __init__(self, model: nn.Module, recipe: Recipe | PriorRecipe, hidden: list[nn.Parameter] | None = None):
        """hidden: the weights that are Muon's, of two or four axes; default: the kernels of the residual blocks."""
        kernels = []
        if recipe.muon:
            blocks = [block for block in model.modules() if isinstance(block, ResidualBlock)]
            found = [conv.weight for block in blocks for conv in (block.spatial, block.pointwise)]
            kernels = found if hidden is None else hidden
        by_muon = {id(kernel) for kernel in kernels}
        self.muon, self.kernels = recipe.muon, kernels
        self.adamw = torch.optim.AdamW(
            [parameter for parameter in model.parameters() if id(parameter) not in by_muon],
            lr=0.0,
            betas=(0.9, 0.99),
            weight_decay=recipe.weight_decay,
            fused=True,
        )
        # Views in the order of channels_last memory: they share storage with the kernels.
        self.matrices = [_matrix(kernel.data) for kernel in kernels]
        self.muon_optimizer = Muon(self.matrices, ORTHOGONALISATION_STEPS, recipe.weight_decay) if kernels else None

    def step(self, learning_rate: float) -> None:
        _set(self.adamw, learning_rate)
        self.adamw.step()
        if self.muon_optimizer:
            for matrix, kernel in zip(self.matrices, self.kernels, strict=True):
                matrix.grad = _matrix(kernel.grad)
            _set(self.muon_optimizer, learning_rate * self.muon)
            self.muon_optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        optimizers = {"adamw": self.adamw, "muon": self.muon_optimizer}
        return {name: optimizer.state_dict() for name, optimizer in optimizers.items() if optimizer}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.adamw.load_state_dict(state["adamw"])
        if self.muon_optimizer:
            self.muon_optimizer.load_state_dict(state["muon"])


def _matrix(kernel: torch.Tensor) -> torch.Tensor:
    """(out, height x width x in) of (out, in, height, width), a view where that lies in channels_last memory;
    a matrix as it is."""
    return kernel if kernel.dim() == 2 else kernel.permute(0, 2, 3, 1).flatten(1)


def _set(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
