"""ResidualQuantizer by hand and against vector-quantize-pytorch."""

import pytest
import torch
from vector_quantize_pytorch import ResidualVQ

from explorer.quantizers import EMAVectorQuantizer, ResidualQuantizer


@pytest.fixture
def two_stages():
    coarse, fine = EMAVectorQuantizer(2, 1), EMAVectorQuantizer(3, 1)
    coarse.codebook.copy_(torch.tensor([[0.0], [10.0]]))
    fine.codebook.copy_(torch.tensor([[-1.0], [0.0], [1.0]]))
    return ResidualQuantizer([coarse, fine]).eval()


def test_each_stage_codes_what_was_left_over(two_stages):
    found = two_stages(torch.tensor([[9.2], [0.8]]))
    assert found.indices.tolist() == [[1, 0], [0, 2]]
    assert found.quantized.tolist() == [[9.0], [1.0]]
    expected = ((0.8**2 + 0.8**2) / 2 + (0.2**2 + 0.2**2) / 2) / 2
    assert found.losses["commitment"].item() == pytest.approx(expected, rel=1e-5)


def test_quantized_is_the_sum_of_the_code_vectors(two_stages):
    indices = torch.tensor([[1, 0], [0, 2]])
    assert two_stages.vectors(indices).tolist() == [[9], [1]]
    assert two_stages.vectors(indices[:, :1]).tolist() == [[10], [0]]
    rests = two_stages.rests(torch.tensor([[9.2], [0.8]]), indices)
    assert torch.allclose(torch.cat(rests, 1), torch.tensor([[9.2, -0.8], [0.8, 0.8]]))


def test_the_decoders_gradient_arrives_once(two_stages):
    z = torch.tensor([[9.2], [0.8]], requires_grad=True)
    (two_stages(z).quantized * torch.tensor([[2.0], [3.0]])).sum().backward()
    assert z.grad.tolist() == [[2], [3]]


def test_agrees_with_vector_quantize_pytorch():
    torch.manual_seed(0)
    theirs = ResidualVQ(dim=8, num_quantizers=3, codebook_size=64).eval()
    ours = ResidualQuantizer([EMAVectorQuantizer(64, 8) for _ in range(3)]).eval()
    for stage, layer in zip(ours.stages, theirs.layers, strict=True):
        stage.codebook.copy_(torch.randn(64, 8))
        layer._codebook.embed.data = stage.codebook[None].clone()
    z = torch.randn(2, 100, 8)
    quantized, indices, _ = theirs(z)
    found = ours(z)
    assert torch.equal(found.indices, indices)
    assert torch.allclose(found.quantized, quantized, atol=1e-5)
