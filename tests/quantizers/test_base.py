"""What holds for every quantizer, and that both straight-through estimators give the same gradients."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from explorer.quantizers import (
    EMAVectorQuantizer,
    FiniteScalarQuantizer,
    GumbelQuantizer,
    LookupFreeQuantizer,
    NormalizedVectorQuantizer,
    VectorQuantizer,
    straight_through,
)
from explorer.quantizers.base import straight_through_by_hook

MAKERS = {
    "vector": lambda: spread(VectorQuantizer(256, 8)),
    "vector_ema": lambda: spread(EMAVectorQuantizer(256, 8)),
    "gumbel": lambda: GumbelQuantizer(32, 8),
    "finite_scalar_atanh": lambda: FiniteScalarQuantizer([8, 5, 5], "atanh"),
    "finite_scalar_tan": lambda: FiniteScalarQuantizer([8, 5, 5], "tan"),
    "normalized": lambda: NormalizedVectorQuantizer(256, 8),
    "lookup_free": lambda: LookupFreeQuantizer(8),
}


def spread(quantizer):
    quantizer.codebook.data = torch.randn(quantizer.size, quantizer.dim)
    return quantizer


@pytest.fixture(params=MAKERS)
def quantizer(request):
    torch.manual_seed(0)
    return MAKERS[request.param]().eval()


@pytest.fixture
def z(quantizer):
    return torch.randn(2, 20, 25, quantizer.latent_dim, generator=torch.Generator().manual_seed(1))


def test_shapes_and_types(quantizer, z):
    found = quantizer(z)
    assert found.quantized.shape == (2, 20, 25, quantizer.dim) and found.quantized.dtype == torch.float32
    assert found.indices.shape == (2, 20, 25) and found.indices.dtype == torch.int64
    assert found.indices.min() >= 0 and found.indices.max() < quantizer.size
    assert all(loss.ndim == 0 for loss in found.losses.values())


def test_quantized_is_the_looked_up_vector_to_the_bit(quantizer, z):
    found = quantizer(z)
    assert torch.equal(found.quantized, quantizer.vectors(found.indices))
    assert torch.equal(quantizer.vectors(found.indices[0, 0, 0]), found.quantized[0, 0, 0])


def test_nothing_changes_in_eval_mode(quantizer, z):
    before = {name: tensor.clone() for name, tensor in quantizer.state_dict().items()}
    first, second = quantizer(z), quantizer(z)
    assert torch.equal(first.indices, second.indices)
    assert all(torch.equal(tensor, before[name]) for name, tensor in quantizer.state_dict().items())


def test_arithmetic_is_float32_under_autocast(quantizer, z):
    plain, ranked = quantizer(z), quantizer.rank(z, 3)
    with torch.autocast("cpu", torch.bfloat16):
        cast, ranked_cast = quantizer(z), quantizer.rank(z, 3)
    assert cast.quantized.dtype == torch.float32
    assert torch.equal(plain.indices, cast.indices)
    assert torch.equal(plain.quantized, cast.quantized)
    assert plain.losses == cast.losses
    assert torch.equal(ranked[0], ranked_cast[0]) and torch.equal(ranked[1], ranked_cast[1])


def test_bfloat16_latents_are_quantized_in_float32(quantizer, z):
    low = z.bfloat16()
    found = quantizer(low)
    assert found.quantized.dtype == torch.float32
    assert torch.equal(found.indices, quantizer(low.float()).indices)


def test_gradient_reaches_the_encoder(quantizer, z):
    z.requires_grad_()
    weights = torch.randn(2, 20, 25, quantizer.dim)
    (quantizer.train()(z).quantized * weights).sum().backward()
    assert z.grad.isfinite().all() and (z.grad.abs().sum(-1) > 0).all()


def test_rank_starts_with_the_chosen_code_and_ascends(quantizer, z):
    indices, costs = quantizer.rank(z, 4)
    assert indices.shape == costs.shape == (2, 20, 25, 4)
    assert indices.dtype == torch.int64 and costs.dtype == torch.float32
    assert torch.equal(indices[..., 0], quantizer(z).indices)
    assert (costs.diff(dim=-1) >= 0).all()
    assert (indices.sort(-1).values.diff(dim=-1) > 0).all()


def test_more_ranks_than_codes_gives_all(quantizer, z):
    indices, _ = quantizer.rank(z[:1, :2, :2], quantizer.size + 5)
    assert torch.equal(indices.sort(-1).values, torch.arange(quantizer.size).expand(1, 2, 2, -1))


class Network(nn.Module):
    """A small convolutional VQ-VAE, by either straight-through estimator."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 8, 4, stride=4), nn.SiLU(), nn.Conv2d(8, 4, 1))
        self.quantizer = spread(VectorQuantizer(16, 4))
        self.decoder = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), nn.SiLU(), nn.ConvTranspose2d(8, 3, 4, stride=4))

    def gradients(self, images, by_hook):
        self.zero_grad()
        z = self.encoder(images).permute(0, 2, 3, 1)
        found = self.quantizer(z)
        chosen = self.quantizer.vectors(found.indices)
        losses = found.losses["codebook"] + 0.25 * found.losses["commitment"]
        if by_hook:
            to_decode, second_backward = straight_through_by_hook(z, chosen)
        else:
            to_decode = straight_through(z, chosen)
        loss = F.mse_loss(self.decoder(to_decode.permute(0, 3, 1, 2)), images) + losses
        loss.backward(retain_graph=by_hook)
        if by_hook:
            second_backward()
        return {name: parameter.grad.clone() for name, parameter in self.named_parameters()}


def test_both_straight_through_estimators_give_the_same_gradients():
    torch.manual_seed(0)
    network, images = Network(), torch.rand(2, 3, 32, 32)
    by_detach, by_hook = network.gradients(images, False), network.gradients(images, True)
    assert len(by_detach) == 9
    for name, gradient in by_detach.items():
        assert gradient.abs().max() > 1e-4, name
        assert torch.allclose(gradient, by_hook[name], rtol=0, atol=1e-6), name


def test_straight_through_has_the_value_of_one_and_the_gradient_of_the_other():
    z = (torch.randn(1000, generator=torch.Generator().manual_seed(0)) * 1e3).requires_grad_()
    chosen = torch.linspace(-1e-3, 1e-3, 1000, requires_grad=True)
    passed = straight_through(z, chosen)
    assert torch.equal(passed, chosen)
    (passed * torch.arange(1000)).sum().backward()
    assert torch.equal(z.grad, torch.arange(1000.0)) and chosen.grad is None


def test_the_hook_wants_a_first_backward():
    _, second_backward = straight_through_by_hook(torch.zeros(1, requires_grad=True), torch.ones(1))
    with pytest.raises(RuntimeError, match="backward"):
        second_backward()


def test_the_hook_adds_up_what_arrives_from_several_losses():
    z = torch.zeros(2, requires_grad=True)
    leaf, second_backward = straight_through_by_hook(z, torch.ones(2))
    (3 * leaf).sum().backward()
    (4 * leaf).sum().backward()
    second_backward()
    assert z.grad.tolist() == [7, 7]
