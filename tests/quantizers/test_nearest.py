"""The tiled search finds what a plain float64 search finds."""

import pytest
import torch

from explorer.quantizers import nearest as module
from explorer.quantizers.nearest import nearest, nearest_k


def brute(z, codebook):
    """Squared distances (N, K) in float64."""
    return (z.double()[:, None] - codebook.double()[None]).square().sum(-1)


def draw(rows, size, dim, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, dim, generator=generator), torch.randn(size, dim, generator=generator)


@pytest.fixture(params=["one tile", "many tiles"])
def tiles(request, monkeypatch):
    """Also with tiles so small that neither rows nor codes divide evenly into them."""
    if request.param == "many tiles":
        monkeypatch.setattr(module, "TILE_CODES", 2 * module.BLOCK)
        monkeypatch.setattr(module, "CHUNK_FLOATS", 7 * 2 * module.BLOCK)


@pytest.mark.parametrize(("rows", "size", "dim"), [(1, 1, 1), (8, 1, 3), (1000, 64, 8), (333, 300, 2), (50, 1000, 32)])
def test_nearest_is_exact(rows, size, dim, tiles):
    z, codebook = draw(rows, size, dim)
    found = nearest(z, codebook)
    assert found.shape == (rows,) and found.dtype == torch.int64
    assert torch.equal(found, brute(z, codebook).argmin(1))


@pytest.mark.parametrize(
    ("rows", "size", "dim", "k"), [(1, 1, 1, 1), (100, 7, 3, 7), (333, 300, 8, 5), (20, 700, 2, 400)]
)
def test_nearest_k_is_exact_and_ascends(rows, size, dim, k, tiles):
    z, codebook = draw(rows, size, dim)
    indices, distances = nearest_k(z, codebook, k)
    expected = brute(z, codebook).sort(1)
    assert torch.equal(indices, expected.indices[:, :k])
    assert torch.allclose(distances.double(), expected.values[:, :k], rtol=1e-5, atol=1e-6)
    assert (distances.diff(dim=1) >= 0).all()


def test_the_first_of_equals_is_taken(tiles):
    codebook = torch.tensor([[5.0], [1.0], [3.0]]).repeat(300, 1)
    assert nearest(torch.tensor([[0.0], [3.0], [9.0]]), codebook).tolist() == [1, 2, 0]


def test_latents_that_are_not_finite_still_get_a_code(tiles):
    z = torch.tensor([[float("nan"), 0.0], [float("inf"), 0.0], [0.0, float("-inf")]])
    for found in (nearest(z, draw(0, 300, 2)[1]), nearest_k(z, draw(0, 300, 2)[1], 3)[0]):
        assert found.min() >= 0 and found.max() < 300


def test_more_than_there_are_gives_all():
    z, codebook = draw(5, 3, 2)
    indices, distances = nearest_k(z, codebook, 10)
    assert indices.shape == distances.shape == (5, 3)
    assert indices.sort(1).values.tolist() == [[0, 1, 2]] * 5


def test_a_distance_of_zero_is_zero():
    _, codebook = draw(0, 50, 16)
    codebook = codebook + 100  # far out, where the expanded square loses its digits
    indices, distances = nearest_k(codebook, codebook, 2)
    assert torch.equal(indices[:, 0], torch.arange(50)) and (distances[:, 0] == 0).all()


def test_half_precision_inputs_are_searched_in_float32():
    z, codebook = draw(2000, 256, 16)
    z = z.bfloat16()
    assert torch.equal(nearest(z, codebook), brute(z, codebook).argmin(1))
