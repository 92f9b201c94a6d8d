"""The U-Net that both priors share: Ronneberger, Fischer, Brox 2015 (arXiv 1505.04597), here over a grid of codes.

Convolutions at the fine resolutions cost little and learn local texture; attention at the coarsest one sees the whole
grid. Made of `by_rows` layers it is causal by rows, as PixelCNN++ (Salimans et al. 2017, arXiv 1701.05517) is with its
shifted, strided convolutions: then output row i depends on input rows 0..i alone.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.priors.blocks import Attention, Block, Coarser, Finer
from explorer.priors.config import BackboneConfig


class Backbone(nn.Module):
    """(B, C, h, w) to (B, C, h, w) with C = widths[0], given the class; any h and w."""

    def __init__(self, config: BackboneConfig, by_rows: bool):
        super().__init__()
        widths, levels = config.widths, len(config.widths)

        def blocks(count: int, channels: int) -> nn.ModuleList:
            found = (Block(channels, config.label_width, config.dropout, by_rows) for _ in range(count))
            return nn.ModuleList(found)

        self.down = nn.ModuleList(blocks(config.down[i], widths[i]) for i in range(levels))
        self.coarser = nn.ModuleList(Coarser(widths[i], widths[i + 1]) for i in range(levels - 1))
        self.attention = nn.ModuleList(Attention(widths[-1], config.heads, by_rows) for _ in range(config.down[-1]))
        self.finer = nn.ModuleList(Finer(widths[i + 1], widths[i], by_rows) for i in range(levels - 1))
        self.up = nn.ModuleList(blocks(config.up[i], widths[i]) for i in range(levels - 1))
        self.multiple = 2 ** (levels - 1)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        """x (B, C, h, w), label (B, label_width)."""
        height, width = x.shape[2:]
        x = F.pad(x, (0, -width % self.multiple, 0, -height % self.multiple))
        kept: list[Tensor] = []
        for level, coarser in enumerate(self.coarser):
            for block in self.down[level]:
                x = block(x, label)
            kept.append(x)
            x = coarser(x)
        for attention, block in zip(self.attention, self.down[-1], strict=True):
            x = block(attention(x), label)
        for level in reversed(range(len(self.finer))):
            x = kept.pop() + self.finer[level](x)
            for block in self.up[level]:
                x = block(x, label)
        return x[:, :, :height, :width].contiguous(memory_format=torch.channels_last)
