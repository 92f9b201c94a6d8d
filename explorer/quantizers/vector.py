"""Vector quantization with a codebook loss and a commitment loss.

van den Oord, Vinyals, Kavukcuoglu 2017, "Neural Discrete Representation Learning", arXiv 1711.00937.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.quantizers.base import Quantized, Quantizer, straight_through
from explorer.quantizers.nearest import nearest, nearest_k


class VectorQuantizer(Quantizer):
    """Nearest code vector of a learned K x D codebook, started uniform in (-1/K, 1/K).

    Losses: "codebook" |sg(z) - e|^2 pulls code vectors to the encoder, "commitment" |z - sg(e)|^2
    keeps the encoder near them. The paper's beta (0.25) multiplies the commitment term.
    """

    def __init__(self, size: int, dim: int):
        super().__init__()
        self.size, self.dim, self.latent_dim = size, dim, dim
        self.codebook = nn.Parameter(torch.empty(size, dim).uniform_(-1 / size, 1 / size))

    def forward(self, z: Tensor) -> Quantized:
        with torch.autocast(z.device.type, enabled=False):
            return nearest_with_losses(z.float(), self.codebook)

    def vectors(self, indices: Tensor) -> Tensor:
        return F.embedding(indices, self.codebook)

    def rank(self, z: Tensor, k: int) -> tuple[Tensor, Tensor]:
        indices, distances = nearest_k(z.reshape(-1, self.dim), self.codebook, k)
        return indices.reshape(*z.shape[:-1], -1), distances.reshape(*z.shape[:-1], -1)

    @torch.no_grad()
    def reseat(self, codes: Tensor, vectors: Tensor) -> None:
        """Move some code vectors elsewhere; for the trainer's start and revival."""
        self.codebook[codes] = vectors.to(self.codebook)


def nearest_with_losses(z: Tensor, codebook: Tensor) -> Quantized:
    """The rows of codebook (K, D) nearest to z (..., D), straight through, with the terms of both sides."""
    indices = nearest(z.reshape(-1, z.shape[-1]), codebook).reshape(z.shape[:-1])
    chosen = F.embedding(indices, codebook)
    losses = {
        "codebook": F.mse_loss(chosen, z.detach()),
        "commitment": F.mse_loss(z, chosen.detach()),
    }
    return Quantized(straight_through(z, chosen), indices, losses)
