"""Finite scalar quantization: round every channel to a few levels.

Mentzer, Minnen, Agustsson, Tschannen 2023, "Finite Scalar Quantization: VQ-VAE Made Simple",
arXiv 2309.15505. Its bound exists in two published variants that disagree on 1 to 2 % of codes, so
each has a name here and in the spec.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from explorer.quantizers.base import MAX_TABULATED, Quantized, Quantizer, straight_through
from explorer.quantizers.nearest import nearest_k

EPS = 1e-3
TOGETHER = 64
"""Cells that are worked on side by side, where their number allows."""


def bound_tan(z: Tensor, levels: Tensor) -> Tensor:
    """The bound of the paper's notebook: half = (L - 1)(1 - eps)/2 and shift = tan(offset / half)."""
    half = (levels - 1) * (1 - EPS) / 2
    offset = torch.where(levels % 2 == 0, 0.5, 0.0)
    return torch.addcmul(-offset, (z + torch.tan(offset / half)).tanh_(), half)


def bound_atanh(z: Tensor, levels: Tensor) -> Tensor:
    """The bound of the common PyTorch port: half = (L - 1)(1 + eps)/2 and shift = atanh(offset / half)."""
    half = (levels - 1) * (1 + EPS) / 2
    offset = torch.where(levels % 2 == 0, 0.5, 0.0)
    return torch.addcmul(-offset, (z + torch.atanh(offset / half)).tanh_(), half)


BOUNDS = {"tan": bound_tan, "atanh": bound_atanh}


class FiniteScalarQuantizer(Quantizer):
    """Channel i is bounded and rounded to one of levels[i] values; the codebook is all combinations.

    bound: "tan" (the paper's notebook) or "atanh" (the PyTorch port). Code vectors lie in [-1, 1];
    the index is a mixed-radix number, first channel fastest. No losses, nothing to collapse.
    """

    def __init__(self, levels: Sequence[int], bound: str = "atanh"):
        super().__init__()
        self.size, self.dim, self.latent_dim = math.prod(levels), len(levels), len(levels)
        self.bound = BOUNDS[bound]
        places = [math.prod(levels[:i]) for i in range(len(levels))]
        self.register_buffer("levels", torch.tensor(levels, dtype=torch.int64), persistent=False)
        self.register_buffer("places", torch.tensor(places, dtype=torch.int64), persistent=False)

    def forward(self, z: Tensor) -> Quantized:
        with torch.autocast(z.device.type, enabled=False):
            # Many cells side by side: torch is several times slower where it broadcasts over a last dimension of four.
            together = math.gcd(z.numel() // self.dim, TOGETHER)
            cells = z.float().reshape(z.numel() // (together * self.dim), together * self.dim)
            levels = self.levels.repeat(together)
            half = levels // 2
            bounded = self.bound(cells, levels)
            rounded = bounded.detach().round()  # the digits, less half
            whole = torch.float32 if self.size <= 2**24 else torch.float64  # holds every index exactly
            places = self.places.to(whole)
            lowest = (places * (self.levels // 2)).sum()
            indices = (rounded.to(whole).reshape(z.numel() // self.dim, self.dim) @ places).add_(lowest).long()
            chosen = rounded.div_(half)
            if bounded.requires_grad:
                chosen = straight_through(bounded / half, chosen)
            return Quantized(chosen.reshape(z.shape), indices.reshape(z.shape[:-1]))

    def vectors(self, indices: Tensor) -> Tensor:
        digits = indices[..., None] // self.places % self.levels
        half = self.levels // 2
        return (digits.float() - half) / half

    def comparable(self, z: Tensor) -> Tensor:
        return self.bound(z.float(), self.levels) / (self.levels // 2)

    def rank(self, z: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Costs are squared distances in rounding units (a step of any digit is 1), after the bound."""
        if self.size > MAX_TABULATED:
            raise ValueError(f"{self.size:,} implicit codes are not tabulated; the limit is {MAX_TABULATED:,}.")
        half = (self.levels // 2).float()
        table = self.vectors(torch.arange(self.size, device=z.device)) * half
        bounded = self.bound(z.float(), self.levels).reshape(-1, self.dim)
        indices, distances = nearest_k(bounded, table, k)
        return indices.reshape(*z.shape[:-1], -1), distances.reshape(*z.shape[:-1], -1)
