"""Residual quantization of points in the plane, fitted stage by stage. Lee et al. 2022, arXiv 2203.01941."""

from typing import Any

import numpy as np
import torch

from explorer.quantizers.residual import ResidualQuantizer
from explorer.quantizers.vector import VectorQuantizer

CODES = 8
SWEEPS = 12
"""Of Lloyd's algorithm, by which the code vectors of a stage find the middles of their points."""


def in_stages(points: np.ndarray, stages: int, seed: int) -> dict[str, Any]:
    """Points (n, 2) quantized in so many stages of CODES code vectors, each fitted to what the ones before left over.

    {"sums": after each stage what every point is said to be (stages, n, 2), "errors": mean squared distance to the
    points, from none of the stages to all, "codes": (stages, n), "books": code vectors (stages, CODES, 2)}.
    """
    given = torch.from_numpy(points.astype(np.float32))
    chosen, rest, fitted = np.random.default_rng(seed), given, []
    for _ in range(stages):
        fitted.append(_fitted(rest, chosen))
        rest = rest - fitted[-1](rest).quantized.detach()
    quantizer = ResidualQuantizer(fitted).eval()
    with torch.no_grad():
        codes = quantizer(given).indices
        sums = torch.stack([quantizer.vectors(codes[:, : n + 1]) for n in range(stages)])
    left = torch.cat([given[None], given - sums])
    return {
        "sums": sums.tolist(),
        "errors": left.square().sum(-1).mean(-1).tolist(),
        "codes": codes.T.tolist(),
        "books": [stage.codebook.tolist() for stage in fitted],
    }


@torch.no_grad()
def _fitted(points: torch.Tensor, chosen: np.random.Generator) -> VectorQuantizer:
    """A quantizer whose code vectors are the middles of clusters of points."""
    quantizer = VectorQuantizer(CODES, 2)
    quantizer.codebook.data = points[torch.from_numpy(chosen.choice(len(points), CODES, replace=False))].clone()
    for _ in range(SWEEPS):
        codes = quantizer(points).indices
        for code in codes.unique():
            quantizer.codebook[code] = points[codes == code].mean(0)
    return quantizer
