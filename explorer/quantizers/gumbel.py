"""Gumbel-softmax relaxation of a categorical code, as in DALL-E's dVAE.

Jang, Gu, Poole 2016, "Categorical Reparameterization with Gumbel-Softmax", arXiv 1611.01144;
Ramesh et al. 2021, "Zero-Shot Text-to-Image Generation", arXiv 2102.12092.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.quantizers.base import Quantized, Quantizer


class GumbelQuantizer(Quantizer):
    """The encoder gives K logits per cell; training samples a relaxed one-hot, inference takes the argmax.

    temperature: tau of the relaxation, annealed by the trainer. hard: sample one-hot vectors with
    the relaxed gradient. Loss: "kl" from the cell's distribution to the uniform one, in nats,
    mean over cells.
    """

    def __init__(self, size: int, dim: int, temperature: float = 1.0, hard: bool = False):
        super().__init__()
        self.size, self.dim, self.latent_dim = size, dim, size
        self.temperature, self.hard = temperature, hard
        self.codebook = nn.Parameter(torch.randn(size, dim) / math.sqrt(dim))

    def forward(self, z: Tensor) -> Quantized:
        with torch.autocast(z.device.type, enabled=False):
            logits = z.float()
            indices = logits.argmax(-1)
            log_q = F.log_softmax(logits, -1)
            losses = {"kl": (log_q.exp() * (log_q + math.log(self.size))).sum(-1).mean()}
            if not self.training:
                return Quantized(self.vectors(indices), indices, losses)
            weights = F.gumbel_softmax(logits, tau=self.temperature, hard=self.hard, dim=-1)
            return Quantized(weights @ self.codebook, indices, losses)

    def vectors(self, indices: Tensor) -> Tensor:
        return F.embedding(indices, self.codebook)

    def rank(self, z: Tensor, k: int) -> tuple[Tensor, Tensor]:
        best = F.log_softmax(z.float(), -1).topk(min(k, self.size), -1)
        return best.indices, -best.values
