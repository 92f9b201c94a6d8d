"""Haar wavelets over squares of pixels: pictures to fewer positions with more channels, and back exactly."""

import torch
from torch import Tensor


def analyse(x: Tensor, times: int) -> Tensor:
    """(B, C, H, W) to (B, 4^times C, H / 2^times, W / 2^times): means first, then details along rows, columns, both.

    Scaled as the Cosmos tokenizer does, so that the means keep the range of the pixels.
    """
    for _ in range(times):
        left, right = x[..., 0::2], x[..., 1::2]
        along = [left + right, left - right]
        x = torch.cat([part for whole in along for part in _pairs_of_rows(whole)], 1) / 4
    return x


def synthesise(x: Tensor, times: int) -> Tensor:
    """The inverse of `analyse`."""
    for _ in range(times):
        means, down, across, both = x.chunk(4, 1)
        sums, differences = _rows_of(means, down), _rows_of(across, both)
        x = torch.stack([sums + differences, sums - differences], -1).flatten(-2)
    return x


def _pairs_of_rows(x: Tensor) -> tuple[Tensor, Tensor]:
    above, below = x[..., 0::2, :], x[..., 1::2, :]
    return above + below, above - below


def _rows_of(sums: Tensor, differences: Tensor) -> Tensor:
    return torch.stack([sums + differences, sums - differences], -2).flatten(-3, -2)
