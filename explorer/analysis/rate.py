"""Bits that codes cost: nominal, and entropy-coded with the statistics of what is coded."""

import math

import numpy as np

from explorer.analysis.usage import Usage
from explorer.core.codes import Codes
from explorer.core.spec import TokenizerSpec


def nominal_bits(spec: TokenizerSpec, codes: Codes) -> float:
    """Bits of one picture's codes at log2 K each, over all levels."""
    return sum(codes[level.name][0].size * math.log2(spec.codebook(level.name).size) for level in spec.levels)


def entropy_bits(spec: TokenizerSpec, codes: Codes, reference: dict[str, np.ndarray] | None = None) -> float:
    """Bits of one picture's codes under an ideal entropy coder, over all levels.

    reference: level -> counts (K,) of a reference set, the code's probabilities then being
    (count + 1) / (N + K). Without one, the picture's own histogram, whose cost to transmit is not
    counted, so that the figure is a lower bound.
    """
    bits = 0.0
    for level in spec.levels:
        own = Usage.of(codes[level.name][0], spec.codebook(level.name).size)
        if reference is None:
            bits += own.entropy * own.tokens
        else:
            counts = reference[level.name]
            probabilities = (counts + 1) / (counts.sum() + len(counts))
            bits -= float((own.counts * np.log2(probabilities)).sum())
    return bits
