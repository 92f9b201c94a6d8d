"""VectorQuantizer against losses and gradients by hand, and against vector-quantize-pytorch."""

import pytest
import torch
from vector_quantize_pytorch import VectorQuantize

from explorer.quantizers import VectorQuantizer


@pytest.fixture
def two_codes():
    quantizer = VectorQuantizer(2, 2)
    quantizer.codebook.data = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    return quantizer


@pytest.fixture
def z():
    return torch.tensor([[0.2, 0.4], [0.9, 0.5]], requires_grad=True)


def test_codes_and_losses_by_hand(two_codes, z):
    found = two_codes(z)
    assert found.indices.tolist() == [0, 1]
    expected = (0.04 + 0.16 + 0.01 + 0.25) / 4
    assert found.losses["codebook"].item() == pytest.approx(expected)
    assert found.losses["commitment"].item() == pytest.approx(expected)
    assert set(found.losses) == {"codebook", "commitment"}


def test_the_codebook_loss_moves_the_codebook_alone(two_codes, z):
    two_codes(z).losses["codebook"].backward()
    assert torch.allclose(two_codes.codebook.grad, torch.tensor([[-0.1, -0.2], [0.05, 0.25]]))
    assert z.grad is None


def test_the_commitment_loss_moves_the_encoder_alone(two_codes, z):
    two_codes(z).losses["commitment"].backward()
    assert torch.allclose(z.grad, torch.tensor([[0.1, 0.2], [-0.05, -0.25]]))
    assert two_codes.codebook.grad is None


def test_the_decoder_moves_the_encoder_alone(two_codes, z):
    (two_codes(z).quantized * torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    assert z.grad.tolist() == [[1, 2], [3, 4]]
    assert two_codes.codebook.grad is None


def test_starts_uniform_within_one_over_k():
    codebook = VectorQuantizer(50, 40).codebook
    assert codebook.abs().max() <= 1 / 50 and codebook.std().item() == pytest.approx(1 / 50 / 3**0.5, rel=0.1)


def test_agrees_with_vector_quantize_pytorch():
    torch.manual_seed(0)
    ours, z = VectorQuantizer(128, 8), torch.randn(4, 100, 8)
    ours.codebook.data = torch.randn(128, 8)
    theirs = VectorQuantize(
        8, 128, use_cosine_sim=False, learnable_codebook=True, ema_update=False, rotation_trick=False
    )
    theirs._codebook.embed.data = ours.codebook.data[None].clone()
    quantized, indices, loss = theirs.train()(z)
    found = ours(z)
    assert torch.equal(found.indices, indices)
    assert torch.allclose(found.quantized, quantized, atol=1e-6)
    # Their loss is codebook and commitment terms with weight 1 on one tensor, so its gradient is ours for the codebook.
    assert loss.item() == pytest.approx(found.losses["commitment"].item(), rel=1e-5)
    loss.sum().backward()
    found.losses["codebook"].backward()
    assert torch.allclose(ours.codebook.grad, theirs._codebook.embed.grad[0], atol=1e-7)


def test_reseat_moves_the_named_codes_alone(two_codes):
    two_codes.reseat(torch.tensor([1]), torch.tensor([[5.0, 6.0]]))
    assert two_codes.codebook.tolist() == [[0, 0], [5, 6]]
