"""Code vectors as points of a plane or of space: principal components at once, UMAP after a while.

McInnes, Healy, Melville 2018, "UMAP: Uniform Manifold Approximation and Projection for Dimension
Reduction", arXiv 1802.03426, by the package umap-learn.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FEWEST = 4
"""Fewest different vectors that UMAP can lay out."""
NEIGHBOURS = 15
MIN_DISTANCE = 0.1


@dataclass(frozen=True)
class Projection:
    """points (n, d) float32 of the code vectors and, on the same map, others (m, d) of other vectors.

    Both are shifted and scaled alike, so that everything lies in [-1, 1] and proportions are kept.
    """

    points: np.ndarray
    others: np.ndarray


def pca(vectors: np.ndarray, dims: int, others: np.ndarray | None = None) -> Projection:
    """The first principal components of vectors (n, D), and others (m, D) along the same axes.

    Axes beyond D or n are zero. An axis points where its largest loading is positive.
    """
    vectors = np.asarray(vectors, np.float64)
    mean = vectors.mean(0)
    _, _, axes = np.linalg.svd(vectors - mean, full_matrices=False)
    axes = axes[:dims]
    axes = axes * np.where(axes[np.arange(len(axes)), np.abs(axes).argmax(1)] < 0, -1.0, 1.0)[:, None]
    return _scaled(*(_padded((found - mean) @ axes.T, dims) for found in (vectors, _given(vectors, others))))


def umap(
    vectors: np.ndarray,
    dims: int,
    others: np.ndarray | None = None,
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Projection:
    """UMAP of vectors (n, D), and others (m, D) placed on the same map afterwards.

    The same seed gives the same map. progress is told which share of the layout is done. Vectors that
    are fewer than four or not finite raise ValueError.
    """
    vectors = np.asarray(vectors, np.float32)
    given = _given(vectors, others).astype(np.float32)
    if not (np.isfinite(vectors).all() and np.isfinite(given).all()):
        raise ValueError("Some of these vectors are not finite numbers.")
    if len(vectors) < FEWEST:
        raise ValueError(f"UMAP needs at least {FEWEST} vectors, not {len(vectors)}.")
    from umap import UMAP

    fitted = UMAP(
        n_neighbors=min(NEIGHBOURS, len(vectors) - 1),
        n_components=dims,
        min_dist=MIN_DISTANCE,
        # Spectral starts need more points than this for their eigenvectors.
        init="spectral" if len(vectors) > 4 * dims else "random",
        random_state=seed,
        n_jobs=1,
        tqdm_kwds={
            "file": _Listener(progress),
            "bar_format": "{n}/{total}",
            "disable": False,
            "mininterval": 0,
            "miniters": 5,
        },
    )
    points = fitted.fit_transform(vectors)
    return _scaled(points, fitted.transform(given) if len(given) else np.zeros((0, dims)))


class _Listener:
    """What umap-learn takes for the file its progress bar is written to."""

    def __init__(self, progress: Callable[[float], None]):
        self.progress = progress

    def write(self, text: str) -> None:
        done, _, total = text.strip().partition("/")
        if done.isdigit() and total.isdigit():
            self.progress(int(done) / int(total))

    def flush(self) -> None:
        pass


def _given(vectors: np.ndarray, others: np.ndarray | None) -> np.ndarray:
    return np.zeros((0, vectors.shape[1])) if others is None else np.asarray(others, np.float64)


def _padded(points: np.ndarray, dims: int) -> np.ndarray:
    return np.pad(points, ((0, 0), (0, dims - points.shape[1])))


def _scaled(points: np.ndarray, others: np.ndarray) -> Projection:
    everything = np.concatenate([points, others])
    low, high = everything.min(0), everything.max(0)
    half = max(float((high - low).max()) / 2, 1e-12)
    middle = (low + high) / 2
    return Projection(*(((found - middle) / half).astype(np.float32) for found in (points, others)))
