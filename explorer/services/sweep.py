"""The finished runs of the collapse sweep, as they lie in checkpoints/sweep, and what the FSQ paper claims."""

import logging
from functools import cache
from pathlib import Path
from typing import Any

from explorer.core.errors import JsonError
from explorer.core.untrusted_json import read_json
from explorer.models.registry import CHECKPOINTS

log = logging.getLogger(__name__)
FOLDER = CHECKPOINTS / "sweep"

CLAIMED = {
    "FSQ": ((2**10, 2**10), (2**12, 2**12), (2**14, 2**13.8), (2**16, 2**15.3)),
    "VQ": ((2**10, 2**9.8), (2**12, 2**10), (2**14, 2**8.1), (2**16, 2**7.8)),
}
"""(codebook size, used codes) over the 50,000 validation pictures of ImageNet: approximate readings of Figure 3 in
Mentzer, Minnen, Agustsson, Tschannen 2023, arXiv 2309.15505."""


@cache
def records(folder: Path = FOLDER) -> tuple[dict[str, Any], ...]:
    """One record per run, as `explorer.training.sweep` wrote it, by family, size and seed; () where there are none.

    One that is damaged is named in the log and left out.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            record = read_json(path.read_bytes(), path.name)
            found.append(((str(record["family"]), int(record["size"]), int(record["seed"])), record))
        except (OSError, JsonError, KeyError, TypeError, ValueError) as error:
            log.warning("the run in %s is left out: %s", path, error)
    return tuple(record for _, record in sorted(found, key=lambda pair: pair[0]))
