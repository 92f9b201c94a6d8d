"""What the priors' networks are made of, each in two forms: seeing all around, or only the rows up to their own.

All maps are (B, C, h, w) in channels_last memory. `by_rows` layers keep this rule: output row i depends on input
rows 0..i alone, over all columns.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.models.blocks import ChannelNorm


class Around(nn.Conv2d):
    """A 3 x 3 convolution; `by_rows` one of 2 x 3 over the row above and its own."""

    def __init__(self, channels: int, by_rows: bool):
        super().__init__(channels, channels, (2, 3) if by_rows else 3, padding=(0, 1) if by_rows else 1)
        self.by_rows = by_rows

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (0, 0, 1, 0)) if self.by_rows else x)


class Block(nn.Module):
    """x + conv1x1(dropout(silu(conv3x3(norm(x)) + label))): a residual block that hears of the class."""

    def __init__(self, channels: int, label_width: int, dropout: float, by_rows: bool):
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.spatial = Around(channels, by_rows)
        self.label = nn.Linear(label_width, channels)
        self.dropout = nn.Dropout2d(dropout)
        self.pointwise = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.pointwise.weight)
        nn.init.zeros_(self.pointwise.bias)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        """x (B, C, h, w), label (B, label_width)."""
        y = self.spatial(self.norm(x)) + self.label(label)[:, :, None, None]
        return x + self.pointwise(self.dropout(F.silu(y)))


class Attention(nn.Module):
    """Self-attention over all positions, or over those of the rows up to their own; added to x."""

    def __init__(self, channels: int, heads: int, by_rows: bool):
        super().__init__()
        self.heads, self.by_rows = heads, by_rows
        self.norm = ChannelNorm(channels)
        self.into = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        flat = self.norm(x).permute(0, 2, 3, 1).reshape(batch, height * width, channels)
        parts = self.into(flat).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mask = None
        if self.by_rows:
            rows = torch.arange(height, device=x.device).repeat_interleave(width)
            mask = rows[None, :] <= rows[:, None]
        found = F.scaled_dot_product_attention(*parts, attn_mask=mask)
        found = self.out(found.transpose(1, 2).flatten(2))
        return x + found.unflatten(1, (height, width)).permute(0, 3, 1, 2)


class Coarser(nn.Conv2d):
    """(B, C, h, w) to (B, out, h/2, w/2): coarse row p sees rows 2p and 2p + 1."""

    def __init__(self, channels: int, out: int):
        super().__init__(channels, out, 2, stride=2)


class Finer(nn.Module):
    """(B, C, h, w) to (B, out, 2h, 2w); `by_rows` one row lower, so that fine row r sees coarse rows whose
    own fine rows end at r or before."""

    def __init__(self, channels: int, out: int, by_rows: bool):
        super().__init__()
        self.spread = nn.Conv2d(channels, 4 * out, 1)
        self.by_rows = by_rows

    def forward(self, x: Tensor) -> Tensor:
        fine = F.pixel_shuffle(self.spread(x), 2)
        return down_by_a_row(fine) if self.by_rows else fine


def down_by_a_row(x: Tensor) -> Tensor:
    """Row i becomes row i + 1; the first row is zeros and the last is dropped."""
    return F.pad(x, (0, 0, 1, -1))
