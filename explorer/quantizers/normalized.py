"""Vector quantization on the unit sphere: few dimensions, code vectors and encoder outputs l2-normalised.

Yu, Li, Koh, Zhang, Pang, Qin, Ku, Xu, Baldridge, Wu 2021, "Vector-quantized Image Modeling with
Improved VQGAN", arXiv 2110.04627.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.quantizers.base import Quantized, Quantizer
from explorer.quantizers.nearest import nearest_k
from explorer.quantizers.vector import nearest_with_losses


class NormalizedVectorQuantizer(Quantizer):
    """The code vector of the smallest angle, from a learned K x D codebook; code vectors have length 1.

    Losses, both between unit vectors: "codebook" |sg(z) - e|^2 and "commitment" |z - sg(e)|^2.
    """

    def __init__(self, size: int, dim: int):
        super().__init__()
        self.size, self.dim, self.latent_dim = size, dim, dim
        self.codebook = nn.Parameter(F.normalize(torch.randn(size, dim), dim=-1))

    def forward(self, z: Tensor) -> Quantized:
        with torch.autocast(z.device.type, enabled=False):
            return nearest_with_losses(self.comparable(z), self._unit())

    def vectors(self, indices: Tensor) -> Tensor:
        return F.embedding(indices, self._unit())

    def comparable(self, z: Tensor) -> Tensor:
        return F.normalize(z.float(), dim=-1)

    def rank(self, z: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Costs are squared distances on the sphere: 2 - 2 cos of the angle."""
        indices, distances = nearest_k(self.comparable(z).reshape(-1, self.dim), self._unit(), k)
        return indices.reshape(*z.shape[:-1], -1), distances.reshape(*z.shape[:-1], -1)

    @torch.no_grad()
    def reseat(self, codes: Tensor, vectors: Tensor) -> None:
        """Turn some code vectors elsewhere, to the directions of `vectors`; for the trainer's start and revival."""
        self.codebook[codes] = F.normalize(vectors.to(self.codebook), dim=-1)

    def _unit(self) -> Tensor:
        return F.normalize(self.codebook, dim=-1)
