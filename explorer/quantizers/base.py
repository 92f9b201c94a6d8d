"""What every quantizer is and returns, and the two ways a gradient passes the argmin.

Straight-through: Bengio, Leonard, Courville 2013, arXiv 1308.3432; as used in VQ-VAE: van den Oord,
Vinyals, Kavukcuoglu 2017, arXiv 1711.00937.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

MAX_TABULATED = 2**17
"""Implicit codebooks up to this size may be tabulated to rank codes; larger ones never are."""


@dataclass(frozen=True)
class Quantized:
    """quantized (..., D) float32, carrying the encoder's gradient; indices (...) int64; unweighted loss terms."""

    quantized: Tensor
    indices: Tensor
    losses: Mapping[str, Tensor] = field(default_factory=dict)


class Quantizer(nn.Module):
    """Channel-last latents (..., latent_dim) in, `Quantized` out.

    In eval mode `forward(z).quantized == vectors(forward(z).indices)`. Arithmetic is float32 even
    under autocast: a nearest-code search in bfloat16 picks wrong codes.
    """

    size: int
    """Number of codes, K."""
    dim: int
    """Floats of a code vector, D."""
    latent_dim: int
    """Floats the encoder has to give per cell: D for most, K where they are logits."""

    def forward(self, z: Tensor) -> Quantized:
        raise NotImplementedError

    def vectors(self, indices: Tensor) -> Tensor:
        """Code vectors (..., D) float32 of indices (...) int64."""
        raise NotImplementedError

    def comparable(self, z: Tensor) -> Tensor:
        """Latents (..., D) float32 as they are compared with code vectors."""
        return z.float()

    def rank(self, z: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The k best codes of each latent, best first: (indices (..., k) int64, costs (..., k) float32).

        A cost is a squared distance, or a negative log-probability where latents are logits.
        """
        raise NotImplementedError


def straight_through(z: Tensor, quantized: Tensor) -> Tensor:
    """The value of `quantized` with the gradient of `z`: z + (z_q - z).detach()."""
    # Written so that the value is exactly `quantized`: z + (z_q - z) rounds differently.
    return quantized.detach() + (z - z.detach())


def straight_through_by_hook(z: Tensor, quantized: Tensor) -> tuple[Tensor, Callable[[], None]]:
    """The same gradient by two backward passes: (a fresh leaf to decode, the second backward).

    The leaf starts a new graph, and a hook on it keeps the gradient that arrives from the decoder in
    the first `loss.backward()`. Calling the returned function starts a second backward at z with it.
    If the first loss also reaches the encoder (a commitment term), run it with retain_graph=True.
    """
    leaf = quantized.detach().requires_grad_()
    arrived: list[Tensor] = []
    leaf.register_hook(arrived.append)

    def second_backward() -> None:
        if not arrived:
            raise RuntimeError("No gradient has arrived yet: call loss.backward() on the decoder's loss first.")
        z.backward(torch.stack(arrived).sum(0))

    return leaf, second_backward
