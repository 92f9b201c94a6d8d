"""What a measurement is: ours and a peer, warmed up, then timed in turn, medians compared."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

ROUNDS = 9
"""Times that each is run after warming up, at most."""

LEAST_ROUNDS = 3
PATIENCE = 30.0
"""Seconds after which a comparison stops at LEAST_ROUNDS."""


@dataclass(frozen=True)
class Row:
    """One line of the table. ours and peer in `unit`, "s" or "B"; aim: the largest ratio wanted, if there is one."""

    what: str
    ours: float
    peer_name: str
    peer: float
    aim: float | None = None
    unit: str = "s"

    @property
    def ratio(self) -> float:
        return self.ours / self.peer

    @property
    def met(self) -> bool | None:
        return None if self.aim is None else self.ratio <= self.aim


def alternate(*runs: Callable[[], object]) -> list[float]:
    """Median seconds of each run, taken in turn so that whatever else the machine does meets them all alike."""
    return [median(times) for times in rounds(*(timed(run) for run in runs))]


def rounds(*measured: Callable[[], float]) -> list[list[float]]:
    """What each returns, over several rounds; the first, in which everything is loaded and compiled, is dropped."""
    found: list[list[float]] = [[] for _ in measured]
    for measure in measured:
        measure()
    deadline = time.monotonic() + PATIENCE
    while len(found[0]) < LEAST_ROUNDS or (len(found[0]) < ROUNDS and time.monotonic() < deadline):
        for values, measure in zip(found, measured, strict=True):
            values.append(measure())
    return found


def timed(run: Callable[[], object]) -> Callable[[], float]:
    """A function that runs `run` and returns its seconds."""

    def measure() -> float:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    return measure
