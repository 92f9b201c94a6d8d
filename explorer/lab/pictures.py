"""The Pictures lab: the app's example photographs to codes and back, and what of it can be shown."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from explorer.core.images import fit
from explorer.lab.experiment import Experiment
from explorer.lab.plan import Plan
from explorer.models.blocks import ResidualBlock, from_pixels, to_latents, to_pixels
from explorer.services.examples import EXAMPLES, example

SIDE, STRIDE = 64, 4
"""Pixels of a picture's side, and of a code's."""
CROP, BATCH, WIDTH = 32, 8, 32


@cache
def pictures() -> Tensor:
    """The example pictures, centre squares shrunk to (8, 3, 64, 64) float32 in [-1, 1]."""
    pixels = np.stack([fit(example(found.name), SIDE, "square") for found in EXAMPLES])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


class PicturesTask:
    """One residual block of 32 channels on either side, at stride 4; trained on crops, measured on whole pictures."""

    def __init__(self, plan: Plan):
        self.everything = pictures()
        self.variance = self.everything.var().item()
        self._dim = plan.dim

    def networks(self) -> tuple[nn.Module, nn.Module]:
        encoder = nn.Sequential(*from_pixels(WIDTH), ResidualBlock(WIDTH), *to_latents(WIDTH, self._dim), _Last())
        first = nn.Conv2d(self._dim, WIDTH, 1)
        return encoder, nn.Sequential(_First(), first, ResidualBlock(WIDTH), *to_pixels(WIDTH))

    def batch(self, generator: torch.Generator) -> Tensor:
        """Random windows, half of them mirrored."""
        which = torch.randint(len(self.everything), (BATCH,), generator=generator).tolist()
        corners = torch.randint(SIDE - CROP + 1, (BATCH, 2), generator=generator).tolist()
        crops = [self.everything[i, :, y : y + CROP, x : x + CROP] for i, (y, x) in zip(which, corners, strict=True)]
        return torch.stack([crop.flip(2) if n % 2 else crop for n, crop in enumerate(crops)])


class _Last(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        """Channels last."""
        return x.permute(0, 2, 3, 1)


class _First(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        """Channels first again."""
        return x.permute(0, 3, 1, 2)


@dataclass(frozen=True)
class PicturesView:
    """One moment of an experiment. reconstructions (8, 64, 64, 3), swatches (K, 4, 4, 3): what each code decodes to
    alone, both uint8; counts (K,): uses over all cells of the pictures."""

    reconstructions: np.ndarray
    swatches: np.ndarray
    counts: np.ndarray


def look(experiment: Experiment) -> PicturesView:
    seen = experiment.see()
    counts = torch.bincount(seen.indices.flatten(), minlength=experiment.bottleneck.quantizer.size)
    return PicturesView(_pixels(seen.outputs), _pixels(experiment.decoded_codes((1, 1))), counts.numpy())


def originals() -> np.ndarray:
    """The pictures (8, 64, 64, 3) uint8."""
    return _pixels(pictures())


def _pixels(x: Tensor) -> np.ndarray:
    return ((x.permute(0, 2, 3, 1) + 1) * 127.5).round().clamp(0, 255).byte().numpy()
