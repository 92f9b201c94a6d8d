"""The finished runs of the collapse sweep, as they lie in checkpoints/sweep."""

import json
from functools import cache
from typing import Any

from explorer.models.registry import CHECKPOINTS

FOLDER = CHECKPOINTS / "sweep"


@cache
def records() -> tuple[dict[str, Any], ...]:
    """One record per run, as `explorer.training.sweep` wrote it, by family, size and seed; () where there are none."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")]
    return tuple(sorted(found, key=lambda record: (record["family"], record["size"], record["seed"])))
