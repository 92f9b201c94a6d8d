"""The state of a run on disk: written atomically, so that a kill at any moment leaves a whole one."""

import json
from pathlib import Path
from typing import Any

import torch

from explorer.core.atomic import atomic
from explorer.core.errors import CheckpointError

STATE = "training_state.pt"
LOG = "training_log.jsonl"


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Replace the run's state; on a full disk the previous one stays and a DataError says so."""
    with atomic(folder / STATE) as path:
        torch.save(state, path)


def load_state(folder: Path) -> dict[str, Any] | None:
    """The run's last state as plain tensors, None where there is none."""
    path = folder / STATE
    if not path.exists():
        return None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CheckpointError(f"{path} is damaged ({type(error).__name__}); delete it to start again.") from error


class CurveLog:
    """training_log.jsonl: one line of figures per interval; on resume, lines after the state are dropped."""

    def __init__(self, folder: Path, resume_at: int):
        self.path = folder / LOG
        lines = self.path.read_text(encoding="utf-8").splitlines() if resume_at and self.path.exists() else []
        kept = [line for line in lines if _step(line) <= resume_at]
        self.path.write_text("".join(line + "\n" for line in kept), encoding="utf-8")

    def write(self, figures: dict[str, Any]) -> None:
        rounded = {key: float(f"{value:.5g}") if isinstance(value, float) else value for key, value in figures.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(rounded) + "\n")


def _step(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError):  # a line cut off by a kill
        return float("inf")
