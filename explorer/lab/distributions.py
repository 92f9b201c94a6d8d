"""Points in the plane for the 2-D lab: four distributions, and one that a person drew."""

import numpy as np

POINTS = 1024
"""Points of a distribution."""


def mixture(random: np.random.Generator) -> np.ndarray:
    """Eight Gaussian blobs on a circle."""
    angles = 2 * np.pi * random.integers(0, 8, POINTS) / 8
    return 1.35 * _circle(angles) + 0.18 * random.standard_normal((POINTS, 2))


def ring(random: np.random.Generator) -> np.ndarray:
    return 1.35 * _circle(random.uniform(0, 2 * np.pi, POINTS)) + 0.1 * random.standard_normal((POINTS, 2))


def moons(random: np.random.Generator) -> np.ndarray:
    """Two half circles that reach into each other."""
    arc, upper = _circle(random.uniform(0, np.pi, POINTS)), random.random(POINTS) < 0.5
    points = np.where(upper[:, None], arc - [0.5, 0.25], [0.5, 0.25] - arc)
    return 1.25 * points + 0.09 * random.standard_normal((POINTS, 2))


def spiral(random: np.random.Generator) -> np.ndarray:
    """One arm of a turn and a half, as dense outside as inside."""
    angles = 3 * np.pi * np.sqrt(random.uniform(0.02, 1, POINTS))
    return 0.19 * angles[:, None] * _circle(angles) + 0.06 * random.standard_normal((POINTS, 2))


NAMED = {"mixture": mixture, "ring": ring, "moons": moons, "spiral": spiral}


def points(name: str, seed: int, drawn: tuple[float, ...] = ()) -> np.ndarray:
    """POINTS points (N, 2) float32 that lie around 0, mostly within 2; the same for the same seed.

    "drawn": points picked at random among those drawn (x and y by turns), each with a little noise.
    """
    random = np.random.default_rng(seed)
    if name == "drawn":
        given = np.asarray(drawn).reshape(-1, 2)
        found = given[random.integers(0, len(given), POINTS)] + 0.03 * random.standard_normal((POINTS, 2))
    else:
        found = NAMED[name](random)
    return found.astype(np.float32)


def _circle(angles: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angles), np.sin(angles)], 1)
