"""Many pictures to codes, batch by batch: files are decoded while the network encodes those before them."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from explorer.analysis.usage import Usage, by_level, merged
from explorer.core.codes import Codes
from explorer.core.errors import DataError, PictureError
from explorer.core.images import Fit, check_size, read_picture, to_unit
from explorer.core.picture_files import PictureFile
from explorer.core.tokenizer import Tokenizer
from explorer.services.tokenization import LONGEST

BATCH = 16
MAX_DECODERS = 16
"""Threads that decode files for a GPU."""
MAX_ENCODERS = 4
"""Pictures in the network at a time on a CPU: each needs memory of its own."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Decoded = tuple[str, np.ndarray | None, str]
"""A file's name, its pixels, and where there are none why."""


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
    Codes are those of each picture encoded alone, but for the last bits of a convolution, which depend on how
    many threads (on a GPU how many pictures) share it. A CodesError says that the model has none.
    """
    tokenizer.spec.check_has_codes()
    if tokenizer.spec.side is None:
        check_size(size, tokenizer.spec.multiple)
    return _scan(tokenizer, files, size, how, batch)


def _scan(
    tokenizer: Tokenizer, files: Iterable[PictureFile], size: int, how: Fit, batch: int
) -> Generator[Scanned, None, None]:
    spec = tokenizer.spec

    def decoded(file: PictureFile) -> Decoded:
        try:
            return file.name, spec.fitted(read_picture(file.read(), longest=LONGEST).pixels, size, how), ""
        except (PictureError, DataError) as error:
            return file.name, None, str(error)

    def encoded(some: Sequence[Decoded]) -> Scanned:
        found = {}
        groups = [(positions, tokenizer.encode(images).codes) for positions, images in _groups(some)]
        for positions, codes in groups:
            found.update({i: (some[i][0], codes.picture(b)) for b, i in enumerate(positions)})
        usage = merged(*(by_level(spec, codes) for _, codes in groups))
        return Scanned([found[i] for i in sorted(found)], [(name, why) for name, _, why in some if why], usage)

    if _on_gpu(tokenizer):
        together, decoders, encoders = batch, ThreadPoolExecutor(MAX_DECODERS), ThreadPoolExecutor(1)
    else:
        together, decoders = 1, _sharing_cores()
        encoders = decoders
    try:
        pictures = _ahead(decoders, decoded, files, batch)
        parts = _ahead(encoders, encoded, _batched(pictures, together), batch // together)
        for some in _batched(parts, batch // together):
            yield Scanned(
                [pair for part in some for pair in part.codes],
                [pair for part in some for pair in part.unreadable],
                merged(*(part.usage for part in some)),
            )
    finally:
        encoders.shutdown(cancel_futures=True)
        decoders.shutdown(cancel_futures=True)


def _on_gpu(tokenizer: Tokenizer) -> bool:
    """Whether many pictures at once go faster than one by one."""
    return getattr(getattr(tokenizer, "device", None), "type", "cpu") != "cpu"


def _sharing_cores() -> ThreadPoolExecutor:
    """Threads among which torch's own, one for each core of this process, are shared out.

    A picture in each is faster than one shared by all cores while files are decoded beside it: the parts of a
    convolution wait for the last of them.
    """
    import torch

    cores = torch.get_num_threads()
    count = min(MAX_ENCODERS, cores)

    def keep_to_share() -> None:
        torch.get_num_threads()  # else torch takes all cores when this thread first computes
        threadpool_limits(cores // count, "openmp")

    return ThreadPoolExecutor(count, initializer=keep_to_share)


def _groups(pictures: Sequence[Decoded]) -> list[tuple[list[int], np.ndarray]]:
    """Those that can be read by their shape: positions, and pixels (B, H, W, 3) as the tokenizer takes them."""
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for i, (_, pixels, _) in enumerate(pictures):
        if pixels is not None:
            by_shape.setdefault(pixels.shape, []).append(i)
    return [(some, to_unit(np.stack([pictures[i][1] for i in some]))) for some in by_shape.values()]


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
