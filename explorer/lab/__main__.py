"""`python -m explorer.lab --seeds 10`: how many codes are used with each cure, as a Markdown table."""

import argparse
import statistics
from collections.abc import Iterator, Sequence

from explorer.lab.cures import TEXTS
from explorer.lab.experiment import Experiment, Reading
from explorer.lab.plan import Cure, Plan, Settings
from explorer.lab.points import PointsTask

HARD = {"data": "moons", "dim": 32}
"""Where code vectors have many dimensions, for the cure that takes them away."""


def rows() -> Iterator[tuple[str, Plan, tuple[Cure, ...]]]:
    """(name, plan, cures) of every row, for seed 0."""
    titles = {text.key: text.title for text in TEXTS}
    yield "plain VQ", Plan(), ()
    for cure in ("ema", "kmeans", "restart", "l2", "entropy", "fsq"):
        yield titles[cure], Plan(), (cure,)
    yield "plain VQ, moons, D = 32", Plan(**HARD), ()
    yield f"{titles['low_dim']} (2), moons, D = 32", Plan(**HARD), ("low_dim",)


def last_readings(plan: Plan, cures: tuple[Cure, ...], steps: int, seeds: int) -> list[Reading]:
    """The reading after so many steps, for every seed."""
    found = []
    for seed in range(seeds):
        seeded = Plan(plan.lab, plan.data, plan.size, plan.dim, seed)
        experiment = Experiment(PointsTask(seeded), seeded, Settings(cures=cures))
        for _ in range(steps):
            experiment.advance()
        found.append(experiment.readings[-1])
    return found


def line(name: str, readings: Sequence[Reading]) -> str:
    used = sorted(reading.used for reading in readings)
    perplexity = statistics.median(reading.perplexity for reading in readings)
    error = statistics.median(reading.loss for reading in readings)
    return (
        f"| {name} | {statistics.median(used):g} | {used[0]} to {used[-1]} | {perplexity:.1f} | {100 * error:.1f} % |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m explorer.lab", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds, from 0 (10)")
    parser.add_argument("--steps", type=int, default=1000, help="steps of training (1000)")
    options = parser.parse_args()
    print(f"Codes used of 64 over 1,024 points after {options.steps:,} steps, median of {options.seeds} seeds.\n")
    print("| | codes used | lowest to highest | perplexity | error, of the variance |\n|---|---|---|---|---|")
    for name, plan, cures in rows():
        print(line(name, last_readings(plan, cures, options.steps, options.seeds)), flush=True)


if __name__ == "__main__":
    main()
