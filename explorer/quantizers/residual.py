"""Residual quantization: every stage codes what the stages before it left over.

Zeghidour, Luebs, Omran, Skoglund, Tagliasacchi 2021, "SoundStream", arXiv 2107.03312; for pictures:
Lee, Kim, Kim, Cho, Han 2022, "Autoregressive Image Generation using Residual Quantization",
arXiv 2203.01941.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from explorer.quantizers.base import Quantized, Quantizer, straight_through


class ResidualQuantizer(nn.Module):
    """A stack of quantizers of one dimension; the quantized vector is the sum of the stages' code vectors.

    As a `Quantizer`, but with an index per stage: indices (..., stages). Losses are means over stages.
    """

    def __init__(self, stages: Sequence[Quantizer]):
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.dim = self.latent_dim = stages[0].dim

    def forward(self, z: Tensor) -> Quantized:
        with torch.autocast(z.device.type, enabled=False):
            z = z.float()
            rest, found = z, []
            for stage in self.stages:
                found.append(stage(rest))
                # The gradient passes once, at the end; a stage's loss reaches the encoder through its own rest.
                rest = rest - found[-1].quantized.detach()
            chosen = torch.stack([stage.quantized.detach() for stage in found]).sum(0)
            losses = {name: torch.stack([stage.losses[name] for stage in found]).mean() for name in found[0].losses}
            indices = torch.stack([stage.indices for stage in found], -1)
            return Quantized(straight_through(z, chosen), indices, losses)

    def vectors(self, indices: Tensor) -> Tensor:
        """Code vectors (..., D) float32 of indices (..., stages) int64; fewer stages are summed as they come."""
        parts = [stage.vectors(index) for stage, index in zip(self.stages, indices.unbind(-1), strict=False)]
        return torch.stack(parts).sum(0)

    def rests(self, z: Tensor, indices: Tensor) -> list[Tensor]:
        """What each stage was given to code, (..., D): the latents less the code vectors of the stages before."""
        rests = [z.float()]
        for stage, index in zip(self.stages[:-1], indices.unbind(-1), strict=False):
            rests.append(rests[-1] - stage.vectors(index))
        return rests
