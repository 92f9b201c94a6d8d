"""What the trainer does about dead codes: a start on data, and moving dead code vectors onto encoder outputs.

Random restart: Dhariwal et al. 2020, "Jukebox", arXiv 2005.00341; data-dependent start: Lancucki et
al. 2020, "Robust Training of Vector Quantized Bottleneck Models", arXiv 2005.08520. Every draw
depends on (seed, step) alone and is made over the encoder outputs of all processes.
"""

import torch
from torch import Tensor, distributed

from explorer.quantizers import EMAVectorQuantizer, NormalizedVectorQuantizer, VectorQuantizer
from explorer.training.config import RevivalConfig

LearnedQuantizer = VectorQuantizer | EMAVectorQuantizer | NormalizedVectorQuantizer


def start_on_data(quantizer: LearnedQuantizer, latents: Tensor, seed: int) -> None:
    """Place every code vector on an encoder output of the first batch, with a little noise where they run out."""
    rows = _gathered(latents)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(rows), generator=generator).repeat(-(-quantizer.size // len(rows)))[: quantizer.size]
    noise = torch.randn(quantizer.size, quantizer.dim, generator=generator).to(rows) * rows.std(0) * 0.01
    quantizer.reseat(torch.arange(quantizer.size, device=rows.device), rows[order.to(rows.device)] + noise)


class Revival:
    """Every few steps, moves codes chosen less often than `below` of the average onto encoder outputs."""

    def __init__(self, config: RevivalConfig, steps: int):
        self.config, self.last = config, int(config.until * steps)

    def __call__(self, quantizer: EMAVectorQuantizer, latents: Tensor, step: int, seed: int) -> int:
        """Number of codes moved at this step."""
        if step == 0 or step % self.config.every or step > self.last:
            return 0
        drawn = seed * 1_000_003 + step
        return len(move_dead(quantizer, quantizer.cluster_size, _gathered(latents), self.config.below, drawn))


def move_dead(quantizer: LearnedQuantizer, uses: Tensor, rows: Tensor, below: float, seed: int) -> Tensor:
    """Move codes whose uses (K,) are less than `below` of the average onto encoder outputs (N, D); which codes."""
    dead = (uses < below * uses.mean()).nonzero().flatten()[: len(rows)]
    chosen = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[: len(dead)]
    quantizer.reseat(dead, rows[chosen.to(rows.device)])
    return dead


def _gathered(latents: Tensor) -> Tensor:
    """The encoder outputs (N, D) of all processes, in the order one process would have them."""
    rows = latents.detach().float().reshape(-1, latents.shape[-1])
    if not (distributed.is_available() and distributed.is_initialized()):
        return rows
    parts = [torch.empty_like(rows) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, rows.contiguous())
    return torch.cat(parts)
