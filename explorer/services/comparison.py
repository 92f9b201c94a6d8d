"""One picture through several models, at its size or at equal bits, and through JPEG and WebP in as many bytes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.analysis.codecs import Coded, best_within
from explorer.analysis.reconstruction import psnr, ssim
from explorer.core.errors import ExplorerError
from explorer.core.images import Fit, fit, resized
from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import EncodesLatents, Tokenizer
from explorer.services.reference import reference
from explorer.services.tokenization import MAX_SIDE, Measures, Tokenized, measure, tokenize

FEWEST, MOST = 2, 6
"""Models that are compared at once."""


@dataclass(frozen=True)
class Compared:
    """What a model makes of the picture. pixels (H, W, 3) uint8 at the size of the original, whatever size it was
    coded at, (height, width); psnr in dB and ssim against the original; bits and bits_entropy_coded of its codes, None
    of a model without codes; the second also where no reference set says how often codes are used: by the frequencies
    of the one picture a larger codebook would cost nothing."""

    found: Tokenized
    measures: Measures
    pixels: np.ndarray
    coded_at: tuple[int, int]
    psnr: float
    ssim: float
    bits: float | None
    bits_entropy_coded: float | None

    @property
    def spec(self) -> TokenizerSpec:
        return self.found.spec


@dataclass(frozen=True)
class Plan:
    """original (H, W, 3) uint8, at a size that every model takes; sizes: the (height, width) each is run at.

    rated: the model whose codes set how many bits JPEG and WebP get, and the other models where bits are to be equal:
    the first with codes; None where none has any.
    """

    original: np.ndarray
    sizes: tuple[tuple[int, int], ...]
    rated: TokenizerSpec | None
    bits: float


def plan(specs: Sequence[TokenizerSpec], source: np.ndarray, size: int, how: Fit, equal_bits: bool = False) -> Plan:
    """How to compare models on a picture (H, W, 3) uint8 near a size, in pixels of the longest side or the square.

    Where a model takes only squares of one size, all get the centre square, and that one gets it at its size.
    """
    multiple = math.lcm(*(spec.multiple for spec in specs))
    how = "square" if any(spec.side for spec in specs) else how
    original = fit(source, max(multiple, size // multiple * multiple), how, multiple)
    height, width = original.shape[:2]
    rated = next((spec for spec in specs if spec.levels), None)
    bits = bits_at(rated, height, width) if rated else 0.0
    free = not (equal_bits and bits)
    sizes = [(height, width) if free and not spec.side else size_of_bits(spec, bits, height, width) for spec in specs]
    return Plan(original, tuple(sizes), rated, bits)


def check_models(ids: Sequence[str]) -> None:
    """Refuse too few, too many or the same twice, in words."""
    if not FEWEST <= len(ids) <= MOST:
        raise ExplorerError(f"{FEWEST} to {MOST} models are compared at once; {len(ids)} were chosen.")
    if len(set(ids)) < len(ids):
        raise ExplorerError("Each model is compared once; one was chosen twice.")


def bits_at(spec: TokenizerSpec, height: int, width: int) -> float:
    """Bits of the codes of a picture of that size, at log2 K each; 0 of a model without codes."""
    if spec.side is not None:
        height = width = spec.side
    return sum(
        math.prod(spec.shape(level.name, height, width)) * math.log2(spec.codebook(level.name).size)
        for level in spec.levels
    )


def size_of_bits(spec: TokenizerSpec, bits: float, height: int, width: int) -> tuple[int, int]:
    """The (height, width) of about this shape whose codes come nearest to so many bits."""
    if spec.side is not None:
        return spec.side, spec.side
    if not spec.levels:
        return height, width
    scale = math.sqrt(bits / bits_at(spec, height, width))
    rows, columns = (max(1, round(side * scale / spec.multiple)) for side in (height, width))
    most = MAX_SIDE // spec.multiple
    near = [
        (min(most, max(1, rows + down)) * spec.multiple, min(most, max(1, columns + right)) * spec.multiple)
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    ]
    shape = height / width

    def off(size: tuple[int, int]) -> float:
        # A picture pulled out of shape is worse than a few bits more or less.
        return abs(math.log(bits_at(spec, *size) / bits)) + 2 * abs(math.log(size[0] / size[1] / shape))

    return min(near, key=off)


def compared(tokenizer: Tokenizer, size: tuple[int, int], original: np.ndarray) -> Compared:
    """One model, run at a (height, width) it takes, on the original (H, W, 3) uint8."""
    given = resized(original, size)
    found = tokenize(tokenizer, given)
    counts = reference(tokenizer.spec.id).counts
    measures = measure(found, counts)
    pixels, coded = resized(found.reconstruction, original.shape[:2]), not isinstance(tokenizer, EncodesLatents)
    area = size[0] * size[1]
    return Compared(
        found,
        measures,
        pixels,
        size,
        psnr(original, pixels),
        ssim(original, pixels),
        measures.bits_per_pixel * area if coded else None,
        measures.bits_per_pixel_entropy_coded * area if coded and counts else None,
    )


def files_within(original: np.ndarray, bits: float) -> list[Coded]:
    """JPEG and WebP in as many bytes; none where there are no bits to compare with."""
    return [best_within(original, codec, bits / 8) for codec in ("jpeg", "webp")] if bits else []


def figures_of(one: Compared, pixels: int) -> dict[str, Any]:
    """The row of a table, plain JSON values; rates per pixel of the original, which has so many pixels."""
    found = one.measures
    return {
        "model": one.spec.id,
        "title": one.spec.title,
        "psnr": _finite(one.psnr),
        "ssim": _finite(one.ssim),
        "bits_per_pixel": None if one.bits is None else one.bits / pixels,
        "bits_per_pixel_entropy_coded": None if one.bits_entropy_coded is None else one.bits_entropy_coded / pixels,
        "bytes": None if one.bits is None else math.ceil(one.bits / 8),
        "tokens": found.tokens,
        "distinct": found.distinct,
        "ceiling": found.ceiling,
        "codebook_size": found.codebook_size,
        "floats": found.floats,
        "coded_at": list(one.coded_at),
        "milliseconds": 1000 * one.found.seconds,
    }


def figures_of_file(one: Coded, original: np.ndarray) -> dict[str, Any]:
    """The same of a picture file."""
    return {
        "model": one.codec,
        "title": {"jpeg": "JPEG", "webp": "WebP"}[one.codec],
        "psnr": _finite(one.psnr),
        "ssim": _finite(ssim(original, one.pixels)),
        "bits_per_pixel": 8 * one.bytes / (original.shape[0] * original.shape[1]),
        "bytes": one.bytes,
        "quality": one.quality,
        "scale": one.scale,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
