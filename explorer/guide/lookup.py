"""The nearest-neighbour lookup of one cell, written out."""

from typing import Any

import numpy as np


def distances(z: np.ndarray, vectors: np.ndarray, rows: int) -> dict[str, Any]:
    """The squared distances of z (D,) to code vectors (K, D), and the parts they are expanded into.

    {"z": |z|^2, "rows": of the nearest codes, nearest first, {code, norm: |e|^2, dot: z.e, distance: |z - e|^2}}.
    """
    z, vectors = z.astype(np.float64), vectors.astype(np.float64)
    own, norms, dots = float(z @ z), np.square(vectors).sum(1), vectors @ z
    found = own + norms - 2 * dots
    nearest = np.argsort(found, kind="stable")[:rows]
    return {
        "z": own,
        "rows": [
            {"code": int(k), "norm": float(norms[k]), "dot": float(dots[k]), "distance": float(found[k])}
            for k in nearest
        ],
    }
