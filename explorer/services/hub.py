"""The files of published tokenizers: from a catalogue entry to huggingface_hub's cache on this machine."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from explorer.adapters.catalogue import MAX_BYTES, Entry
from explorer.core.atomic import no_room
from explorer.core.errors import DownloadError

PATIENCE = 4.0
"""Seconds within which the Hub has to answer at all."""

Progress = Callable[[str, int, int | None], None]
"""Called with the file's name, the bytes that have come, and the bytes there are."""


@dataclass(frozen=True)
class Fetched:
    """Where the files of an entry lie on this machine, in the entry's order, and its config.json."""

    files: tuple[Path, ...]
    config: Path | None = None


def cached(entry: Entry, keep_in: Path | None = None) -> Fetched | None:
    """The files of an entry where all have been downloaded before; asks no network. keep_in: another cache."""
    from huggingface_hub import try_to_load_from_cache

    if entry.repo is None:
        return None
    where = {"cache_dir": keep_in, "revision": entry.revision}
    paths = [try_to_load_from_cache(entry.repo, name, **where) for name in _names(entry)]
    return _fetched(entry, paths) if all(isinstance(path, str) for path in paths) else None


def download(
    entry: Entry,
    progress: Progress = lambda name, done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
    endpoint: str | None = None,
    *,
    keep_in: Path | None = None,
    largest: int | None = None,
    token: Literal[False] | None = None,
) -> Fetched:
    """Fetch the files of an entry that are not here yet; a DownloadError says what is wrong, within seconds offline.

    cancelled: asked between chunks; once it is true a DownloadError ends the download. endpoint: of a mirror.
    keep_in: a folder in place of the cache. largest: bytes of a file, fewer than MAX_BYTES. token: False to ask as
    nobody, else as whoever is logged in here.
    """
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if found := cached(entry, keep_in):
        return found
    if entry.repo is None:
        raise DownloadError(f"{entry.title} is not on the Hub. {entry.needs} It is published at {entry.url}.")
    _check_reachable(entry, endpoint or constants.ENDPOINT)
    constants.HF_HUB_DISABLE_XET = True  # its downloads report to another thread, from which nothing can be cancelled
    source = {"repo_id": entry.repo, "revision": entry.revision, "endpoint": endpoint, "etag_timeout": PATIENCE}
    source |= {"cache_dir": keep_in, "token": token}
    paths = []
    try:
        for name in _names(entry):
            size = hf_hub_download(filename=name, dry_run=True, **source).file_size
            if size is not None and size > (largest or MAX_BYTES):
                raise DownloadError(f"{name} has {size / 2**30:.1f} GiB, more than is opened here.")
            paths.append(hf_hub_download(filename=name, tqdm_class=_reporting(name, progress, cancelled), **source))
    except DownloadError:
        raise
    except GatedRepoError as error:
        raise DownloadError(
            f"{entry.repo} is given only to those who accept its licence: do so at {entry.source}, then log in here "
            "with `hf auth login`."
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError, EntryNotFoundError) as error:
        raise DownloadError(f"The Hub has no {name} in {entry.repo}, or nobody may read it.") from error
    except Exception as error:  # the hub's client and its transport each have errors of their own
        if no_room(error):
            raise DownloadError(
                f"There is no room on the disk here for {entry.title}: {name} could not be kept. Free some space and "
                "try again; what has come is not fetched twice."
            ) from error
        raise DownloadError(f"{entry.title} could not be downloaded: {error}. Try again.") from error
    return _fetched(entry, paths)


def _names(entry: Entry) -> list[str]:
    return [file.name for file in entry.files] + ([entry.config] if entry.config else [])


def _fetched(entry: Entry, paths: Sequence[str]) -> Fetched:
    files, config = paths[: len(entry.files)], paths[len(entry.files) :]
    return Fetched(tuple(map(Path, files)), Path(config[0]) if config else None)


def _check_reachable(entry: Entry, endpoint: str) -> None:
    """Ask the Hub for anything at all. The hub's client repeats itself for minutes where nobody answers."""
    from huggingface_hub.utils import get_session

    answers: list[object] = []

    def ask() -> None:
        try:
            answers.append(get_session().head(endpoint, timeout=PATIENCE).status_code)
        except Exception as error:  # whatever it is, the Hub was not reached
            answers.append(error)

    asking = threading.Thread(target=ask, daemon=True)  # looking up a name can hang longer than any timeout
    asking.start()
    asking.join(PATIENCE)
    answer = answers[0] if answers else "no answer"
    if not (isinstance(answer, int) and answer < 500):  # a proxy may answer that it could not reach anybody
        why = f" ({type(answer).__name__ if isinstance(answer, Exception) else answer})"
        raise DownloadError(
            f"{endpoint} can't be reached from here{why}, so {entry.title} was not downloaded. The bundled models work "
            "without a network; check the connection and try again."
        )


def _reporting(name: str, progress: Progress, cancelled: Callable[[], bool]) -> type:
    """What huggingface_hub takes for a progress bar: reports to `progress`, and ends the download once cancelled."""

    class Reporting:
        def __init__(self, *, total: int | None = None, initial: int = 0, **_):
            self.done, self.total = initial, total

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def update(self, count: int) -> None:
            if cancelled():
                raise DownloadError(f"The download of {name} was cancelled.")
            self.done += count
            progress(name, self.done, self.total)

    return Reporting
