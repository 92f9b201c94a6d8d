"""An autoencoder around a quantizer: the network that is trained and shipped."""

from typing import NamedTuple

from torch import Tensor, nn

from explorer.models.blocks import decoder, encoder
from explorer.models.config import (
    EMAVectorConfig,
    FiniteScalarConfig,
    GumbelConfig,
    ModelConfig,
    QuantizerConfig,
    VectorConfig,
)
from explorer.quantizers import (
    EMAVectorQuantizer,
    FiniteScalarQuantizer,
    GumbelQuantizer,
    Quantized,
    Quantizer,
    VectorQuantizer,
)


class Pass(NamedTuple):
    """One forward pass: reconstruction (B, 3, H, W), latents (B, h, w, latent_dim), and the quantizer's return."""

    reconstruction: Tensor
    latents: Tensor
    quantized: Quantized


class QuantizedAutoencoder(nn.Module):
    """Pictures (B, 3, H, W) in [0, 1], H and W multiples of 8, through encoder, quantizer and decoder."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.quantizer = build_quantizer(config.quantizer)
        self.encoder = encoder(config.network, self.quantizer.latent_dim)
        self.decoder = decoder(config.network, self.quantizer.dim)

    def forward(self, images: Tensor) -> Pass:
        latents = self.encode(images)
        quantized = self.quantizer(latents)
        return Pass(self.decode(quantized.quantized), latents, quantized)

    def encode(self, images: Tensor) -> Tensor:
        """Channel-last latents (B, h, w, latent_dim)."""
        return self.encoder(images - 0.5).permute(0, 2, 3, 1)

    def decode(self, vectors: Tensor) -> Tensor:
        """Pictures (B, 3, H, W), not clipped, of channel-last vectors (B, h, w, dim)."""
        return self.decoder(vectors.permute(0, 3, 1, 2)) + 0.5


def build_quantizer(config: QuantizerConfig) -> Quantizer:
    match config:
        case VectorConfig():
            return VectorQuantizer(config.size, config.dim)
        case EMAVectorConfig():
            return EMAVectorQuantizer(config.size, config.dim, config.decay)
        case GumbelConfig():
            return GumbelQuantizer(config.size, config.dim, hard=config.hard)
        case FiniteScalarConfig():
            return FiniteScalarQuantizer(config.levels, config.bound)
