"""Where in pictures each code occurs, and how varied the codes are there."""

import numpy as np

from explorer.analysis.usage import entropy

BINS = 8
"""Rows and columns of a position map."""


def position_counts(codes: np.ndarray, size: int, bins: int = BINS) -> np.ndarray:
    """How often each code occurs in each part of pictures: (K, bins, bins) int64, rows before columns.

    codes: (B, h, w). Counts of several batches are added.
    """
    _, height, width = codes.shape
    rows, columns = np.arange(height) * bins // height, np.arange(width) * bins // width
    bin = rows[:, None] * bins + columns
    counts = np.bincount((codes.astype(np.int64) * bins**2 + bin).reshape(-1), minlength=size * bins**2)
    return counts.reshape(size, bins, bins)


def perplexity_by_position(counts: np.ndarray) -> np.ndarray:
    """2^entropy of the codes in each part of pictures: (bins, bins) float64 of counts (K, bins, bins).

    How many equally likely codes would be as varied as what is there; 1 where one code stands alone, 0 where none.
    """
    return np.where(counts.sum(0) > 0, 2 ** entropy(counts), 0)
