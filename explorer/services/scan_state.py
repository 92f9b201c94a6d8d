"""What a scan leaves beside its result until it is finished, so that a killed one loses a batch at most."""

import glob
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from explorer.analysis.usage import Usage, merged
from explorer.core.atomic import atomic
from explorer.core.errors import DataError
from explorer.services.scan import Scanned

ABOUT = "about"
"""Name of the entry that holds everything but the counts, as JSON."""


@dataclass(frozen=True)
class ScanState:
    """How far one process is: usage per level, files done of its own, those unreadable with why, and how many
    bytes its journal of codes has."""

    usage: dict[str, Usage]
    files: int = 0
    unreadable: tuple[tuple[str, str], ...] = ()
    journal: int = 0

    def after(self, batch: Scanned, journal: int) -> "ScanState":
        return ScanState(
            merged(self.usage, batch.usage),
            self.files + batch.files,
            (*self.unreadable, *batch.unreadable),
            journal,
        )

    def save(self, path: Path, identity: dict[str, Any]) -> None:
        """identity: what must be equal, by name, for the scan to be gone on with."""
        about = {
            "identity": identity,
            "pictures": {name: usage.pictures for name, usage in self.usage.items()},
            "files": self.files,
            "unreadable": self.unreadable,
            "journal": self.journal,
        }
        counts = {name: np.stack([usage.counts, usage.incidence]) for name, usage in self.usage.items()}
        with atomic(path) as part, part.open("wb") as file:
            np.savez(file, **{ABOUT: np.array(json.dumps(about))}, **counts)

    @classmethod
    def load(cls, path: Path, identity: dict[str, Any]) -> "ScanState | None":
        """The state left by a scan of the same identity, None where there is none."""
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                about = json.loads(str(arrays[ABOUT]))
                usage = {name: Usage(*arrays[name], pictures) for name, pictures in about["pictures"].items()}
            found, unreadable = about["identity"], tuple((name, why) for name, why in about["unreadable"])
            state = cls(usage, about["files"], unreadable, about["journal"])
        except Exception as error:
            raise DataError(f"{path} is damaged ({type(error).__name__}); delete it to start again.") from error
        changed = [key for key in identity if found.get(key) != identity[key]]
        if changed:
            raise DataError(
                f"{path} was left by a scan with another {changed[0]} ({found.get(changed[0])}, now "
                f"{identity[changed[0]]}). Choose another --out, or delete that file to start again."
            )
        return state


def beside(out: Path, kind: str, rank: int, world: int) -> Path:
    """Where process `rank` of `world` keeps its "state", or its journal of "codes"."""
    return out.with_name(f"{out.name}.{kind}-{rank}-of-{world}")


def refuse_others(out: Path, world: int) -> None:
    """A state of another number of processes can't be gone on with, since those shared the files otherwise."""
    for found in sorted(out.parent.glob(f"{glob.escape(out.name)}.state-*-of-*[0-9]")):
        left = found.name.rpartition("-")[2]
        if left != str(world):
            raise DataError(
                f"{found} was left by a scan in {left} process(es), this is one in {world}. Start as many to go on, "
                "or delete it to start again."
            )
