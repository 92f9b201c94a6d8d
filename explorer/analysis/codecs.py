"""What everyday picture formats make of a picture in as many bytes: the reference that everybody knows."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.analysis.reconstruction import psnr
from explorer.core.images import encode_file, read_picture, resized

Codec = Literal["jpeg", "webp"]
SCALES = (1.0, 0.75, 0.5, 0.375, 0.25, 0.125)
"""A format at its lowest quality still needs bytes; of fewer it makes more when the picture is made smaller first."""

SHORTEST = 8
"""Pixels of a side that a picture is made no smaller than."""


@dataclass(frozen=True)
class Coded:
    """A picture that went through a file: pixels (H, W, 3) uint8 at the size it had before, and what it cost.

    quality: as Pillow counts, 1 to 95. scale: how much smaller it was stored. psnr in dB against what went in.
    """

    codec: Codec
    quality: int
    scale: float
    bytes: int
    pixels: np.ndarray
    psnr: float


def best_within(original: np.ndarray, codec: Codec, budget: float) -> Coded:
    """The highest PSNR in at most `budget` bytes over qualities and SCALES; the smallest file where none fits."""
    found = [_finest(original, codec, budget, scale) for scale in SCALES if min(original.shape[:2]) * scale >= SHORTEST]
    fitting = [coded for coded in found if coded.bytes <= budget]
    return max(fitting, key=lambda coded: coded.psnr) if fitting else min(found, key=lambda coded: coded.bytes)


def rate_curve(original: np.ndarray, codec: Codec) -> list[Coded]:
    """What a format makes of more and more bytes: of some qualities and scales those that nothing smaller beats."""
    found = [
        _coded(original, _stored(original, scale), codec, quality, scale)
        for scale in (1.0, 0.5, 0.25)
        for quality in (2, 8, 20, 40, 65, 90)
        if min(original.shape[:2]) * scale >= SHORTEST
    ]
    kept: list[Coded] = []
    for coded in sorted(found, key=lambda coded: coded.bytes):
        if not kept or coded.psnr > kept[-1].psnr:
            kept.append(coded)
    return kept


def _finest(original: np.ndarray, codec: Codec, budget: float, scale: float) -> Coded:
    """The highest quality at a scale whose file fits, or the lowest there is."""
    stored = _stored(original, scale)
    low, high = 1, 95
    while low < high:
        middle = (low + high + 1) // 2
        fits = len(encode_file(stored, codec, quality=middle)) <= budget
        low, high = (middle, high) if fits else (low, middle - 1)
    return _coded(original, stored, codec, low, scale)


def _stored(original: np.ndarray, scale: float) -> np.ndarray:
    height, width = original.shape[:2]
    return resized(original, (round(height * scale), round(width * scale)))


def _coded(original: np.ndarray, stored: np.ndarray, codec: Codec, quality: int, scale: float) -> Coded:
    file = encode_file(stored, codec, quality=quality)
    pixels = resized(read_picture(file).pixels, original.shape[:2])
    return Coded(codec, quality, scale, len(file), pixels, psnr(original, pixels))
