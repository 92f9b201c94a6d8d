"""A scan of a whole data set: shared by processes, gone on with after a kill, written as JSON and parquet."""

import contextlib
import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from explorer.analysis.usage import Usage, figures
from explorer.core.atomic import atomic
from explorer.core.errors import DataError
from explorer.core.images import Fit
from explorer.core.picture_files import picture_files
from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import Tokenizer
from explorer.services.codes_table import CodesJournal, write_parquet
from explorer.services.processes import Processes
from explorer.services.scan import BATCH, scan
from explorer.services.scan_state import ScanState, beside, refuse_others

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScanOptions:
    """data: a folder, tar or zip. out: the JSON to write; a state lies beside it until then. codes: the parquet
    file to write, if any. size in pixels, and how pictures are fitted to it."""

    data: Path
    out: Path
    codes: Path | None = None
    size: int = 256
    how: Fit = "square"
    batch: int = BATCH


def scan_data(
    tokenizer: Tokenizer,
    options: ScanOptions,
    processes: Processes | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Count the codes of every picture of a data set; returns what it writes to `options.out`.

    Process r of n takes files r, r + n, r + 2n, ... Its state is saved after every batch, so that the same
    call goes on after a kill. progress: told how many of how many files this process has done.
    """
    processes = processes or Processes()
    spec, rank, world = tokenizer.spec, processes.rank, processes.world
    _make_room(options)
    refuse_others(options.out, world)
    files, names = _listed(options.data)
    identity = {
        "model": spec.id,
        "sha256": spec.sha256,
        "size": options.size,
        "fit": options.how,
        "number of files": files,
        "list of files": names,
        "choice of --codes": options.codes is not None,
    }
    path = beside(options.out, "state", rank, world)
    nothing = {level.name: Usage.nothing(spec.codebook(level.name).size) for level in spec.levels}
    state = ScanState.load(path, identity) or ScanState(nothing)
    rest = islice(picture_files(options.data), rank + state.files * world, None, world)
    own = len(range(rank, files, world))
    progress(state.files, own)
    with (
        contextlib.closing(scan(tokenizer, rest, options.size, options.how, options.batch)) as batches,
        contextlib.closing(_journal(spec, options, processes, state.journal)) as journal,
    ):
        for batch in batches:
            for name, why in batch.unreadable:
                log.warning("skipped %s: %s", name, why)
            journal.append(batch.codes)
            state = state.after(batch, journal.size)
            state.save(path, identity)
            progress(state.files, own)
    return _finish(spec, options, processes, state)


def _finish(spec: TokenizerSpec, options: ScanOptions, processes: Processes, state: ScanState) -> dict[str, Any]:
    """Add up all processes, write the results and remove what was kept for going on."""
    usage = {
        name: Usage(processes.sum(own.counts), processes.sum(own.incidence), int(processes.sum(np.array(own.pictures))))
        for name, own in state.usage.items()
    }
    pictures = usage[spec.levels[0].name].pictures
    unreadable = sorted(processes.gather(list(state.unreadable)))
    if not pictures:
        raise DataError(f"None of the {len(unreadable)} picture files in {options.data} could be read.")
    record = {
        "model": spec.id,
        "sha256": spec.sha256,
        "data": options.data.resolve().name,
        "size": options.size,
        "fit": options.how,
        "pictures": pictures,
        "unreadable": [{"file": name, "why": why} for name, why in unreadable],
        "levels": {name: figures(found) for name, found in usage.items()},
    }
    if processes.rank == 0:
        if options.codes:
            about = {key: str(record[key]) for key in ("model", "sha256", "data", "size", "fit", "pictures")}
            journals = [beside(options.out, "codes", rank, processes.world) for rank in range(processes.world)]
            write_parquet(journals, options.codes, about)
        with atomic(options.out) as path:
            path.write_text(json.dumps(record) + "\n", encoding="utf-8")
    processes.gather([])  # until then the others' journals are read
    for kind in ("state", "codes"):
        beside(options.out, kind, processes.rank, processes.world).unlink(missing_ok=True)
    return record


def _make_room(options: ScanOptions) -> None:
    """Find out before the work, not after it, that its results can't be written."""
    for path in (options.out, options.codes):
        if path and path.is_dir():
            raise DataError(f"{path} is a folder. Give the name of a file to write.")
        try:
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"The folder of {path} can't be made: {error.strerror}.") from error


def _journal(spec: TokenizerSpec, options: ScanOptions, processes: Processes, size: int) -> "CodesJournal | _NoJournal":
    if options.codes is None:
        return _NoJournal()
    path = beside(options.out, "codes", processes.rank, processes.world)
    return CodesJournal(path, [level.name for level in spec.levels], size)


class _NoJournal:
    """Stands for a journal where no codes are wanted."""

    size = 0

    def append(self, rows) -> None: ...

    def close(self) -> None: ...


def _listed(data: Path) -> tuple[int, str]:
    """How many pictures there are, and a digest of their names and sizes."""
    count, digest = 0, hashlib.sha256()
    for file in picture_files(data):
        count += 1
        digest.update(f"{file.name}\0{file.size}\n".encode(errors="surrogateescape"))
    return count, digest.hexdigest()[:12]
