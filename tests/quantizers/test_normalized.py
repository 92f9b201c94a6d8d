"""NormalizedVectorQuantizer by hand and against vector-quantize-pytorch's cosine similarity."""

import pytest
import torch
from vector_quantize_pytorch import VectorQuantize

from explorer.quantizers import NormalizedVectorQuantizer


@pytest.fixture
def two_codes():
    quantizer = NormalizedVectorQuantizer(2, 2)
    quantizer.codebook.data = torch.tensor([[5.0, 0.0], [0.0, 0.1]])
    return quantizer


def test_only_the_direction_counts(two_codes):
    z = torch.tensor([[0.1, 0.09], [7.0, 8.0]])
    found = two_codes.eval()(z)
    assert found.indices.tolist() == [0, 1]
    assert found.quantized.tolist() == [[1, 0], [0, 1]]
    assert torch.equal(two_codes(100 * z).indices, found.indices)


def test_losses_are_squared_distances_of_unit_vectors(two_codes):
    found = two_codes(torch.tensor([[3.0, 4.0]]))
    assert found.indices.tolist() == [1]
    expected = (0.6**2 + 0.2**2) / 2
    assert found.losses["codebook"].item() == pytest.approx(expected)
    assert found.losses["commitment"].item() == pytest.approx(expected)


def test_each_loss_moves_its_own_side(two_codes):
    z = torch.tensor([[3.0, 4.0]], requires_grad=True)
    two_codes(z).losses["codebook"].backward()
    assert z.grad is None and two_codes.codebook.grad[1].abs().max() > 0 and (two_codes.codebook.grad[0] == 0).all()
    two_codes.codebook.grad = None
    two_codes(z).losses["commitment"].backward()
    assert z.grad.abs().max() > 0 and two_codes.codebook.grad is None


def test_agrees_with_vector_quantize_pytorch():
    torch.manual_seed(0)
    ours, z = NormalizedVectorQuantizer(128, 8).eval(), torch.randn(4, 100, 8)
    theirs = VectorQuantize(8, 128, use_cosine_sim=True).eval()
    theirs._codebook.embed.data = ours.codebook.data[None].clone()
    quantized, indices, _ = theirs(z)
    found = ours(z)
    assert torch.equal(found.indices, indices)
    assert torch.allclose(found.quantized, quantized, atol=1e-6)


def test_codes_are_turned_to_other_directions(two_codes):
    two_codes.reseat(torch.tensor([1]), torch.tensor([[0.0, -9.0]]))
    assert two_codes.vectors(torch.tensor([0, 1])).tolist() == [[1, 0], [0, -1]]
