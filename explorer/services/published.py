"""Tokenizers that others published: from a catalogue entry, or a file of one's own, to a Tokenizer.

Downloading takes minutes and is a step of its own, in explorer.services.hub; nothing here waits for a network.
"""

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from explorer.adapters.catalogue import Entry, PublishedFile
from explorer.adapters.family import FAMILIES
from explorer.core.errors import CheckpointError, DownloadError, JsonError
from explorer.core.tokenizer import Tokenizer
from explorer.core.untrusted_json import LARGEST, read_json
from explorer.services.hub import Fetched, Progress, cached, download
from explorer.services.temporary import working_folder

OWN = "own."
"""What the ids of visitors' own models begin with."""
MAX_OWN_BYTES = 2**30
"""Largest file of a visitor's own model, uploaded or from the Hub."""


def open_entry(entry: Entry, device: str = "cpu") -> Tokenizer:
    """The Tokenizer of an entry whose files have been downloaded."""
    fetched = cached(entry)
    if fetched is None:
        raise DownloadError(
            f"{entry.title} has not been downloaded yet: {entry.megabytes:,.0f} MB. {entry.needs}".strip()
        )
    return open_files(entry, fetched, device)


def open_files(entry: Entry, fetched: Fetched, device: str = "cpu") -> Tokenizer:
    """The Tokenizer of an entry from files on this machine."""
    from explorer.adapters.families import Facts, build_tokenizer
    from explorer.adapters.files import digest, read_tensors

    tensors = read_tensors(fetched.files, [file.sha256 for file in entry.files], part=entry.part)
    facts = Facts(
        id=entry.id,
        title=entry.title,
        summary=entry.summary,
        trained_on=entry.trained_on,
        source=entry.source,
        licence=entry.licence,
        sha256=digest(fetched.files),
    )
    return build_tokenizer(tensors, entry.family, _settings(entry.settings, fetched.config), facts, device)


def open_own(
    files: Sequence[Path],
    device: str = "cpu",
    *,
    family: str | None = None,
    config: Path | None = None,
    settings: dict[str, Any] | None = None,
) -> Tokenizer:
    """The Tokenizer of somebody's own checkpoint; its family is recognised by its tensors where it is not given."""
    from explorer.adapters.families import Facts, build_tokenizer, recognise
    from explorer.adapters.files import digest, read_tensors

    tensors, told = read_tensors(files), _settings(settings or {}, config)
    family, sha256 = family or recognise(tensors), digest(files)
    if told:  # the same weights with another config are another model
        sha256 = hashlib.sha256(json.dumps([sha256, family, told], sort_keys=True).encode()).hexdigest()
    facts = Facts(
        id=f"{OWN}{sha256[:12]}",
        title=tensors.file,
        summary=f"Your own checkpoint of the family {FAMILIES[family].title}." if family in FAMILIES else "",
        trained_on="not stated",
        source=tensors.file,
        licence="not stated",
        sha256=sha256,
    )
    return build_tokenizer(tensors, family, told, facts, device)


def open_own_of_hub(
    repo: str,
    name: str,
    device: str = "cpu",
    *,
    family: str | None = None,
    config: str | None = None,
    progress: Progress = lambda name, done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Tokenizer:
    """The Tokenizer of a file in any public repository of the Hub. The file is not kept, and fetched as nobody: what
    the host of the page may read is no business of its visitors."""
    unknown = dict.fromkeys(("summary", "trained_on", "licence", "licence_link", "paper"), "not stated")
    wanted = Entry(
        f"{OWN}hub", f"{repo}, {name}", family or "", files=(PublishedFile(name),), megabytes=0.0, codes=0, dim=0,
        repo=repo, config=config, **unknown,
    )  # fmt: skip
    with contextlib.ExitStack() as held:
        try:
            folder = held.enter_context(tempfile.TemporaryDirectory(prefix="hub-", dir=working_folder()))
        except OSError as error:
            raise DownloadError(f"There is no room here for the files of {repo} ({error.strerror}).") from error
        fetched = download(wanted, progress, cancelled, keep_in=Path(folder), largest=MAX_OWN_BYTES, token=False)
        return open_own(fetched.files, device, family=family, config=fetched.config)


def _settings(settings: dict[str, Any], config: Path | None) -> dict[str, Any]:
    """What the adapter is told: the settings, and the config.json that lies beside the weights."""
    if config is None:
        return settings
    try:
        with config.open("rb") as file:
            read = read_json(file.read(LARGEST + 1), config.name)
    except OSError as error:
        raise CheckpointError(f"{config.name} can't be read: {error.strerror}.") from error
    except JsonError as error:
        raise CheckpointError(str(error)) from error
    if not isinstance(read, dict):
        raise CheckpointError(f"{config.name} must hold an object, not {type(read).__name__}.")
    return {**settings, "config": read}
