"""Many pictures to codes, batch by batch: files are decoded while the network encodes those before them."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np

from explorer.analysis.usage import Usage, by_level, merged
from explorer.core.codes import Codes
from explorer.core.errors import DataError, PictureError
from explorer.core.images import Fit, check_size, read_picture, to_unit
from explorer.core.picture_files import PictureFile
from explorer.core.tokenizer import Tokenizer
from explorer.services.tokenization import LONGEST

BATCH = 16
MAX_DECODERS = 16
"""Threads that decode files; on most machines the cores are fewer."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Group = tuple[list[int], np.ndarray]
"""Pictures of one shape as the tokenizer takes them, with their positions in the batch."""


@dataclass(frozen=True)
class Scanned:
    """What became of one batch of files, in their order.

    codes: name and codes, a batch of one picture, of each readable file; unreadable: name and why not, in
    words, of the others; usage: level -> counts over the readable ones.
    """

    codes: list[tuple[str, Codes]]
    unreadable: list[tuple[str, str]]
    usage: dict[str, Usage]

    @property
    def files(self) -> int:
        return len(self.codes) + len(self.unreadable)


def scan(
    tokenizer: Tokenizer, files: Iterable[PictureFile], size: int = 256, how: Fit = "square", batch: int = BATCH
) -> Generator[Scanned, None, None]:
    """Encode picture files, fitted to `size` pixels as /encode fits them; yields after every `batch` files.

    Three batches are held beside the one yielded, however many files there are. Close the generator to cancel.
    Codes are those of each picture encoded alone (on a GPU but for the last bits of a batched convolution).
    A CodesError says that the model has none.
    """
    tokenizer.spec.check_has_codes()
    if tokenizer.spec.side is None:
        check_size(size, tokenizer.spec.multiple)
    return _scan(tokenizer, files, size, how, batch)


def _scan(
    tokenizer: Tokenizer, files: Iterable[PictureFile], size: int, how: Fit, batch: int
) -> Generator[Scanned, None, None]:
    spec = tokenizer.spec

    def decoded(file: PictureFile) -> tuple[str, np.ndarray | None, str]:
        """The file's name, its pixels, and where there are none why."""
        try:
            return file.name, spec.fitted(read_picture(file.read(), longest=LONGEST).pixels, size, how), ""
        except (PictureError, DataError) as error:
            return file.name, None, str(error)

    def encoded(prepared: tuple[list[tuple[str, str]], list[Group]]):
        names, groups = prepared
        return names, [(positions, tokenizer.encode(images).codes) for positions, images in groups]

    decoders = ThreadPoolExecutor(min(MAX_DECODERS, os.cpu_count() or 1))
    encoder = ThreadPoolExecutor(1)  # so that the next batch is made, and the last one saved, while it works
    try:
        batches = (_prepared(some) for some in _batched(_ahead(decoders, decoded, files, batch), batch))
        for names, groups in _ahead(encoder, encoded, batches, 1):
            usage = merged(*(by_level(spec, codes) for _, codes in groups))
            found = {i: codes.picture(b) for positions, codes in groups for b, i in enumerate(positions)}
            yield Scanned([(names[i][0], found[i]) for i in sorted(found)], [name for name in names if name[1]], usage)
    finally:
        encoder.shutdown(cancel_futures=True)
        decoders.shutdown(cancel_futures=True)


def _prepared(pictures: Sequence[tuple[str, np.ndarray | None, str]]) -> tuple[list[tuple[str, str]], list[Group]]:
    """Names with why a file can't be read, "" where it can, and the pixels of those that can."""
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for i, (_, pixels, _) in enumerate(pictures):
        if pixels is not None:
            by_shape.setdefault(pixels.shape, []).append(i)
    groups = [(some, to_unit(np.stack([pictures[i][1] for i in some]))) for some in by_shape.values()]
    return [(name, why) for name, _, why in pictures], groups


def _ahead(
    pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item], depth: int
) -> Iterator[Result]:
    """What `work` makes of each item, in order; `depth` more are begun before they are asked for."""
    begun: deque = deque()
    for item in items:
        begun.append(pool.submit(work, item))
        if len(begun) > depth:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()


def _batched(items: Iterator[Item], count: int) -> Iterator[list[Item]]:
    while some := list(islice(items, count)):
        yield some
