"""Encoder outputs to codes and back, by the quantizer that the cures ask for; cures can be thrown at any step.

Which cure is whose:
ema       running means in place of the codebook loss: van den Oord et al. 2017, arXiv 1711.00937, appendix A.1
kmeans    start on k-means of encoder outputs: Zeghidour et al. 2021, arXiv 2107.03312; also in the midst of a run:
          Lancucki et al. 2020, arXiv 2005.08520
l2        code vectors and encoder outputs of length 1: Yu et al. 2021, arXiv 2110.04627
low_dim   look up in few dimensions, between two linear maps: the same paper
fsq       no learned codebook: Mentzer et al. 2023, arXiv 2309.15505
("restart" and "entropy" are of the training, in `experiment`.)
"""

from dataclasses import dataclass

import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor, nn

from explorer.lab.plan import Cure, Plan
from explorer.quantizers import (
    EMAVectorQuantizer,
    FiniteScalarQuantizer,
    NormalizedVectorQuantizer,
    Quantized,
    Quantizer,
    VectorQuantizer,
)
from explorer.quantizers.seeded import seeded

LEARNED = {"vector": VectorQuantizer, "vector_ema": EMAVectorQuantizer, "normalized": NormalizedVectorQuantizer}


@dataclass(frozen=True)
class Form:
    """Which quantizer, and of how many floats its code vectors are."""

    kind: str
    dim: int

    @classmethod
    def of(cls, plan: Plan, cures: tuple[Cure, ...]) -> "Form":
        if "fsq" in cures:
            return cls("finite_scalar", len(plan.levels))
        kind = "vector_ema" if "ema" in cures else "normalized" if "l2" in cures else "vector"
        return cls(kind, min(plan.low_dim, plan.dim) if "low_dim" in cures else plan.dim)

    @property
    def learned(self) -> bool:
        return self.kind in LEARNED


class Bottleneck(nn.Module):
    """Encoder outputs (..., D) in, `Quantized` with decoder inputs (..., D) out.

    Where code vectors have other than D floats, a linear map leads to them and another one back.
    """

    def __init__(self, plan: Plan, form: Form):
        super().__init__()
        self.form = form
        between = form.dim != plan.dim
        self.down = nn.Linear(plan.dim, form.dim) if between else nn.Identity()
        self.up = nn.Linear(form.dim, plan.dim) if between else nn.Identity()
        self.quantizer: Quantizer = (
            LEARNED[form.kind](plan.size, form.dim) if form.learned else FiniteScalarQuantizer(plan.levels)
        )

    def forward(self, z: Tensor) -> Quantized:
        found = self.quantizer(self.down(z))
        return Quantized(self.up(found.quantized), found.indices, found.losses)

    def comparable(self, z: Tensor) -> Tensor:
        """Encoder outputs (..., D) as they are compared with code vectors, (..., d)."""
        return self.quantizer.comparable(self.down(z))

    def code_vectors(self) -> Tensor:
        """All code vectors (K, d)."""
        return self.quantizer.vectors(torch.arange(self.quantizer.size))

    @torch.no_grad()
    def place(self, vectors: Tensor) -> None:
        """Put the learned code vectors (K, d) somewhere."""
        self.quantizer.reseat(torch.arange(self.quantizer.size), vectors)


def seeded_bottleneck(plan: Plan, form: Form) -> Bottleneck:
    """A new bottleneck, the same for the same seed; its codebook starts as its paper says."""
    with seeded(plan.seed + 1):
        return Bottleneck(plan, form)


def k_means(rows: Tensor, size: int, seed: int) -> Tensor:
    """`size` centres (size, d) of rows (N, d): Lloyd's iterations from a k-means++ start."""
    centres, _ = kmeans2(rows.detach().double().numpy(), size, iter=10, minit="++", seed=seed)
    return torch.from_numpy(centres).float()
