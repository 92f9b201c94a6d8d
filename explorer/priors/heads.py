"""From features of a cell to log-probabilities of its K codes, exact and normalised.

A learned codebook gets one softmax over all codes. A code of FSQ is a tuple of digits; its probability is the product
of each digit's given the digits before it (the chain rule), each a small softmax.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.core.digits import to_digits


class SoftmaxHead(nn.Module):
    """One softmax over K codes."""

    def __init__(self, channels: int, size: int):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.scores = nn.Linear(channels, size)

    def log_probabilities(self, features: Tensor) -> Tensor:
        """(n, K) float32 of features (n, C)."""
        return self.scores(self.norm(features)).float().log_softmax(-1)

    def surprise(self, features: Tensor, codes: Tensor) -> Tensor:
        """-ln p (n,) float32 of codes (n,)."""
        return F.cross_entropy(self.scores(self.norm(features)).float(), codes, reduction="none")

    def start(self, shares: np.ndarray) -> None:
        """Begin as the marginal distribution: shares (K,) of all codes of the data."""
        self.scores.weight.data.mul_(0.1)
        self.scores.bias.data.copy_(torch.from_numpy(np.log(shares)))


class DigitsHead(nn.Module):
    """A chain of softmaxes over d digits: the score of digit j is a function of the features plus, for every
    digit i before it, one of the features and that digit's value.

    size = product of the radices, first digit fastest, as in `explorer.core.digits`.
    """

    def __init__(self, channels: int, radices: Sequence[int]):
        super().__init__()
        self.radices = tuple(radices)
        self.norm = nn.LayerNorm(channels)
        self.alone = nn.ModuleList(nn.Linear(channels, radix) for radix in radices)
        self.given = nn.ModuleList(
            nn.ModuleList(nn.Linear(channels, before * radix) for before in radices[:j])
            for j, radix in enumerate(radices)
        )
        size = int(np.prod(self.radices))
        self.register_buffer("digits", torch.from_numpy(to_digits(np.arange(size), self.radices)), persistent=False)

    def log_probabilities(self, features: Tensor) -> Tensor:
        """(n, K) float32 of features (n, C): digit by digit, over all values of the digits before."""
        alone, given = self._scores(features)
        total = torch.zeros(len(features), 1, device=features.device)
        for j in range(len(self.radices)):
            prefixes = total.shape[1]
            scores = alone[j][:, None]
            for i, table in enumerate(given[j]):
                scores = scores + table[:, self.digits[:prefixes, i]]
            found = scores.expand(-1, prefixes, -1).log_softmax(-1).transpose(1, 2)  # (n, radix, prefixes)
            total = (total[:, None] + found).flatten(1)
        return total

    def surprise(self, features: Tensor, codes: Tensor) -> Tensor:
        """-ln p (n,) float32 of codes (n,)."""
        alone, given = self._scores(features)
        digits, every = self.digits[codes], torch.arange(len(codes), device=codes.device)
        total = torch.zeros(len(codes), device=features.device)
        for j in range(len(self.radices)):
            scores = alone[j]
            for i, table in enumerate(given[j]):
                scores = scores + table[every, digits[:, i]]
            total = total + F.cross_entropy(scores, digits[:, j], reduction="none")
        return total

    def start(self, shares: np.ndarray) -> None:
        """Begin as the product of the digits' marginal distributions: shares (K,) of all codes of the data."""
        for i, layer in enumerate(self.alone):
            layer.weight.data.mul_(0.1)
            found = np.bincount(self.digits[:, i].numpy(), shares, self.radices[i])
            layer.bias.data.copy_(torch.from_numpy(np.log(found)))
        for layer in (layer for layers in self.given for layer in layers):
            layer.weight.data.mul_(0.1)
            layer.bias.data.zero_()

    def _scores(self, features: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        """Per digit (n, radix), and per digit and digit before it (n, radix before, radix)."""
        x = self.norm(features)
        alone = [layer(x).float() for layer in self.alone]
        given = [
            [layer(x).float().unflatten(-1, (self.radices[i], -1)) for i, layer in enumerate(layers)]
            for layers in self.given
        ]
        return alone, given


Head = SoftmaxHead | DigitsHead
