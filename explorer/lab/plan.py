"""What a run of the lab is asked to do: what it starts from, and what may change while it runs."""

import math
from dataclasses import dataclass, field
from typing import Literal

from explorer.core.errors import ConfigError
from explorer.core.quoting import quoted

Lab = Literal["points", "pictures"]
Cure = Literal["ema", "kmeans", "restart", "l2", "low_dim", "entropy", "fsq"]
CURES: tuple[Cure, ...] = ("ema", "kmeans", "restart", "l2", "low_dim", "entropy", "fsq")
DISTRIBUTIONS = ("mixture", "ring", "moons", "spiral", "drawn")

LEVELS: dict[Lab, dict[int, tuple[int, ...]]] = {
    "points": {16: (4, 4), 64: (8, 8), 256: (16, 16)},
    "pictures": {64: (8, 8), 256: (8, 6, 5), 1024: (8, 5, 5, 5)},
}
"""The codebook sizes on offer, and FSQ's levels that come nearest: squares to be seen in a plane, else the paper's."""
DIMS: dict[Lab, tuple[int, ...]] = {"points": (2, 8, 32), "pictures": (8, 32, 64)}
LOW_DIM: dict[Lab, int] = {"points": 2, "pictures": 4}
"""Floats of a code vector where the cure "low_dim" is on."""

MOST_SEED = 2**31 - 1
MOST_DRAWN = 1024


@dataclass(frozen=True)
class Plan:
    """What a run starts from; the same plan and the same settings at the same steps give the same curve, bit by bit."""

    lab: Lab = "points"
    data: str = "mixture"
    size: int = 64
    """Number of codes, K."""
    dim: int = 2
    """Floats of an encoder output, D; of a code vector too, unless a cure says otherwise."""
    seed: int = 0
    drawn: tuple[float, ...] = ()
    """Of the distribution "drawn": x and y of its points by turns, in [-2, 2]."""

    def __post_init__(self):
        _one_of("K", self.size, LEVELS[self.lab])
        _one_of("D", self.dim, DIMS[self.lab])
        if not 0 <= self.seed <= MOST_SEED:
            raise ConfigError(f"A seed is a whole number from 0 to {MOST_SEED:,}, not {quoted(self.seed)}.")
        if self.lab == "points":
            _one_of("The distribution", self.data, DISTRIBUTIONS)
        if self.data == "drawn":
            self._check_drawn()

    @property
    def levels(self) -> tuple[int, ...]:
        return LEVELS[self.lab][self.size]

    @property
    def low_dim(self) -> int:
        return LOW_DIM[self.lab]

    def _check_drawn(self) -> None:
        count = len(self.drawn) // 2
        if len(self.drawn) % 2 or not 2 <= count <= MOST_DRAWN:
            raise ConfigError(f"Draw 2 to {MOST_DRAWN:,} points; {count:,} came.")
        if not all(math.isfinite(number) and abs(number) <= 2 for number in self.drawn):
            raise ConfigError("Every coordinate of a drawn point lies between -2 and 2.")


@dataclass(frozen=True)
class Settings:
    """What may change between any two steps."""

    learning_rate: float = 1e-3
    beta: float = 0.25
    """Weight of the commitment term."""
    decay: float = 0.99
    """Of the running means, where "ema" is on."""
    cures: tuple[Cure, ...] = field(default=())

    def __post_init__(self):
        _within("The learning rate", self.learning_rate, 1e-5, 0.1)
        _within("beta", self.beta, 0.0, 10.0)
        _within("decay", self.decay, 0.0, 0.9999)
        if {"ema", "l2"} <= set(self.cures):
            raise ConfigError("Running means and l2-normalised codes exclude each other here: switch one of them off.")


def _one_of(name: str, value: object, known: object) -> None:
    if value not in known:
        raise ConfigError(f"{name} is one of {', '.join(map(str, known))}, not {quoted(value)}.")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # false for NaN too
        raise ConfigError(f"{name} lies between {low:g} and {high:g}, not at {value:g}.")
