"""What the Collapse lab asks the server: the next frame of a run, which is trained for a moment meanwhile."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.core.errors import ConfigError, ExplorerError
from explorer.core.mosaic import mosaic
from explorer.core.quoting import sentence
from explorer.core.strict import from_json
from explorer.core.untrusted_json import read_json
from explorer.lab.plan import Plan, Settings
from explorer.lab.turns import Full, Turns
from explorer.plots.payload import data_url, packed
from explorer.ui.calls import answered

if TYPE_CHECKING:
    from explorer.lab.runs import Run, Runs

LONGEST_REQUEST = 64 * 1024
SECONDS = {"points": 0.04, "pictures": 0.12}
"""How long a run is trained for one frame, when it is the only one."""
MOST_STEPS = 20_000
"""Where a run ends, so that nothing grows for ever."""
UNIT = 1000
"""Coordinates are sent as 16-bit integers, in thousandths."""


@dataclass(frozen=True)
class Asked:
    """A request for a frame. steps: to train at most. fresh: start anew. since: step of the last reading that the page
    has; -1 for none."""

    ask: str
    key: str
    plan: Plan
    sides: tuple[Settings, ...]
    steps: int
    since: int
    fresh: bool = False

    def __post_init__(self):
        if len(self.sides) != 2 or self.steps < 0:
            raise ConfigError("A frame is of two sides, after 0 or more steps.")


class LabCalls:
    """The calls of all pages. One at a time trains, in the order of asking; see `Turns`."""

    def __init__(self):
        self._turns = Turns()

    @cached_property
    def runs(self) -> "Runs":
        from explorer.lab.runs import Runs  # imports torch, for which the page does not wait

        return Runs()

    def function(self) -> Callable[[str], Awaitable[str]]:
        """The calls as one server function, {ask: "frame", "touch" or "drop", key, ...} as JSON; see there."""

        async def lab(text: str) -> str:
            try:
                request = _read(text)
                call = {"frame": self.frame, "touch": self.touch, "drop": self.drop}[request["ask"]]
                # A page that leaves says so while its last frame is under way.
                caller = f"{request['ask']} {request['key']}"
                return await self._turns.take(caller, partial(call, text))
            except Full as error:
                return json.dumps({"full": str(error)})
            except ExplorerError as error:
                return json.dumps({"error": sentence(error)})

        return lab

    @answered
    def frame(self, request: dict[str, Any]) -> dict[str, Any]:
        """As `Asked` -> {step, most, training, sides, and data where the run is new}."""
        asked = from_json(Asked, request, "request")
        run = self.runs.find(asked.key, asked.plan, asked.sides, asked.fresh)
        known = asked.since if asked.since <= run.step and not asked.fresh else -1
        steps = min(asked.steps, MOST_STEPS - run.step)
        if steps > 0:
            self.runs.train(asked.key, steps, SECONDS[asked.plan.lab])
        views = _plane(run) if asked.plan.lab == "points" else _pictures(run)
        sides = [
            {**view, "readings": _readings(experiment, known)}
            for view, experiment in zip(views, run.sides, strict=True)
        ]
        data = {"data": _data(run)} if known < 0 else {}
        return {"step": run.step, "most": MOST_STEPS, "training": self.runs.training, "sides": sides, **data}

    @answered
    def touch(self, request: dict[str, Any]) -> dict[str, Any]:
        """{key} -> {}: the page is still there, though it does not run."""
        self.runs.touch(request["key"])
        return {}

    @answered
    def drop(self, request: dict[str, Any]) -> dict[str, Any]:
        """{key} -> {}: the page is gone, and so is its run."""
        self.runs.drop(request["key"])
        return {}


def _read(text: str) -> dict[str, Any]:
    if not isinstance(text, str) or len(text) > LONGEST_REQUEST:
        raise ConfigError(f"A request to the lab is JSON text of at most {LONGEST_REQUEST:,} characters.")
    request = read_json(text, "This request to the lab")
    known = isinstance(request, dict) and request.get("ask") in ("frame", "touch", "drop")
    if not known or not isinstance(request.get("key"), str) or not 16 <= len(request["key"]) <= 64:
        raise ConfigError('A request to the lab needs "ask" (frame, touch or drop) and a "key" of 16 to 64 characters.')
    return request


def _readings(experiment, known: int) -> list[list[float]]:
    new = [reading for reading in experiment.readings if reading.step > known]
    # JSON has no NaN: the error of a network that diverged is sent as a large one.
    return [[one.step, float(np.nan_to_num(one.loss, nan=1e6)), one.used, one.perplexity] for one in new]


def _plane(run: "Run") -> list[dict[str, Any]]:
    views = [camera.look(experiment) for camera, experiment in zip(run.cameras, run.sides, strict=True)]
    return [
        {
            "kind": experiment.bottleneck.form.kind,
            "dim": experiment.bottleneck.form.dim,
            "explained": view.explained,
            "latents": _thousandths(view.latents),
            "codes": _thousandths(view.codes),
            "decoded": _thousandths(view.decoded),
            "indices": packed(view.indices.astype(np.uint16)),
        }
        for view, experiment in zip(views, run.sides, strict=True)
    ]


def _pictures(run: "Run") -> list[dict[str, Any]]:
    from explorer.lab.pictures import look

    found = []
    for experiment in run.sides:
        view = look(experiment)
        sheet, columns = mosaic(view.swatches)
        found.append(
            {
                "kind": experiment.bottleneck.form.kind,
                "dim": experiment.bottleneck.form.dim,
                "pictures": data_url(_in_rows(view.reconstructions), 90),
                "sheet": data_url(sheet, 90),
                "columns": columns,
                "counts": packed(view.counts.astype(np.uint16)),
            }
        )
    return found


def _data(run: "Run") -> str:
    """What both sides learn: points in thousandths, or the pictures."""
    if run.plan.lab == "points":
        return _thousandths(run.sides[0].task.everything.numpy())
    from explorer.lab.pictures import originals

    return data_url(_in_rows(originals()), 90)


def _in_rows(pictures: np.ndarray) -> np.ndarray:
    """Pictures (8, H, W, 3) as one of two rows of four."""
    return np.concatenate([np.concatenate(list(row), 1) for row in np.split(pictures, 2)], 0)


def _thousandths(array: np.ndarray) -> str:
    return packed(np.clip(np.rint(UNIT * np.nan_to_num(array)), -32767, 32767).astype(np.int16))
