"""Lookup-free quantization: the sign of every channel, with an entropy term in place of a codebook.

Yu et al. 2023, "Language Model Beats Diffusion: Tokenizer is Key to Visual Generation" (MAGVIT-v2),
arXiv 2310.05737.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, distributed

from explorer.quantizers.base import MAX_TABULATED, Quantized, Quantizer, straight_through


class LookupFreeQuantizer(Quantizer):
    """Each of `bits` channels becomes -1 or 1; the index is a binary number, first channel lowest bit.

    Losses: "commitment" |z - sg(q)|^2; and in nats, of the soft assignment softmax(-|z - c|^2 / temperature)
    over all codes c, "cell_entropy", its mean entropy (low: every cell is sure), and
    "codebook_entropy", minus the entropy of its mean (low: all codes are used).
    """

    def __init__(self, bits: int, temperature: float = 1.0):
        super().__init__()
        self.size, self.dim, self.latent_dim, self.temperature = 2**bits, bits, bits, temperature
        self.register_buffer("places", 2 ** torch.arange(bits), persistent=False)

    def forward(self, z: Tensor) -> Quantized:
        with torch.autocast(z.device.type, enabled=False):
            z = z.float()
            above = z > 0
            indices = (above * self.places).sum(-1)
            chosen = above.float() * 2 - 1
            losses = {"commitment": F.mse_loss(z, chosen), **self._entropies(z.reshape(-1, self.dim))}
            return Quantized(straight_through(z, chosen), indices, losses)

    def vectors(self, indices: Tensor) -> Tensor:
        return (indices[..., None] // self.places % 2).float() * 2 - 1

    def rank(self, z: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Costs are squared distances to the corners of the cube.

        No table of codes: flipping bit i of the nearest code costs 4 |z_i|, and the k best sets of flips only
        use the k - 1 cheapest bits.
        """
        cells = z.float().reshape(-1, self.dim)
        bits = min(self.dim, max(k - 1, 0))
        if 2**bits > MAX_TABULATED:
            raise ValueError(f"At most {int(math.log2(MAX_TABULATED)) + 1} of {self.size:,} codes are ranked, not {k}.")
        prices, cheap = (4 * cells.abs()).topk(bits, -1, largest=False)
        sets = (torch.arange(2**bits, device=z.device)[:, None] >> torch.arange(bits, device=z.device)) & 1
        with torch.autocast(z.device.type, enabled=False):
            extra, chosen = (prices @ sets.float().t()).topk(min(k, 2**bits), -1, largest=False)
        nearest = cells > 0
        # bits that are set turn off, others on: the index changes by the place value, one way or the other
        change = torch.where(nearest, -self.places, self.places).gather(1, cheap)
        indices = (nearest * self.places).sum(-1, keepdim=True) + (sets[chosen] * change[:, None]).sum(-1)
        distances = (cells.abs() - 1).square().sum(-1, keepdim=True) + extra
        return indices.reshape(*z.shape[:-1], -1), distances.reshape(*z.shape[:-1], -1)

    def _entropies(self, z: Tensor) -> dict[str, Tensor]:
        # |z - c|^2 is a sum over channels, so the softmax over codes is a product of one sigmoid per bit.
        logits = 4 * z / self.temperature
        p = torch.sigmoid(logits)
        per_bit = p * F.softplus(-logits) + (1 - p) * F.softplus(logits)
        # The mean of a product needs all codes, but as (codes of one half of the bits) x (codes of the other).
        low, high = (_products(half) for half in (p[:, : self.dim // 2], p[:, self.dim // 2 :]))
        mean = _over_processes((low.t() @ high / len(z)).reshape(-1))
        return {
            "cell_entropy": per_bit.sum(-1).mean(),
            "codebook_entropy": torch.xlogy(mean, mean.clamp_min(1e-12)).sum(),
        }


def _over_processes(mean: Tensor) -> Tensor:
    """The mean over the cells of all processes, each of which has as many; gradients reach the cells of all."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return mean
    from torch.distributed.nn.functional import all_reduce  # not there in a torch without distributed

    return all_reduce(mean) / distributed.get_world_size()


def _products(p: Tensor) -> Tensor:
    """Probabilities (N, 2^b) of all settings of b independent bits that are 1 with probability p (N, b)."""
    table = p.new_ones(len(p), 1)
    for bit in p.unbind(1):
        table = torch.cat([table * (1 - bit[:, None]), table * bit[:, None]], 1)
    return table
