"""A strictly local encoder and decoder: convolutions and per-position normalisation, nothing global.

No attention and no statistics across space, so a code reaches a bounded window of pixels and a
picture of any size is coded the same way everywhere. The residual block (3x3, then 1x1) is that of
van den Oord, Vinyals, Kavukcuoglu 2017, arXiv 1711.00937.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from explorer.models.config import NetworkConfig


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each position of (B, C, H, W)."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ResidualBlock(nn.Module):
    """x + conv1x1(silu(conv3x3(norm(x))))."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.spatial = nn.Conv2d(channels, channels, 3, padding=1)
        self.pointwise = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.pointwise(F.silu(self.spatial(self.norm(x))))


def encoder(config: NetworkConfig, latent_dim: int) -> nn.Sequential:
    """Pictures (B, 3, H, W) in [0, 1] to latents (B, latent_dim, H/8, W/8)."""
    narrow, wide = config.width_f4, config.width_f8
    return nn.Sequential(
        nn.PixelUnshuffle(4),
        nn.Conv2d(48, narrow, 3, padding=1),
        *(ResidualBlock(narrow) for _ in range(config.encoder_f4)),
        nn.Conv2d(narrow, wide, 2, stride=2),
        *(ResidualBlock(wide) for _ in range(config.encoder_f8)),
        ChannelNorm(wide),
        nn.Conv2d(wide, latent_dim, 1),
    )


def decoder(config: NetworkConfig, dim: int) -> nn.Sequential:
    """Code vectors (B, dim, h, w) to pictures (B, 3, 8h, 8w), nominally in [0, 1]."""
    narrow, wide = config.width_f4, config.width_f8
    return nn.Sequential(
        nn.Conv2d(dim, wide, 3, padding=1),
        *(ResidualBlock(wide) for _ in range(config.decoder_f8)),
        nn.Conv2d(wide, narrow * 4, 1),
        nn.PixelShuffle(2),
        *(ResidualBlock(narrow) for _ in range(config.decoder_f4)),
        ChannelNorm(narrow),
        nn.Conv2d(narrow, 48, 3, padding=1),
        nn.PixelShuffle(4),
    )


def decoder_reach(config: NetworkConfig) -> int:
    """Pixels beyond its own cell that one code can change: every 3x3 reaches one position further.

    At stride 8: the first convolution and the blocks; at stride 4: the blocks and the last convolution.
    """
    return 8 * (1 + config.decoder_f8) + 4 * (config.decoder_f4 + 1)
