"""The adversarial part of VQGAN training: a patch discriminator, the adaptive weight, a perceptual term.

Esser, Rombach, Ommer 2021, "Taming Transformers for High-Resolution Image Synthesis", arXiv
2012.09841. Their perceptual term is LPIPS, whose weights have to be downloaded; ours compares the
discriminator's own features, which needs none: Wang et al. 2018, "pix2pixHD", arXiv 1711.11585.
"""

import itertools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.core.errors import ConfigError
from explorer.training.config import AdversarialConfig

LARGEST_WEIGHT = 1e4


class PatchDiscriminator(nn.Module):
    """Says of overlapping patches of a picture whether they are real: Isola et al. 2017, arXiv 1611.07004."""

    def __init__(self, width: int, layers: int):
        super().__init__()
        widths = [3] + [width * min(2**i, 4) for i in range(layers)]
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before, after, 4, stride=2, padding=1),
                nn.GroupNorm(8, after) if before > 3 else nn.Identity(),
                nn.LeakyReLU(0.2),
            )
            for before, after in itertools.pairwise(widths)
        )
        self.verdict = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits (B, 1, h, w), above 0 for real, and the features of every stage, of images in [0, 1]."""
        features, x = [], images * 2 - 1
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return self.verdict(x), features


class Adversary:
    """The discriminator of a run with its optimizer, and the loss terms it gives to the autoencoder."""

    def __init__(
        self, config: AdversarialConfig, device: torch.device, bf16: bool, wrap: Callable[[nn.Module], nn.Module]
    ):
        self.config, self.device, self.bf16 = config, device, bf16
        self.discriminator = PatchDiscriminator(config.width, config.layers).to(device)
        self.trained = wrap(self.discriminator)
        self.optimizer = torch.optim.AdamW(self.discriminator.parameters(), lr=0.0, betas=(0.5, 0.9), weight_decay=0.0)
        self.lpips = _lpips(device) if config.lpips else None

    def losses(self, images: Tensor, reconstruction: Tensor, distance: Tensor, last: Tensor) -> dict[str, Tensor]:
        """Weighted terms for the autoencoder: "features", "adversarial" and, if asked for, "lpips".

        distance: the loss on pixels. With the perceptual terms it is what the adversarial one is balanced
        against, by the norms of both gradients at `last`, the weights of the decoder's last layer.
        """
        images, reconstruction = self._cut(images, reconstruction)
        self.discriminator.requires_grad_(False)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            verdict, features = self.discriminator(reconstruction)
            with torch.no_grad():
                _, wanted = self.discriminator(images)
        self.discriminator.requires_grad_(True)
        adversarial = -verdict.float().mean()
        distances = [
            F.l1_loss(a.float(), b.float()) / b.float().abs().mean() for a, b in zip(features, wanted, strict=True)
        ]
        perceptual = {"features": self.config.features * torch.stack(distances).mean()}
        if self.lpips:
            perceptual["lpips"] = self.config.lpips * self.lpips(reconstruction, images, normalize=True).mean()
        weight = self.config.weight * adaptive_weight(distance + sum(perceptual.values()), adversarial, last)
        return {**perceptual, "adversarial": weight * adversarial}

    def step(self, images: Tensor, reconstruction: Tensor, learning_rate: float) -> Tensor:
        """Train the discriminator once on real and decoded pictures; returns its hinge loss."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            verdicts, _ = self.trained(torch.cat(self._cut(images, reconstruction.detach())))
        real, decoded = verdicts.float().chunk(2)
        loss = (F.relu(1 - real).mean() + F.relu(1 + decoded).mean()) / 2
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate * self.config.learning_rate
        self.optimizer.step()
        return loss.detach()

    def _cut(self, images: Tensor, reconstruction: Tensor) -> tuple[Tensor, Tensor]:
        """Both from the same random row and column on. Always at the decoder's own cells, the discriminator's strides
        would print their grid on what the decoder learns."""
        period = 2**self.config.layers
        row, column = torch.randint(period, (2,)).tolist()
        height, width = images.shape[2] - period, images.shape[3] - period
        area = (..., slice(row, row + height), slice(column, column + width))
        return images[area], reconstruction[area]

    def state_dict(self) -> dict[str, Any]:
        return {"discriminator": self.discriminator.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.discriminator.load_state_dict(state["discriminator"])
        self.optimizer.load_state_dict(state["optimizer"])


def adaptive_weight(distance: Tensor, adversarial: Tensor, last: Tensor) -> Tensor:
    """|gradient of distance| / |gradient of adversarial| at `last`: eq. 7 of the paper, whose distance is perceptual
    too. Of a decoder that stands at its optimum of the pixels alone the first would be next to nothing."""
    by_distance, by_adversarial = (
        torch.autograd.grad(loss, last, retain_graph=True)[0] for loss in (distance, adversarial)
    )
    return (by_distance.norm() / (by_adversarial.norm() + 1e-4)).clamp(0, LARGEST_WEIGHT).detach()


def _lpips(device: torch.device) -> nn.Module:
    try:
        import lpips

        return lpips.LPIPS(net="vgg", verbose=False).to(device).requires_grad_(False)
    except Exception as error:  # the package is missing, or its weights are, or they can't be fetched
        raise ConfigError(
            f"This recipe asks for LPIPS, which is not to be had here ({error}). Install the package lpips and let "
            "it fetch its weights once, or set adversarial.lpips to 0."
        ) from error
