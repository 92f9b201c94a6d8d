"""Whether a tokenizer keeps its word: a table of checks that anybody can run on any loaded model."""

from dataclasses import dataclass

import numpy as np

from explorer.analysis.reconstruction import psnr
from explorer.core.codes import Codes
from explorer.core.digits import from_digits, to_digits
from explorer.core.images import to_bytes
from explorer.core.tokenizer import ComparesLatents, DecodesLatents, Encoding, Tokenizer

MANY = 2**14
"""Codes of a book that are looked at; of larger ones as many are drawn."""

TIE = 1e-5
"""Squared distances, relative to the larger, that are too close for float32 to tell."""

CLOSE = 1e-5
CONTRAST, BRIGHTNESS = 0.25, 0.1
"""How far a reconstruction's contrast may be from 1, and its mean from the picture's."""


@dataclass(frozen=True)
class Check:
    """One line of the table: what was checked, whether it holds, and what was found, in words."""

    what: str
    holds: bool
    found: str


def self_test(tokenizer: Tokenizer, image: np.ndarray) -> list[Check]:
    """All checks, on a picture (H, W, 3) float32 in [0, 1] that the tokenizer takes, with some detail in it."""
    encoding = tokenizer.encode(image[None])
    decoded = tokenizer.decode(encoding.codes)
    return [
        _in_range(tokenizer, encoding, image),
        *_nearest(tokenizer, encoding),
        _forward(tokenizer, encoding, decoded),
        _repeats(tokenizer, encoding, decoded, image),
        *_digits(tokenizer),
        *_locality(tokenizer, encoding.codes, decoded),
        _clamped(tokenizer, decoded),
        _range(decoded[0], image),
    ]


def _in_range(tokenizer: Tokenizer, encoding: Encoding, image: np.ndarray) -> Check:
    spec, found = tokenizer.spec, []
    holds = True
    for level in spec.levels:
        codes, size = encoding.codes[level.name], spec.codebook(level.name).size
        holds &= (
            codes.shape == (1, *spec.shape(level.name, *image.shape[:2])) and 0 <= codes.min() <= codes.max() < size
        )
        found.append(f"{level.name}: {_shape(codes[0].shape)} codes, {codes.min():,} to {codes.max():,} of {size:,}")
    return Check("codes fit the spec", bool(holds), _joined(found))


def _nearest(tokenizer: Tokenizer, encoding: Encoding) -> list[Check]:
    """The chosen codes are the nearest, by float64 arithmetic of our own; ties are counted."""
    spec = tokenizer.spec
    if not isinstance(tokenizer, ComparesLatents):
        return []
    cells = wrong = ties = 0
    for level in spec.levels:
        book = spec.codebook(level.name)
        latents, codes = encoding.latents[level.name], encoding.codes[level.name].reshape(-1)
        if book.metric == "logit":
            best, margin = latents.reshape(-1, book.size).argmax(-1), None
        else:
            points = tokenizer.comparable(level.name, latents).reshape(-1, book.dim).astype(np.float64)
            best, margin = _grid(points, book.radices) if book.implicit else _search(tokenizer, book, points, codes)
        different = best != codes
        tied = different & (margin < TIE) if margin is not None else np.zeros_like(different)
        cells, ties, wrong = cells + codes.size, ties + int(tied.sum()), wrong + int((different & ~tied).sum())
    return [Check("every code is the best one", wrong == 0, f"{wrong:,} of {cells:,} cells differ, {ties:,} are ties")]


def _search(tokenizer: Tokenizer, book, points: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    table = tokenizer.vectors(book.name, np.arange(book.size)).astype(np.float64)
    best, margin = np.empty(len(points), np.int64), np.empty(len(points))
    for row, point in enumerate(points):
        distances = np.square(table - point).sum(-1)
        best[row] = distances.argmin()
        margin[row] = (distances[codes[row]] - distances[best[row]]) / max(distances[codes[row]], 1e-12)
    return best, margin


def _grid(points: np.ndarray, radices: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Codes of the nearest grid points; a channel of L values takes them at (digit - L // 2) / (L // 2), of two at
    -1 and 1. The margin is how far the worst channel is from where the digit would change."""
    counts = np.asarray(radices)
    half = counts // 2
    exact = np.where(counts == 2, (points + 1) / 2, points * half + half)
    digits = np.clip(np.rint(exact), 0, counts - 1).astype(np.int64)
    return from_digits(digits, radices), np.abs(np.abs(exact - digits) - 0.5).min(-1)


def _forward(tokenizer: Tokenizer, encoding: Encoding, decoded: np.ndarray) -> Check:
    """Decoding the codes is decoding their code vectors, which is what the network does in one pass."""
    what = "round trip equals forward"
    if not isinstance(tokenizer, DecodesLatents):
        return Check(what, True, "code vectors can't be decoded by themselves")
    vectors = {
        level.name: tokenizer.vectors(level.codebook, encoding.codes[level.name]) for level in tokenizer.spec.levels
    }
    apart = float(np.abs(tokenizer.decode_latents(vectors) - decoded).max())
    return Check(what, apart <= CLOSE, f"at most {apart:.1g} apart")


def _repeats(tokenizer: Tokenizer, encoding: Encoding, decoded: np.ndarray, image: np.ndarray) -> Check:
    """The same picture in a batch with another one."""
    both = tokenizer.encode(np.stack([np.ascontiguousarray(image[::-1]), image]))
    changed = sum(
        int((both.codes[level.name][1] != encoding.codes[level.name][0]).sum()) for level in tokenizer.spec.levels
    )
    apart = float(np.abs(tokenizer.decode(encoding.codes) - decoded).max())
    found = f"{changed:,} codes change beside another picture, decoded again {apart:.1g} apart"
    return Check("same in, same out", changed == 0 and apart == 0, found)


def _digits(tokenizer: Tokenizer) -> list[Check]:
    """Of implicit codebooks: index and digits determine each other, and the digits order the code vectors."""
    rows = []
    for book in tokenizer.spec.codebooks:
        if not book.implicit:
            continue
        every = book.size <= MANY
        codes = np.arange(book.size) if every else np.random.default_rng(0).integers(0, book.size, MANY)
        digits, vectors = to_digits(codes, book.radices), tokenizer.vectors(book.name, codes)
        there_and_back = np.array_equal(from_digits(digits, book.radices), codes)
        ordered = all(_orders(digits[:, i], vectors[:, i]) for i in range(book.dim))
        found = f"{'all' if every else 'some'} {len(codes):,} codes of {book.size:,}, first digit fastest"
        rows.append(Check("digits are the code", there_and_back and ordered, found))
    return rows


def _orders(digits: np.ndarray, values: np.ndarray) -> bool:
    """Whether a channel's value depends on its digit alone and grows with it."""
    means = [values[digits == digit] for digit in np.unique(digits)]
    return all(np.ptp(group) == 0 for group in means) and bool((np.diff([group[0] for group in means]) > 0).all())


def _locality(tokenizer: Tokenizer, codes: Codes, decoded: np.ndarray) -> list[Check]:
    """What one changed code in the middle of each level changes, beside what the spec says."""
    rows = []
    for level in tokenizer.spec.levels:
        shape, size = codes[level.name].shape[1:], tokenizer.spec.codebook(level.name).size
        cell = tuple(side // 2 for side in shape)
        other = (int(codes[level.name][(0, *cell)]) + size // 2) % size
        edited = codes.edit(level.name, (0, *cell), other)
        moved = (tokenizer.decode(edited) != decoded).any(-1)[0]
        kept = all(np.array_equal(edited[name], codes[name]) for name in codes if name != level.name)
        share = f"one code of {level.name} changes {moved.mean():.1%} of the pixels"
        if level.reach is None:
            rows.append(Check("edits stay local", kept and moved.any(), f"{share}; the network is global"))
            continue
        farthest = _reach(moved, cell, level.stride)
        found = f"{share}, up to {farthest} px around its cell; {level.reach} px are stated"
        rows.append(Check("edits stay local", kept and 0 <= farthest <= level.reach, found))
    return rows


def _reach(moved: np.ndarray, cell: tuple[int, int], stride: int) -> int:
    """Pixels from the cell's edge to the farthest pixel that moved; -1 where none did."""
    if not moved.any():
        return -1
    distances = []
    for axis, position in enumerate(cell):
        places = np.flatnonzero(moved.any(1 - axis))
        distances += [position * stride - places[0], places[-1] + 1 - (position + 1) * stride]
    return int(max(0, *distances))


def _clamped(tokenizer: Tokenizer, decoded: np.ndarray) -> Check:
    extremes = [decoded]
    for value in (0.0, 1.0):
        extremes.append(tokenizer.decode(tokenizer.encode(np.full_like(decoded, value)).codes))
    low, high = min(x.min() for x in extremes), max(x.max() for x in extremes)
    found = f"{decoded.dtype}, from {low:.3f} to {high:.3f}, also of a black and of a white picture"
    holds = all(x.dtype == np.float32 and np.isfinite(x).all() for x in extremes) and low >= 0 and high <= 1
    return Check("pictures lie in [0, 1]", bool(holds), found)


def _range(decoded: np.ndarray, image: np.ndarray) -> Check:
    """A model fed with, or read in, the wrong range gives a picture too, but of another contrast and brightness."""
    spread, shift = image - image.mean(), float(decoded.mean() - image.mean())
    contrast = float((spread * decoded).mean() / max(float(np.square(spread).mean()), 1e-12))
    found = (
        f"contrast x {contrast:.2f}, brightness {shift:+.2f}; PSNR {psnr(to_bytes(image), to_bytes(decoded)):.1f} dB"
    )
    return Check("the range of pixels is right", abs(contrast - 1) < CONTRAST and abs(shift) < BRIGHTNESS, found)


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _joined(parts: list[str]) -> str:
    return "; ".join(parts if len(parts) < 4 else [parts[0], "...", parts[-1]])
