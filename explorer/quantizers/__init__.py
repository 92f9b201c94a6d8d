"""Quantizers, one file per paper; all return `Quantized`."""

from explorer.quantizers.base import Quantized, Quantizer, straight_through
from explorer.quantizers.finite_scalar import FiniteScalarQuantizer
from explorer.quantizers.gumbel import GumbelQuantizer
from explorer.quantizers.vector import VectorQuantizer
from explorer.quantizers.vector_ema import EMAVectorQuantizer

__all__ = [
    "EMAVectorQuantizer",
    "FiniteScalarQuantizer",
    "GumbelQuantizer",
    "Quantized",
    "Quantizer",
    "VectorQuantizer",
    "straight_through",
]
