"""The networks that are trained and shipped: what all have in common, and the one with a single grid."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from explorer.models.blocks import blocks, first, from_pixels, last, to_latents, to_pixels, twice_as_fine
from explorer.models.config import (
    EMAVectorConfig,
    FiniteScalarConfig,
    GumbelConfig,
    LookupFreeConfig,
    NormalizedVectorConfig,
    OneGridConfig,
    QuantizerConfig,
    ResidualConfig,
    VectorConfig,
)
from explorer.quantizers import (
    EMAVectorQuantizer,
    FiniteScalarQuantizer,
    GumbelQuantizer,
    LookupFreeQuantizer,
    NormalizedVectorQuantizer,
    Quantizer,
    ResidualQuantizer,
    VectorQuantizer,
)


@dataclass(frozen=True)
class Pass:
    """One forward pass, channel-last per level: reconstruction (B, 3, H, W), latents (B, h, w, latent_dim) that
    each quantizer was given, indices (B, h, w), and unweighted loss terms."""

    reconstruction: Tensor
    latents: Mapping[str, Tensor]
    indices: Mapping[str, Tensor]
    losses: Mapping[str, Tensor] = field(default_factory=dict)


class Autoencoder(nn.Module):
    """Pictures (B, 3, H, W) in [0, 1], sides multiples of 8, to codes on one or more levels and back.

    A level's latents are what its quantizer was given; they can depend on the codes of the levels before it.
    """

    @property
    def quantizers(self) -> dict[str, Quantizer]:
        """Level name -> its quantizer, in decode order."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Pass:
        """The pass that is trained: gradients reach the encoder."""
        raise NotImplementedError

    def encode(self, images: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, tuple[Tensor, Tensor]]:
        """Level -> (latents (B, h, w, latent_dim), indices (B, h, w)); levels in `given` keep those indices."""
        raise NotImplementedError

    def decode(self, vectors: Mapping[str, Tensor]) -> Tensor:
        """Pictures (B, 3, H, W), not clipped, of code vectors (B, h, w, D) per level; some levels may be missing."""
        raise NotImplementedError

    def counters(self, level: str) -> dict[str, Tensor]:
        """What was counted in training, in words -> (K,), one number per code; {} of a level without."""
        sizes = getattr(self.quantizers[level], "cluster_size", None)
        return {} if sizes is None else {"running mean of uses per training batch": sizes}


class OneGridAutoencoder(Autoencoder):
    """One grid at stride 8; with a residual quantizer its stages are levels of that grid."""

    def __init__(self, network: OneGridConfig, quantizer: QuantizerConfig):
        super().__init__()
        self.quantizer = build_quantizer(quantizer)
        self.encoder = encoder(network, self.quantizer.latent_dim)
        self.decoder = decoder(network, self.quantizer.dim)

    @property
    def quantizers(self) -> dict[str, Quantizer]:
        if isinstance(self.quantizer, ResidualQuantizer):
            return {f"stage {number}": stage for number, stage in enumerate(self.quantizer.stages, 1)}
        return {"codes": self.quantizer}

    def forward(self, images: Tensor) -> Pass:
        z = self.latents(images)
        found = self.quantizer(z)
        reconstruction = self.decoder(first(found.quantized)) + 0.5
        if not isinstance(self.quantizer, ResidualQuantizer):
            return Pass(reconstruction, {"codes": z}, {"codes": found.indices}, found.losses)
        with torch.no_grad():
            rests = self.quantizer.rests(z, found.indices)
        names = list(self.quantizers)
        indices = dict(zip(names, found.indices.unbind(-1), strict=True))
        return Pass(reconstruction, dict(zip(names, rests, strict=True)), indices, found.losses)

    def encode(self, images: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, tuple[Tensor, Tensor]]:
        rest, found = self.latents(images), {}
        for name, quantizer in self.quantizers.items():
            indices = given[name] if given and name in given else quantizer(rest).indices
            found[name] = rest.float(), indices
            rest = rest.float() - quantizer.vectors(indices) if isinstance(self.quantizer, ResidualQuantizer) else rest
        return found

    def decode(self, vectors: Mapping[str, Tensor]) -> Tensor:
        total = torch.stack(list(vectors.values())).sum(0)
        return self.decoder(first(total)) + 0.5

    def latents(self, images: Tensor) -> Tensor:
        """Channel-last latents (B, h, w, latent_dim)."""
        return last(self.encoder(images - 0.5))


def encoder(config: OneGridConfig, latent_dim: int) -> nn.Sequential:
    """Pictures (B, 3, H, W) to latents (B, latent_dim, H/8, W/8)."""
    narrow, wide = config.width_f4, config.width_f8
    return nn.Sequential(
        *from_pixels(narrow),
        *blocks(config.encoder_f4, narrow),
        nn.Conv2d(narrow, wide, 2, stride=2),
        *blocks(config.encoder_f8, wide),
        *to_latents(wide, latent_dim),
    )


def decoder(config: OneGridConfig, dim: int) -> nn.Sequential:
    """Code vectors (B, dim, h, w) to pictures (B, 3, 8h, 8w)."""
    narrow, wide = config.width_f4, config.width_f8
    return nn.Sequential(
        nn.Conv2d(dim, wide, 3, padding=1),
        *blocks(config.decoder_f8, wide),
        *twice_as_fine(wide, narrow),
        *blocks(config.decoder_f4, narrow),
        *to_pixels(narrow),
    )


def build_quantizer(config: QuantizerConfig) -> Quantizer | ResidualQuantizer:
    match config:
        case VectorConfig():
            return VectorQuantizer(config.size, config.dim)
        case EMAVectorConfig():
            return EMAVectorQuantizer(config.size, config.dim, config.decay)
        case GumbelConfig():
            return GumbelQuantizer(config.size, config.dim, hard=config.hard)
        case FiniteScalarConfig():
            return FiniteScalarQuantizer(config.levels, config.bound)
        case NormalizedVectorConfig():
            return NormalizedVectorQuantizer(config.size, config.dim)
        case LookupFreeConfig():
            return LookupFreeQuantizer(config.bits, config.temperature)
        case ResidualConfig():
            return ResidualQuantizer(
                [EMAVectorQuantizer(config.size, config.dim, config.decay) for _ in range(config.stages)]
            )
