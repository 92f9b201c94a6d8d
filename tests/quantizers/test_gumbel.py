"""GumbelQuantizer: its KL by hand, and that its samples follow the distribution."""

import math

import pytest
import torch

from explorer.quantizers import GumbelQuantizer


def test_kl_by_hand():
    quantizer = GumbelQuantizer(8, 2)
    assert quantizer(torch.full((3, 8), 5.0)).losses["kl"].item() == pytest.approx(0, abs=1e-6)
    one_hot = torch.full((3, 8), -1e4)
    one_hot[:, 2] = 1e4
    assert quantizer(one_hot).losses["kl"].item() == pytest.approx(math.log(8), rel=1e-6)
    half = torch.full((1, 8), -1e4)
    half[:, :2] = 0
    assert quantizer(half).losses["kl"].item() == pytest.approx(math.log(4), rel=1e-6)
    assert quantizer(torch.cat([half, one_hot])).losses["kl"].item() == pytest.approx(
        (math.log(4) + 3 * math.log(8)) / 4, rel=1e-6
    )


def test_kl_pulls_towards_uniform():
    z = torch.tensor([[2.0, 0.0, -1.0]], requires_grad=True)
    GumbelQuantizer(3, 2)(z).losses["kl"].backward()
    assert z.grad[0, 0] > 0 and z.grad[0, 2] < 0


def test_evaluation_takes_the_largest_logit():
    quantizer = GumbelQuantizer(4, 2).eval()
    found = quantizer(torch.tensor([[0.0, 3.0, 1.0, 2.9]]))
    assert found.indices.tolist() == [1]
    assert torch.equal(found.quantized[0], quantizer.codebook[1])


def test_hard_samples_follow_the_logits():
    torch.manual_seed(0)
    quantizer = GumbelQuantizer(3, 3, temperature=0.7, hard=True)
    quantizer.codebook.data = torch.eye(3)
    chances = torch.tensor([0.6, 0.3, 0.1])
    samples = quantizer(chances.log().expand(20_000, 3)).quantized
    assert torch.allclose(samples.max(-1).values, torch.ones(20_000), atol=1e-6)
    assert torch.allclose(samples.mean(0), chances, atol=0.015)


def test_temperature_softens_the_samples():
    def largest_weight(temperature):
        torch.manual_seed(0)
        quantizer = GumbelQuantizer(4, 4, temperature=temperature)
        quantizer.codebook.data = torch.eye(4)
        weights = quantizer(torch.zeros(500, 4)).quantized
        assert torch.allclose(weights.sum(-1), torch.ones(500), atol=1e-5)
        return weights.max(-1).values.mean().item()

    assert largest_weight(0.05) > 0.95
    assert largest_weight(20.0) < 0.3


def test_rank_gives_negative_log_probabilities():
    indices, costs = GumbelQuantizer(3, 2).rank(torch.tensor([[0.3, 0.6, 0.1]]).log(), 3)
    assert indices.tolist() == [[1, 0, 2]]
    assert costs[0].tolist() == pytest.approx([-math.log(0.6), -math.log(0.3), -math.log(0.1)])
