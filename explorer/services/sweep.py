"""The finished runs of the collapse sweep, as they lie in checkpoints/sweep, and what the FSQ paper claims."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from explorer.models.registry import CHECKPOINTS

FOLDER = CHECKPOINTS / "sweep"

CLAIMED = {
    "FSQ": ((2**10, 2**10), (2**12, 2**12), (2**14, 2**13.8), (2**16, 2**15.3)),
    "VQ": ((2**10, 2**9.8), (2**12, 2**10), (2**14, 2**8.1), (2**16, 2**7.8)),
}
"""(codebook size, used codes) over the 50,000 validation pictures of ImageNet: approximate readings of Figure 3 in
Mentzer, Minnen, Agustsson, Tschannen 2023, arXiv 2309.15505."""


@cache
def records(folder: Path = FOLDER) -> tuple[dict[str, Any], ...]:
    """One record per run, as `explorer.training.sweep` wrote it, by family, size and seed; () where there are none."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    return tuple(sorted(found, key=lambda record: (record["family"], record["size"], record["seed"])))
