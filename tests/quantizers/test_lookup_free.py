"""LookupFreeQuantizer by hand, its entropies by brute force, its codes against vector-quantize-pytorch."""

import pytest
import torch
from torch import multiprocessing
from vector_quantize_pytorch import LFQ

from explorer.quantizers import LookupFreeQuantizer


def test_codes_are_signs_and_the_first_channel_is_the_lowest_bit():
    found = LookupFreeQuantizer(3).eval()(torch.tensor([[0.2, -3.0, 0.9], [-0.1, 2.0, -0.4]]))
    assert found.quantized.tolist() == [[1, -1, 1], [-1, 1, -1]]
    assert found.indices.tolist() == [0b101, 0b010]


def test_commitment_by_hand():
    found = LookupFreeQuantizer(2)(torch.tensor([[0.5, -2.0]]))
    assert found.losses["commitment"].item() == pytest.approx((0.25 + 1) / 2)


@pytest.mark.parametrize("bits", [1, 4, 5])
def test_entropies_are_those_of_the_softmax_over_all_codes(bits):
    torch.manual_seed(0)
    quantizer, z = LookupFreeQuantizer(bits, temperature=0.7), torch.randn(3, 50, bits)
    codes = quantizer.vectors(torch.arange(2**bits))
    p = torch.softmax(-(z.reshape(-1, 1, bits) - codes).square().sum(-1) / 0.7, -1).double()
    mean = p.mean(0)
    losses = quantizer(z).losses
    assert losses["cell_entropy"].item() == pytest.approx(float(-torch.xlogy(p, p).sum(-1).mean()), rel=1e-4)
    assert losses["codebook_entropy"].item() == pytest.approx(float(torch.xlogy(mean, mean).sum()), rel=1e-4)


def test_the_codebook_entropy_pulls_apart_what_fell_together():
    torch.manual_seed(0)
    z = (0.3 + 0.1 * torch.randn(64, 4)).requires_grad_()
    LookupFreeQuantizer(4)(z).losses["codebook_entropy"].backward()
    assert (z.grad.mean(0) > 0).all()  # a step against the gradient moves the crowd towards the other signs


def test_two_processes_have_the_entropy_and_the_gradients_of_one(tmp_path):
    z = _crowd().requires_grad_()
    loss = LookupFreeQuantizer(4)(z).losses["codebook_entropy"]
    loss.backward()
    multiprocessing.spawn(_half_of_the_crowd, (tmp_path,), nprocs=2)
    halves = [torch.load(tmp_path / str(rank)) for rank in range(2)]
    assert [half["loss"] for half in halves] == pytest.approx([loss.item()] * 2, rel=1e-5)
    # Gradients of parameters are averaged over processes afterwards, so each half's may be twice as large.
    assert torch.allclose(torch.cat([half["gradient"] for half in halves]) / 2, z.grad, rtol=1e-4, atol=1e-7)


def _crowd():
    cells = torch.randn(32, 4, generator=torch.Generator().manual_seed(0))
    return torch.cat([cells + 1, cells - 1])  # one half on one side, the other on the other


def _half_of_the_crowd(rank, folder):
    torch.distributed.init_process_group("gloo", f"file://{folder}/met", rank=rank, world_size=2)
    z = _crowd().chunk(2)[rank].clone().requires_grad_()
    loss = LookupFreeQuantizer(4)(z).losses["codebook_entropy"]
    loss.backward()
    torch.save({"loss": loss.item(), "gradient": z.grad}, folder / str(rank))
    torch.distributed.destroy_process_group()


def test_agrees_with_vector_quantize_pytorch_whose_first_channel_is_the_highest_bit():
    torch.manual_seed(0)
    z = torch.randn(2, 100, 10)
    theirs = LFQ(dim=10, codebook_size=1024).eval()
    quantized, indices, _ = theirs(z)
    ours = LookupFreeQuantizer(10).eval()
    assert torch.equal(ours(z).quantized, quantized)
    assert torch.equal(ours(z.flip(-1)).indices, indices)


@pytest.mark.parametrize("k", [1, 2, 7, 64])
def test_ranks_are_those_of_all_distances(k):
    torch.manual_seed(0)
    quantizer, z = LookupFreeQuantizer(6), torch.randn(2, 30, 6)
    distances = (z[..., None, :] - quantizer.vectors(torch.arange(64))).square().sum(-1)
    best = distances.topk(k, largest=False)
    indices, costs = quantizer.rank(z, k)
    assert torch.equal(indices, best.indices) and torch.allclose(costs, best.values, atol=1e-5)


def test_the_best_of_very_many_codes_are_found_without_a_table():
    torch.manual_seed(0)
    quantizer, z = LookupFreeQuantizer(18), torch.randn(50, 18)
    indices, costs = quantizer.rank(z, 4)
    assert torch.equal(indices[:, 0], quantizer(z).indices)
    assert torch.allclose((z[:, None] - quantizer.vectors(indices)).square().sum(-1), costs, atol=1e-4)
    weakest = z.abs().argmin(1)
    assert torch.equal(indices[:, 1], indices[:, 0] ^ 2**weakest)
