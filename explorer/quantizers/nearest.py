"""Exact nearest-neighbour lookup in a codebook, in tiles of distances that stay in the processor's cache."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK_FLOATS = 2**21
"""Distances held at once, 8 MiB; never rows x K of them. A GPU, which has no such cache, is given 16 times as many."""

TILE_CODES = 4096
"""Codes of a tile; a larger codebook is searched tile by tile, and the best of the tiles taken."""

BLOCK = 128
"""Codes of a block. torch finds a minimum with vector instructions, but where it lies one number at a time;
so the place is looked for among the minima of blocks, and then inside a block, not among all codes."""


@torch.no_grad()
def nearest(z: Tensor, codebook: Tensor) -> Tensor:
    """Index (N,) int64 of the row of codebook (K, D) nearest to each row of z (N, D); the first of equals.

    The squared distance is expanded as |z|^2 + |e|^2 - 2 z.e, where |z|^2 changes no ranking.
    """
    found = torch.zeros(len(z), dtype=torch.int64, device=z.device)
    for rows, tiles in _tiles(z.float(), codebook.float()):
        best = None
        for first, distances in tiles:
            lowest, block = distances.amin(2).min(1)
            inside = distances.gather(1, block[:, None, None].expand(-1, 1, BLOCK)).squeeze(1).argmin(1)
            index = first + block * BLOCK + inside
            if best is None:
                best, found[rows] = lowest, index
            else:
                found[rows] = torch.where(lowest < best, index, found[rows])
                best = torch.minimum(best, lowest)
    return found.clamp_(max=len(codebook) - 1)  # only latents that are not finite can have found the padding


@torch.no_grad()
def nearest_k(z: Tensor, codebook: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k nearest rows: (indices (N, k) int64, squared distances (N, k) float32), nearest first."""
    z, codebook = z.float(), codebook.float()
    k = min(k, len(codebook))
    indices = torch.empty(len(z), k, dtype=torch.int64, device=z.device)
    distances = torch.empty(len(z), k, device=z.device)
    for rows, tiles in _tiles(z, codebook):
        costs, codes = zip(*(_lowest(tile, k, first) for first, tile in tiles), strict=True)
        best = torch.cat(codes, 1).gather(1, torch.cat(costs, 1).topk(k, largest=False).indices)
        best = best.clamp_(max=len(codebook) - 1)
        # The expansion loses digits where z is close to e, so the few that matter are measured again.
        exact = (z[rows, None] - codebook[best]).square().sum(-1)
        order = exact.argsort(dim=1, stable=True)
        indices[rows], distances[rows] = best.gather(1, order), exact.gather(1, order)
    return indices, distances


def _lowest(distances: Tensor, k: int, first: int) -> tuple[Tensor, Tensor]:
    """The k lowest of distances (n, blocks, BLOCK), as (costs, codes): they lie in the k blocks of lowest minima."""
    blocks = distances.amin(2).topk(min(k, distances.shape[1]), largest=False).indices
    inside = distances.gather(1, blocks[..., None].expand(-1, -1, BLOCK)).flatten(1)
    costs, places = inside.topk(min(k, inside.shape[1]), largest=False)
    return costs, first + blocks.gather(1, places // BLOCK) * BLOCK + places % BLOCK


def _tiles(z: Tensor, codebook: Tensor) -> Iterator[tuple[slice, Iterator[tuple[int, Tensor]]]]:
    """Per chunk of rows: their slice, and tiles (first code, half squared distances (n, blocks, BLOCK) less |z|^2 / 2).

    The codebook is filled up to whole blocks with codes that are infinitely far away. A tile is
    overwritten by the next one.
    """
    filling = -len(codebook) % BLOCK
    half_norms = F.pad(codebook.square().sum(1) / 2, (0, filling), value=torch.inf)
    transposed = F.pad(codebook, (0, 0, 0, filling)).t()
    size = len(half_norms)
    width = min(size, TILE_CODES)
    step = max(1, (CHUNK_FLOATS if z.device.type == "cpu" else 16 * CHUNK_FLOATS) // width)
    held = z.new_empty(min(step, len(z)) * width)

    def tiles(rows: Tensor) -> Iterator[tuple[int, Tensor]]:
        for first in range(0, size, width):
            codes = slice(first, min(first + width, size))
            tile = held[: len(rows) * (codes.stop - first)].view(len(rows), -1)
            torch.addmm(half_norms[codes], rows, transposed[:, codes], alpha=-1, out=tile)
            yield first, tile.view(len(rows), -1, BLOCK)

    for start in range(0, len(z), step):
        rows = slice(start, min(start + step, len(z)))
        yield rows, tiles(z[rows])
