"""FiniteScalarQuantizer: both bounds recomputed in numpy and by hand, and against vector-quantize-pytorch."""

import itertools
import math

import numpy as np
import pytest
import torch
from vector_quantize_pytorch import FSQ

from explorer.quantizers import FiniteScalarQuantizer

LEVELS = [[8, 5, 5, 5], [8, 6, 5], [5, 3], [8, 8, 8]]


def normal(rows, dim, seed=0):
    return torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed))


def bounded(z, levels, bound):
    """The bound in float64, before rounding, from the formulas as published."""
    levels, eps = np.asarray(levels), 1e-3
    offset = np.where(levels % 2 == 1, 0.0, 0.5)
    half = (levels - 1) * ((1 - eps) if bound == "tan" else (1 + eps)) / 2
    shift = np.tan(offset / half) if bound == "tan" else np.arctanh(offset / half)
    return np.tanh(np.asarray(z, np.float64) + shift) * half - offset


@pytest.mark.parametrize("levels", LEVELS)
def test_atanh_agrees_with_vector_quantize_pytorch(levels):
    z = normal(4000, len(levels)).reshape(4, 1000, -1)
    z[:, ::2] *= 3
    theirs, found = FSQ(levels).eval(), FiniteScalarQuantizer(levels, "atanh").eval()(z)
    quantized, indices = theirs(z)
    assert torch.equal(found.indices, indices.long())
    assert torch.allclose(found.quantized, quantized, atol=1e-6)
    every = torch.arange(math.prod(levels))
    assert torch.allclose(FiniteScalarQuantizer(levels).vectors(every), theirs.implicit_codebook, atol=1e-6)


@pytest.mark.parametrize("levels", LEVELS)
def test_gradient_agrees_with_vector_quantize_pytorch(levels):
    z = normal(200, len(levels))
    ours, theirs = z.clone().requires_grad_(), z.clone().requires_grad_()
    weights = normal(200, len(levels), seed=1)
    (FiniteScalarQuantizer(levels)(ours).quantized * weights).sum().backward()
    (FSQ(levels)(theirs[None])[0][0] * weights).sum().backward()
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-6)


@pytest.mark.parametrize("bound", ["tan", "atanh"])
@pytest.mark.parametrize("levels", [*LEVELS, [2, 3, 4, 7]])
def test_both_bounds_recomputed_in_numpy(levels, bound):
    z = normal(4000, len(levels)) * 2
    quantizer = FiniteScalarQuantizer(levels, bound)
    expected = bounded(z, levels, bound)
    assert np.allclose(quantizer.bound(z, quantizer.levels), expected, atol=1e-5)
    clear = (np.abs(expected % 1 - 0.5) > 1e-4).all(-1)  # not on the edge between two codes
    digits = np.rint(expected) + np.asarray(levels) // 2
    places = np.cumprod([1, *levels[:-1]])
    assert clear.mean() > 0.99
    assert np.array_equal(quantizer(z).indices.numpy()[clear], (digits @ places)[clear])


@pytest.mark.parametrize(
    ("levels", "bound", "z", "digits"),
    [
        (3, "atanh", [-9, -0.56, -0.54, 0, 0.54, 0.56, 9], [0, 0, 1, 1, 1, 2, 2]),
        (3, "tan", [-9, -0.56, -0.54, 0, 0.54, 0.56, 9], [0, 0, 1, 1, 1, 2, 2]),
        (3, "atanh", [0.549], [2]),  # the edge is at artanh(0.5 / 1.001) = 0.5480
        (3, "tan", [0.549], [1]),  # the edge is at artanh(0.5 / 0.999) = 0.5506
        (2, "atanh", [-9, -3.85, -3.75, 0, 9], [0, 0, 1, 1, 1]),  # the edge is at -artanh(0.5 / 0.5005) = -3.80
        (2, "tan", [-9, -1.6, -1.5, 0, 9], [0, 0, 1, 1, 1]),  # the edge is at -tan(0.5 / 0.4995) = -1.56
    ],
)
def test_digits_by_hand(levels, bound, z, digits):
    found = FiniteScalarQuantizer([levels], bound)(torch.tensor(z, dtype=torch.float32)[:, None])
    assert found.indices.tolist() == digits
    assert found.quantized.flatten().tolist() == [digit - 1 for digit in digits]


def test_first_channel_is_the_fastest():
    quantizer = FiniteScalarQuantizer([8, 5, 5, 5])
    assert quantizer.vectors(torch.tensor([0, 1, 8, 40, 200, 999])).tolist() == [
        [-1, -1, -1, -1],
        [-0.75, -1, -1, -1],
        [-1, -0.5, -1, -1],
        [-1, -1, -0.5, -1],
        [-1, -1, -1, -0.5],
        [0.75, 1, 1, 1],
    ]


@pytest.mark.parametrize("levels", [[8, 5, 5, 5], [8, 6, 5], [8, 8, 8]])
def test_the_two_bounds_disagree_on_a_few_codes(levels):
    z = normal(100_000, len(levels))
    first, second = (FiniteScalarQuantizer(levels, bound)(z).indices for bound in ("tan", "atanh"))
    assert 0.005 < (first != second).float().mean().item() < 0.03


@pytest.mark.parametrize("bound", ["tan", "atanh"])
@pytest.mark.parametrize("levels", [[8, 5, 5, 5], [8, 6, 5], [5, 3], [2, 2, 4, 7]])
def test_every_code_is_reached(levels, bound):
    sweep = torch.linspace(-9, 9, 2001)
    sources = []
    for count in levels:
        digits = FiniteScalarQuantizer([count], bound)(sweep[:, None]).indices
        assert (digits.diff() >= 0).all()
        sources.append([sweep[digits == digit].median() for digit in range(count)])
    z = torch.tensor([list(reversed(row)) for row in itertools.product(*reversed(sources))])
    assert torch.equal(FiniteScalarQuantizer(levels, bound)(z).indices, torch.arange(math.prod(levels)))


@pytest.mark.parametrize("bound", ["tan", "atanh"])
def test_no_digit_is_ever_out_of_range(bound):
    for count in range(2, 65):
        z = torch.tensor([[-1e4], [-50.0], [-5.0], [5.0], [50.0], [1e4]])
        found = FiniteScalarQuantizer([count], bound).eval()(z)
        assert found.indices[0] == 0 and found.indices[-1] == count - 1
        assert found.indices.min() >= 0 and found.indices.max() < count
        assert found.quantized.abs().max() <= 1


@pytest.mark.parametrize("bound", ["tan", "atanh"])
def test_rank_against_a_plain_search(bound):
    levels, z = [8, 6, 5], normal(300, 3)
    indices, costs = FiniteScalarQuantizer(levels, bound).rank(z, 6)
    # Every code's place before scaling, first channel fastest.
    table = np.array([row[::-1] for row in itertools.product(*(range(count) for count in reversed(levels)))])
    table = table - np.asarray(levels) // 2
    distances = np.square(bounded(z, levels, bound)[:, None] - table).sum(-1)
    assert np.allclose(costs, np.sort(distances, 1)[:, :6], atol=1e-5)
    assert np.allclose(np.take_along_axis(distances, indices.numpy(), 1), costs, atol=1e-5)


def test_a_huge_book_is_never_tabulated():
    quantizer = FiniteScalarQuantizer([2] * 18)
    with pytest.raises(ValueError, match="262,144 implicit codes"):
        quantizer.rank(torch.zeros(1, 18), 2)
    assert quantizer(torch.full((1, 18), 9.0)).indices.item() == 2**18 - 1


def test_no_losses_and_no_weights():
    quantizer = FiniteScalarQuantizer([5, 3])
    assert quantizer(torch.zeros(1, 2)).losses == {}
    assert not list(quantizer.parameters()) and not quantizer.state_dict()


def test_unknown_bound_is_an_error():
    with pytest.raises(KeyError, match="sigmoid"):
        FiniteScalarQuantizer([5, 3], "sigmoid")
