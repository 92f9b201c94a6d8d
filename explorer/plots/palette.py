"""Colours: one stable colour per code, near codes in near colours; and scales that colour-blind people can read."""

import numpy as np
from skimage.color import lab2rgb

SERIES = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of Okabe and Ito's palette, which colour-blind people can tell apart; chart.js holds the same for the page."""
GREY = "#8a8580"
"""Readable on light and on dark."""


def code_colours(vectors: np.ndarray, used: np.ndarray | None = None) -> np.ndarray:
    """Colours (K, 3) uint8 of code vectors (K, D): the principal components as lightness and hue plane.

    Each of the first three components is replaced by its rank, so that the whole range of colours is
    used however the vectors are spread. In CIELAB, where distance is about what the eye sees.

    used: (K,) bool, the codes that pictures show, where that is known: the range is theirs, and the others
    get the colours that lie where they do, so that the few codes of a collapsed codebook can be told apart.
    """
    used = np.ones(len(vectors), bool) if used is None or not used.any() else used
    centred = vectors.astype(np.float64) - vectors[used].mean(0)
    _, _, axes = np.linalg.svd(centred[used], full_matrices=False)
    # A component's sign is arbitrary: the largest coordinate of each axis is made positive.
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])[:, None]
    components = np.zeros((len(vectors), 3))
    found = centred @ axes[:3].T
    components[:, : found.shape[1]] = found
    ranks = np.stack([_ranks(component, used) for component in components.T], 1)
    lab = np.stack([38 + 47 * ranks[:, 0], 110 * (ranks[:, 1] - 0.5), 110 * (ranks[:, 2] - 0.5)], 1)
    return np.rint(lab2rgb(lab[None])[0] * 255).astype(np.uint8)


def hashed_colours(size: int) -> np.ndarray:
    """Colours (K, 3) uint8 that tell codes apart and say nothing more: the page makes the same from the index alone."""
    mixed = np.arange(size, dtype=np.uint64) * np.uint64(2654435761) % np.uint64(2**32)
    shifts = np.array([24, 16, 8], np.uint64)
    return (56 + ((mixed[:, None] >> shifts) & np.uint64(255)) * np.uint64(5) // np.uint64(8)).astype(np.uint8)


def scale(name: str = "Viridis") -> np.ndarray:
    """A colour scale as (256, 3) uint8, dark to light; "Viridis" for values, "Inferno" for errors."""
    from plotly.colors import hex_to_rgb, sequential

    stops = np.array([hex_to_rgb(stop) for stop in getattr(sequential, name)], dtype=np.float64)
    at = np.linspace(0, len(stops) - 1, 256)
    channels = [np.interp(at, np.arange(len(stops)), channel) for channel in stops.T]
    return np.rint(np.stack(channels, 1)).astype(np.uint8)


def _ranks(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Ranks in [0, 1] among some of the values; equal values (to rounding) share their mean rank."""
    values = np.round(values, 6)
    unique, counts = np.unique(values[among], return_counts=True)
    if len(unique) == 1:
        return np.full(len(values), 0.5)
    middle = np.cumsum(counts) - (counts + 1) / 2
    return np.interp(values, unique, middle / (counts.sum() - 1))
