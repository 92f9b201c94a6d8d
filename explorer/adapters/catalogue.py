"""Published tokenizers that are known by name: where they are, how large, under which licence, and what is unsure."""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from explorer.core.errors import UnknownModelError
from explorer.core.strict import from_json

CATALOGUE = Path(__file__).parent / "catalogue.json"

MAX_BYTES = 5 * 2**30
"""A larger file is neither downloaded nor opened."""


@dataclass(frozen=True)
class PublishedFile:
    """A file's path in its repository, and its sha256 where that is known."""

    name: str
    sha256: str | None = None


@dataclass(frozen=True)
class Entry:
    """One published tokenizer.

    family, settings: which adapter reads it, and what that one needs to be told. repo: on the Hugging Face Hub;
    entries that are not there have a `url` to fetch by hand. config: path of a config.json that the adapter
    needs. revision: the commit; None where it is not known. megabytes: of the files, 10^6 bytes. codes, dim:
    size of the codebook and floats of a code vector. stride: pixels per cell, of the finest map; tokens: of
    models whose codes form no map. side: the only size of pictures. needs: what has to be done first.
    unverified: what nobody could check when the entry was written.
    """

    id: str
    title: str
    family: str
    summary: str
    files: tuple[PublishedFile, ...]
    megabytes: float
    codes: int
    dim: int
    trained_on: str
    licence: str
    licence_link: str
    paper: str
    repo: str | None = None
    url: str | None = None
    config: str | None = None
    revision: str | None = None
    stride: int | None = None
    tokens: int | None = None
    side: int | None = None
    part: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    needs: str = ""
    unverified: str = ""

    @property
    def source(self) -> str:
        """Where it comes from, as a link."""
        return f"https://huggingface.co/{self.repo}" if self.repo else self.url or ""


@cache
def entries() -> dict[str, Entry]:
    """Id -> entry, in the order of the data file."""
    found = from_json(tuple[Entry, ...], json.loads(CATALOGUE.read_text(encoding="utf-8")), CATALOGUE.name)
    return {entry.id: entry for entry in found}


def entry(id: str) -> Entry:
    try:
        return entries()[id]
    except KeyError:
        raise UnknownModelError(f"The catalogue has no {id!r}. It has: {', '.join(entries())}.") from None
