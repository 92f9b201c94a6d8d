"""What our networks are made of: convolutions and per-position normalisation, nothing global.

No attention and no statistics across space, so a code reaches a bounded window of pixels and a
picture of any size is coded the same way everywhere. The residual block (3x3, then 1x1) is that of
van den Oord, Vinyals, Kavukcuoglu 2017, arXiv 1711.00937.
"""

import torch.nn.functional as F
from torch import Tensor, nn

PIXELS = 4
"""Side of the squares of pixels that become the channels of one position, at stride 4."""


def last(x: Tensor) -> Tensor:
    """(B, C, h, w) to (B, h, w, C)."""
    return x.permute(0, 2, 3, 1)


def first(x: Tensor) -> Tensor:
    """(B, h, w, C) to (B, C, h, w)."""
    return x.permute(0, 3, 1, 2)


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each position of (B, C, H, W)."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        return first(self.norm(last(x)))


class ResidualBlock(nn.Module):
    """x + conv1x1(silu(conv3x3(norm(x))))."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.spatial = nn.Conv2d(channels, channels, 3, padding=1)
        self.pointwise = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.pointwise(F.silu(self.spatial(self.norm(x))))


def blocks(count: int, channels: int) -> list[ResidualBlock]:
    return [ResidualBlock(channels) for _ in range(count)]


def from_pixels(channels: int) -> list[nn.Module]:
    """Pictures (B, 3, H, W) to (B, channels, H/4, W/4)."""
    return [nn.PixelUnshuffle(PIXELS), nn.Conv2d(3 * PIXELS**2, channels, 3, padding=1)]


def to_pixels(channels: int) -> list[nn.Module]:
    """(B, channels, H/4, W/4) to pictures (B, 3, H, W)."""
    return [
        ChannelNorm(channels),
        nn.Conv2d(channels, 3 * PIXELS**2, 3, padding=1),
        nn.PixelShuffle(PIXELS),
    ]


def to_latents(channels: int, dim: int) -> list[nn.Module]:
    return [ChannelNorm(channels), nn.Conv2d(channels, dim, 1)]


def twice_as_fine(channels: int, out: int) -> list[nn.Module]:
    """(B, channels, h, w) to (B, out, 2h, 2w), position by position."""
    return [nn.Conv2d(channels, out * 4, 1), nn.PixelShuffle(2)]
