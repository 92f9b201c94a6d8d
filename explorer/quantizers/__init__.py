"""Quantizers, one file per paper; all return `Quantized`."""

from explorer.quantizers.base import Quantized, Quantizer, straight_through
from explorer.quantizers.finite_scalar import FiniteScalarQuantizer
from explorer.quantizers.gumbel import GumbelQuantizer
from explorer.quantizers.lookup_free import LookupFreeQuantizer
from explorer.quantizers.normalized import NormalizedVectorQuantizer
from explorer.quantizers.residual import ResidualQuantizer
from explorer.quantizers.vector import VectorQuantizer
from explorer.quantizers.vector_ema import EMAVectorQuantizer

__all__ = [
    "EMAVectorQuantizer",
    "FiniteScalarQuantizer",
    "GumbelQuantizer",
    "LookupFreeQuantizer",
    "NormalizedVectorQuantizer",
    "Quantized",
    "Quantizer",
    "ResidualQuantizer",
    "VectorQuantizer",
    "straight_through",
]
