"""VQ-VAE-2: a coarse top grid, and a finer bottom grid encoded given what the top says.

Razavi, van den Oord, Vinyals 2019, "Generating Diverse High-Fidelity Images with VQ-VAE-2",
arXiv 1906.00446.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from explorer.models.autoencoder import Autoencoder, Pass, build_quantizer
from explorer.models.blocks import blocks, first, from_pixels, last, to_latents, to_pixels, twice_as_fine
from explorer.models.config import EMAVectorConfig, TwoGridsConfig
from explorer.quantizers import Quantizer

TOP, BOTTOM = "top", "bottom"


def both(vectors: Mapping[str, Tensor], top: Quantizer, bottom: Quantizer) -> tuple[Tensor, Tensor]:
    """Vectors of both levels, the bottom's grid twice as fine; a missing one is filled with its mean code vector, by
    how often each was chosen in training."""
    coarse, fine = vectors.get(TOP), vectors.get(BOTTOM)
    if coarse is None:
        batch, height, width, _ = fine.shape
        coarse = top.mean_vector().expand(batch, height // 2, width // 2, -1)
    if fine is None:
        batch, height, width, _ = coarse.shape
        fine = bottom.mean_vector().expand(batch, height * 2, width * 2, -1)
    return coarse, fine


class TwoGridsAutoencoder(Autoencoder):
    """Levels "top" at stride 8 and "bottom" at stride 4; one decoder takes both."""

    def __init__(self, network: TwoGridsConfig, quantizer: EMAVectorConfig):
        super().__init__()
        narrow, wide, dim = network.width_f4, network.width_f8, quantizer.dim
        self.top, self.bottom = build_quantizer(quantizer), build_quantizer(quantizer)
        self.to_features = nn.Sequential(*from_pixels(narrow), *blocks(network.encoder_f4, narrow))
        self.to_top = nn.Sequential(
            nn.Conv2d(narrow, wide, 2, stride=2), *blocks(network.encoder_f8, wide), *to_latents(wide, dim)
        )
        self.from_top = nn.Sequential(
            nn.Conv2d(dim, wide, 3, padding=1), *blocks(network.top_f8, wide), *twice_as_fine(wide, narrow)
        )
        self.to_bottom = nn.Sequential(
            nn.Conv2d(2 * narrow, narrow, 1), *blocks(network.bottom_f4, narrow), *to_latents(narrow, dim)
        )
        self.finer_top = nn.ConvTranspose2d(dim, dim, 2, stride=2)
        self.decoder = nn.Sequential(
            nn.Conv2d(2 * dim, narrow, 3, padding=1), *blocks(network.decoder_f4, narrow), *to_pixels(narrow)
        )

    @property
    def quantizers(self) -> dict[str, Quantizer]:
        return {TOP: self.top, BOTTOM: self.bottom}

    def forward(self, images: Tensor) -> Pass:
        features = self.to_features(images - 0.5)
        top_latents = last(self.to_top(features))
        top = self.top(top_latents)
        bottom_latents = self._bottom_latents(features, top.quantized)
        bottom = self.bottom(bottom_latents)
        losses = {name: (loss + bottom.losses[name]) / 2 for name, loss in top.losses.items()}
        return Pass(
            self._decoded(top.quantized, bottom.quantized),
            {TOP: top_latents, BOTTOM: bottom_latents},
            {TOP: top.indices, BOTTOM: bottom.indices},
            losses,
        )

    def encode(self, images: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, tuple[Tensor, Tensor]]:
        given = given or {}
        features = self.to_features(images - 0.5)
        top_latents = last(self.to_top(features))
        top = given[TOP] if TOP in given else self.top(top_latents).indices
        bottom_latents = self._bottom_latents(features, self.top.vectors(top))
        bottom = given[BOTTOM] if BOTTOM in given else self.bottom(bottom_latents).indices
        return {TOP: (top_latents.float(), top), BOTTOM: (bottom_latents.float(), bottom)}

    def decode(self, vectors: Mapping[str, Tensor]) -> Tensor:
        top, bottom = both(vectors, self.top, self.bottom)
        return self._decoded(top, bottom)

    def _bottom_latents(self, features: Tensor, top: Tensor) -> Tensor:
        return last(self.to_bottom(torch.cat([features, self.from_top(first(top)).to(features.dtype)], 1)))

    def _decoded(self, top: Tensor, bottom: Tensor) -> Tensor:
        finer = self.finer_top(first(top))
        return self.decoder(torch.cat([finer, first(bottom).to(finer.dtype)], 1)) + 0.5
