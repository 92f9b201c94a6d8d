"""Codes as mixed-radix numbers: how an FSQ or LFQ index is made of digits.

The first channel is the fastest: index = sum_i digit_i * basis_i with basis = 1, L_1, L_1 L_2, ...
(Mentzer, Minnen, Agustsson, Tschannen 2023, arXiv 2309.15505).
"""

import math
from collections.abc import Sequence

import numpy as np


def basis(radices: Sequence[int]) -> tuple[int, ...]:
    """Place value of every digit, first channel fastest."""
    return tuple(math.prod(radices[:i]) for i in range(len(radices)))


def to_digits(indices: np.ndarray, radices: Sequence[int]) -> np.ndarray:
    """Digits (..., d) int64 of indices (...), each in [0, radix)."""
    places = np.asarray(basis(radices), dtype=np.int64)
    return np.asarray(indices, dtype=np.int64)[..., None] // places % np.asarray(radices, dtype=np.int64)


def from_digits(digits: np.ndarray, radices: Sequence[int]) -> np.ndarray:
    """Indices (...) int64 of digits (..., d); the inverse of `to_digits`."""
    return (np.asarray(digits, dtype=np.int64) * np.asarray(basis(radices), dtype=np.int64)).sum(-1)
