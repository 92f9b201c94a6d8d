"""Who trains what: Muon the residual kernels, AdamW the rest, both by the rate that is asked for."""

import dataclasses

import pytest
import torch

from explorer.models.blocks import ResidualBlock
from explorer.models.build import build_model
from explorer.training.config import read_recipe
from explorer.training.muon import Muon, orthogonalised
from explorer.training.optimizer import ORTHOGONALISATION_STEPS, RunOptimizer


def _stepped(recipe, rate=1e-3):
    torch.manual_seed(0)
    model = build_model(recipe.model).to(memory_format=torch.channels_last)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = RunOptimizer(model, recipe)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimizer.step(rate)
    return model, {name: value.detach() - before[name] for name, value in model.named_parameters()}


def test_a_residual_kernel_moves_by_a_nearly_orthogonal_matrix(recipe):
    model, moved = _stepped(read_recipe(str(recipe())))
    kernels = [f"{name}.spatial.weight" for name, part in model.named_modules() if isinstance(part, ResidualBlock)]
    assert len(kernels) == 3
    for name in kernels:
        # A random gradient has singular values spread over 3:1 and more; three iterations pull them together.
        values = torch.linalg.svdvals(moved[name].flatten(1))
        assert values.max() / values.min() < 2.5
        assert 0.02 * 0.5 < values.mean() < 0.02 * 1.5  # twenty times the rate
    # AdamW's first step moves every number by the rate
    assert torch.allclose(moved["encoder.1.weight"].abs(), torch.tensor(1e-3), rtol=1e-3)


def test_without_muon_everything_is_adamw(recipe):
    _, moved = _stepped(dataclasses.replace(read_recipe(str(recipe())), muon=0.0))
    for change in moved.values():
        assert torch.allclose(change.abs(), torch.tensor(1e-3), rtol=1e-2)


@pytest.mark.parametrize("shape", [(24, 90), (90, 24), (24, 24)])
def test_muon_moves_as_torchs_own_does(shape):
    """Which iterates on the whole matrix, in bfloat16."""
    torch.manual_seed(0)
    start = torch.randn(shape)
    ours, theirs = start.clone(), start.clone()
    mine = Muon([ours], ORTHOGONALISATION_STEPS, weight_decay=0.1)
    mine.param_groups[0]["lr"] = 0.02
    torchs = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1, ns_steps=ORTHOGONALISATION_STEPS)
    for _ in range(4):
        ours.grad = theirs.grad = torch.randn(shape)
        mine.step()
        torchs.step()
    assert (ours - theirs).norm() < 0.01 * (theirs - start).norm()


def test_a_kernel_that_heard_nothing_stays():
    still = torch.zeros(4, 8)
    assert torch.equal(orthogonalised(still, 3), still)
