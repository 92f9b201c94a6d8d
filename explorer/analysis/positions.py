"""Where in pictures each code occurs."""

import numpy as np

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
