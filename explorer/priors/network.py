"""What the masked and the causal network have in common: how codes, places and classes come in, and the head."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from explorer.priors.heads import DigitsHead, Head, SoftmaxHead

WAVES = (1, 2, 4)
"""Half periods, per half short side, of the sines and cosines that tell where a cell is."""

AT_ONCE = 1024
"""Cells whose scores for all codes are worked on at once: so many stay in a CPU's cache, which is twice as fast."""


class PriorNetwork(nn.Module):
    """Grids with open cells in, features of the open cells out, and from those log-probabilities.

    codes (B, h, w) int64; open (B, h, w) bool; labels (B,) int64, `classes` where there is none;
    places (B, h, w, 2) float32, rows and columns: see `places`. Open cells come in the order of `open.nonzero()`.
    """

    def __init__(self, channels: int, size: int, radices: Sequence[int], classes: int, label_width: int):
        super().__init__()
        self.size, self.classes = size, classes
        self.label = nn.Embedding(classes + 1, label_width)
        self.place = nn.Linear(2 + 4 * len(WAVES), channels)
        self.head: Head = DigitsHead(channels, radices) if radices else SoftmaxHead(channels, size)

    def features(self, codes: Tensor, open: Tensor, labels: Tensor, places: Tensor) -> Tensor:
        """(n, C) of the n open cells."""
        raise NotImplementedError

    def forward(self, codes: Tensor, open: Tensor, labels: Tensor, places: Tensor) -> Tensor:
        """-ln p (n,) float32 of the codes that lie in the open cells."""
        parts = zip(self.features(codes, open, labels, places).split(AT_ONCE), codes[open].split(AT_ONCE), strict=True)
        return torch.cat([self.head.surprise(features, found) for features, found in parts])

    def log_probabilities(self, codes: Tensor, open: Tensor, labels: Tensor, places: Tensor) -> Tensor:
        """ln p (n, K) float32 of all codes of the open cells."""
        return self.head.log_probabilities(self.features(codes, open, labels, places))

    def start(self, shares: np.ndarray, vectors: np.ndarray) -> None:
        """Begin as the marginal distribution, with tables that know which codes are alike.

        shares (K,): how often each code is used, none zero. vectors (K, D): the tokenizer's code vectors.
        """
        self.head.start(shares)
        centred = torch.from_numpy(vectors - vectors.mean(0)).float()
        whitened = centred / centred.std(0).clamp(min=1e-6)
        for table in self.tables():
            spread = torch.randn(whitened.shape[1], table.embedding_dim) / whitened.shape[1] ** 0.5
            table.weight.data[: self.size] = 0.5 * (whitened @ spread) + 0.1 * torch.randn(
                self.size, table.embedding_dim
            )

    def tables(self) -> list[nn.Embedding]:
        """The tables from codes to channels."""
        raise NotImplementedError

    def placed(self, places: Tensor) -> Tensor:
        """(B, C, h, w) of places (B, h, w, 2)."""
        waves = torch.cat([places * (math.pi / 2 * wave) for wave in WAVES], -1)
        return self.place(torch.cat([places, waves.sin(), waves.cos()], -1)).permute(0, 3, 1, 2)


def looked_up(table: nn.Embedding, codes: Tensor) -> Tensor:
    """(B, C, h, w) in channels_last memory of codes (B, h, w)."""
    return table(codes).permute(0, 3, 1, 2)


def places(
    height: int, width: int, rows: tuple[int, int] | None = None, columns: tuple[int, int] | None = None
) -> np.ndarray:
    """Where the cells of a grid of that size are: (h, w, 2) float32, rows then columns.

    Measured from the middle in halves of the short side, so that the centre square reaches from -1 to 1 whatever the
    scale, and a cell's size says what the scale is. rows, columns: (first, count) of a window of the grid.
    """
    half = min(height, width) / 2
    (top, many), (left, across) = rows or (0, height), columns or (0, width)
    down = (np.arange(top, top + many) + 0.5 - height / 2) / half
    right = (np.arange(left, left + across) + 0.5 - width / 2) / half
    return np.stack(np.meshgrid(down, right, indexing="ij"), -1).astype(np.float32)
