"""The causal prior: every cell given those before it in raster order, all cells in one pass.

The rows above go through the U-Net of `backbone`, causal by rows; the cell's own row through gated convolutions that
see what lies left of it: the vertical and the horizontal stack of the gated PixelCNN (van den Oord et al. 2016,
arXiv 1606.05328). So nothing in sight is blind, and the product over cells is a proper likelihood of the whole grid.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from explorer.models.blocks import ChannelNorm
from explorer.priors.backbone import Backbone
from explorer.priors.blocks import down_by_a_row
from explorer.priors.config import CausalConfig
from explorer.priors.network import PriorNetwork, looked_up

REACH = 3
"""Cells of its row that a convolution sees: its own and those left of it."""


class RowBlock(nn.Module):
    """x + conv1x1(tanh(a) * sigmoid(b)), a and b of the row so far and of the rows above."""

    def __init__(self, channels: int, above: int, label_width: int, dropout: float):
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.spatial = nn.Conv2d(channels, 2 * channels, (1, REACH))
        self.above = nn.Conv2d(above, 2 * channels, 1)
        self.label = nn.Linear(label_width, 2 * channels)
        self.dropout = nn.Dropout2d(dropout)
        self.pointwise = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.pointwise.weight)
        nn.init.zeros_(self.pointwise.bias)

    def forward(self, x: Tensor, above: Tensor, label: Tensor) -> Tensor:
        """x (B, C, h, w), above (B, above, h, w), label (B, label_width)."""
        y = self.spatial(F.pad(self.norm(x), (REACH - 1, 0))) + self.above(above)
        a, b = (y + self.label(label)[:, :, None, None]).chunk(2, 1)
        return x + self.pointwise(self.dropout(a.tanh() * b.sigmoid()))


class CausalNetwork(PriorNetwork):
    """Open cells are those whose probabilities are asked for; every code before a cell is looked at, open or not."""

    def __init__(self, config: CausalConfig, size: int, radices: tuple[int, ...], classes: int):
        backbone, width = config.backbone, config.row_width
        super().__init__(width, size, radices, classes, backbone.label_width)
        channels = backbone.widths[0]
        self.table = nn.Embedding(size, channels)
        self.row_table = nn.Embedding(size, width)
        self.above_place = nn.Conv2d(width, channels, 1)
        self.backbone = Backbone(backbone, by_rows=True)
        self.above_norm = ChannelNorm(channels)
        self.row = nn.ModuleList(
            RowBlock(width, channels, backbone.label_width, backbone.dropout) for _ in range(config.row_blocks)
        )

    def features(self, codes: Tensor, open: Tensor, labels: Tensor, places: Tensor) -> Tensor:
        above = self.above(codes, labels, places)
        return self.along(codes, above, labels, places).permute(0, 2, 3, 1)[open]

    def above(self, codes: Tensor, labels: Tensor, places: Tensor) -> Tensor:
        """What each cell hears of the rows above its own: (B, C, h, w) of codes (B, h, w)."""
        x = down_by_a_row(looked_up(self.table, codes)) + self.above_place(self.placed(places))
        return self.above_norm(self.backbone(x, self.label(labels)))

    def along(self, codes: Tensor, above: Tensor, labels: Tensor, places: Tensor) -> Tensor:
        """Features (B, row_width, h, w) of every cell, of `above` and the codes left of it in its row."""
        x, label = F.pad(looked_up(self.row_table, codes), (1, -1)) + self.placed(places), self.label(labels)
        for block in self.row:
            x = block(x, above, label)
        return x

    def tables(self) -> list[nn.Embedding]:
        return [self.table, self.row_table]
