"""The runs of all pages: each two experiments in step, kept for as long as somebody asks for them.

Nothing trains by itself. A page asks for its next frame, and as part of the answer its run is trained for a moment;
a page that was closed asks no more.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch

from explorer.lab.experiment import Experiment
from explorer.lab.pictures import PicturesTask
from explorer.lab.plan import Plan, Settings
from explorer.lab.points import PlaneCamera, PointsTask

TASKS = {"points": PointsTask, "pictures": PicturesTask}
Sides = tuple[Settings, Settings]


class Run:
    """Two experiments of one plan: the same networks, data and batches, but for the cures of each side."""

    def __init__(self, plan: Plan, settings: Sides):
        self.plan = plan
        task = TASKS[plan.lab](plan)
        self.sides = tuple(Experiment(task, plan, side) for side in settings)
        self.cameras = tuple(PlaneCamera() for _ in self.sides)

    @property
    def step(self) -> int:
        return self.sides[0].step

    def adjust(self, settings: Sides) -> None:
        for experiment, side in zip(self.sides, settings, strict=True):
            if side != experiment.settings:
                experiment.adjust(side)

    def advance(self, steps: int, seconds: float, clock: Callable[[], float] = time.perf_counter) -> None:
        """At most so many steps of both sides; none is begun after so many seconds, but the first."""
        end = clock() + seconds
        for done in range(steps):
            if done and clock() >= end:
                return
            for experiment in self.sides:
                experiment.advance()


def warm_up() -> None:
    """Has torch load what it loads at the first step of any optimizer, seconds before somebody waits for it."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([parameter], fused=True)
    parameter.square().sum().backward()
    optimizer.step()


@dataclass
class _Kept:
    run: Run
    asked: float
    trained: float = -1e9


class Runs:
    """Runs by the key of their page: `most` at once, and none for longer than `idle` seconds after its page last asked.

    To be called by one thread at a time; `Turns` sees to that.
    """

    def __init__(self, most: int = 128, idle: float = 180.0, clock: Callable[[], float] = time.monotonic):
        self._most, self._idle, self._clock = most, idle, clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def find(self, key: str, plan: Plan, settings: Sides, fresh: bool = False) -> Run:
        """The run of a page with these settings from now on; a new one where it has none, another plan, or asks so."""
        self._forget()
        kept = self._kept.get(key)
        if kept is None or fresh or kept.run.plan != plan:
            kept = self._kept[key] = _Kept(Run(plan, settings), self._clock())
        kept.asked = self._clock()
        kept.run.adjust(settings)
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return kept.run

    def train(self, key: str, steps: int, seconds: float) -> None:
        """Train a page's run for a moment; the moment is shorter the more pages train."""
        kept = self._kept[key]
        kept.trained = self._clock()
        kept.run.advance(steps, seconds / self.training)

    def touch(self, key: str) -> None:
        """The page is still there."""
        if key in self._kept:
            self._kept[key].asked = self._clock()
            self._kept.move_to_end(key)

    def drop(self, key: str) -> None:
        self._kept.pop(key, None)

    @property
    def training(self) -> int:
        """Pages whose runs were trained in the last two seconds."""
        now = self._clock()
        return sum(now - kept.trained <= 2 for kept in self._kept.values())

    def __len__(self) -> int:
        self._forget()
        return len(self._kept)

    def _forget(self) -> None:
        oldest = self._clock() - self._idle
        for key in [key for key, kept in self._kept.items() if kept.asked < oldest]:
            del self._kept[key]
