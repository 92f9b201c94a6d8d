"""Exact nearest-neighbour lookup in a codebook, in chunks that stay in the processor's cache."""

import torch
from torch import Tensor

CHUNK_FLOATS = 2**19
"""Distances held at once per chunk: 2 MiB, which a core's cache holds; never rows x K of them."""


@torch.no_grad()
def nearest(z: Tensor, codebook: Tensor) -> Tensor:
    """Index (N,) int64 of the row of codebook (K, D) nearest to each row of z (N, D).

    The squared distance is expanded as |z|^2 + |e|^2 - 2 z.e, where |z|^2 changes no ranking.
    """
    z, codebook = z.float(), codebook.float()
    half_norms, transposed = codebook.square().sum(1) / 2, codebook.t().contiguous()
    found = torch.empty(len(z), dtype=torch.int64, device=z.device)
    for start, rows in _chunks(z, len(codebook)):
        torch.argmin(torch.addmm(half_norms, rows, transposed, alpha=-1), 1, out=found[start : start + len(rows)])
    return found


@torch.no_grad()
def nearest_k(z: Tensor, codebook: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k nearest rows: (indices (N, k) int64, squared distances (N, k) float32), nearest first."""
    z, codebook = z.float(), codebook.float()
    k = min(k, len(codebook))
    norms, transposed = codebook.square().sum(1), codebook.t().contiguous()
    indices = torch.empty(len(z), k, dtype=torch.int64, device=z.device)
    distances = torch.empty(len(z), k, device=z.device)
    for start, rows in _chunks(z, len(codebook)):
        best = torch.addmm(norms, rows, transposed, alpha=-2).topk(k, dim=1, largest=False).indices
        # The expansion loses digits where z is close to e, so the few that matter are measured again.
        exact = (rows[:, None] - codebook[best]).square().sum(-1)
        order = exact.argsort(dim=1, stable=True)
        indices[start : start + len(rows)] = best.gather(1, order)
        distances[start : start + len(rows)] = exact.gather(1, order)
    return indices, distances


def _chunks(z: Tensor, size: int):
    step = max(1, (CHUNK_FLOATS if z.device.type == "cpu" else 64 * CHUNK_FLOATS) // size)
    for start in range(0, len(z), step):
        yield start, z[start : start + step]
