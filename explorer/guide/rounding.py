"""Finite scalar quantization of one cell, step by step. Mentzer et al. 2023, arXiv 2309.15505."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from explorer.core.digits import to_digits
from explorer.quantizers.finite_scalar import FiniteScalarQuantizer


def rounded(z: Sequence[float], levels: Sequence[int]) -> dict[str, Any]:
    """{"bounded": z after the bound, in steps of a digit, "digits", "code", "vector": in [-1, 1], "places", "size"}."""
    quantizer = FiniteScalarQuantizer(levels)
    latent = torch.tensor([list(z)])
    found = quantizer(latent)
    code = int(found.indices[0])
    return {
        "bounded": (quantizer.comparable(latent)[0] * (quantizer.levels // 2)).tolist(),
        "digits": to_digits(np.array(code), levels).tolist(),
        "code": code,
        "vector": found.quantized[0].tolist(),
        "places": quantizer.places.tolist(),
        "size": quantizer.size,
    }
