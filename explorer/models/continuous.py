"""Autoencoders without codes, the contrast: a point (AE) or a Gaussian (VAE) per cell in place of a table entry.

Kingma, Welling 2013, "Auto-Encoding Variational Bayes", arXiv 1312.6114.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from explorer.models.autoencoder import Autoencoder, Pass, decoder, encoder
from explorer.models.blocks import first, last
from explorer.models.config import ContinuousConfig, GaussianConfig, OneGridConfig
from explorer.quantizers import Quantizer

LATENTS = "latents"


class ContinuousAutoencoder(Autoencoder):
    """One grid of `dim` floats at stride 8. Gaussian: "kl", to the standard normal, in nats, mean over floats."""

    def __init__(self, network: OneGridConfig, latents: ContinuousConfig):
        super().__init__()
        self.gaussian = isinstance(latents, GaussianConfig)
        self.encoder = encoder(network, latents.dim * (2 if self.gaussian else 1))
        self.decoder = decoder(network, latents.dim)

    @property
    def quantizers(self) -> dict[str, Quantizer]:
        return {}

    def forward(self, images: Tensor) -> Pass:
        if not self.gaussian:
            z = self.latents(images)
            return Pass(self.decode({LATENTS: z}), {LATENTS: z}, {})
        mean, log_variance = self._gaussian(images)
        kl = (mean.square() + log_variance.exp() - 1 - log_variance).mean() / 2
        noise = torch.randn_like(mean) if self.training else 0.0
        z = mean + (log_variance / 2).exp() * noise
        return Pass(self.decode({LATENTS: z}), {LATENTS: mean}, {}, {"kl": kl})

    def latents(self, images: Tensor) -> Tensor:
        """Channel-last latents (B, h, w, dim); of a VAE the means."""
        return self._gaussian(images)[0] if self.gaussian else last(self.encoder(images - 0.5))

    def decode(self, vectors: Mapping[str, Tensor]) -> Tensor:
        return self.decoder(first(vectors[LATENTS])) + 0.5

    def _gaussian(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = last(self.encoder(images - 0.5)).float().chunk(2, -1)
        return mean, log_variance.clamp(-20, 10)
