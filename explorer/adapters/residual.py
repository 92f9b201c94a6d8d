"""The residual layer of the first VQ-VAE networks (van den Oord, Vinyals, Kavukcuoglu 2017, arXiv 1711.00937)."""

import torch.nn.functional as F
from torch import Tensor, nn


class ResidualLayer(nn.Module):
    """x + conv1x1(relu(conv3x3(relu(x)))), channel counts read off the weights.

    skips_relu: whether the skip carries relu(x) instead of x. Both much-copied implementations had their first
    ReLU in place, so that their published weights want it.
    """

    def __init__(self, weight: Tensor, bias: bool, skips_relu: bool):
        super().__init__()
        hidden, channels = weight.shape[:2]
        self.wide = nn.Conv2d(channels, hidden, 3, padding=1, bias=bias)
        self.pointwise = nn.Conv2d(hidden, channels, 1, bias=bias)
        self.skips_relu = skips_relu

    def forward(self, x: Tensor) -> Tensor:
        active = F.relu(x)
        return (active if self.skips_relu else x) + self.pointwise(F.relu(self.wide(active)))


def decoder_reach(layers: int) -> int:
    """Pixels that a code at stride 4 changes beyond its cell: a 3x3 convolution, `layers` residual layers, and two
    transposed 4x4 convolutions at stride 2, each of which spreads by one of its own, finer, cells."""
    return 4 * (1 + layers) + 2 + 1
