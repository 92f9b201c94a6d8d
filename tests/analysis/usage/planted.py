"""Distributions over 1,024 codes of which everything is known."""

import numpy as np

SIZE = 1024
DRAWS = 1000


def uniform(possible: int) -> np.ndarray:
    """The first `possible` codes equally likely, the others dead."""
    return np.where(np.arange(SIZE) < possible, 1 / possible, 0.0)


def zipf(exponent: float) -> np.ndarray:
    """The code of rank r as likely as r^-exponent."""
    weights = np.arange(1, SIZE + 1.0) ** -exponent
    return weights / weights.sum()


def counts(probabilities: np.ndarray, tokens: int, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """(draws, SIZE) int64 counts of so many independent tokens."""
    return np.random.default_rng(seed).multinomial(tokens, probabilities, size=draws)
