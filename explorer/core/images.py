"""Pictures in and out: the one place that knows about files, value ranges, rotation, alpha and rounding.

Everywhere else a picture is (H, W, 3) uint8 RGB for people or (B, H, W, 3) float32 in [0, 1] for models.
"""

import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from explorer.core.containers import contents
from explorer.core.containers.contents import MAX_FRAMES, Contents
from explorer.core.errors import PictureError
from explorer.core.room import Room

log = logging.getLogger(__name__)

MAX_FILE = 256 * 2**20
"""Larger files, in bytes, are refused before they are read."""

MAX_PIXELS = 64_000_000
"""Pictures that claim more pixels than this are refused before they are decoded."""

MAX_MEMORY = 10 * MAX_PIXELS
"""Bytes that decoding one picture may take: enough for a progressive JPEG of MAX_PIXELS, or half as many of WebP."""

BAND = 2**20
"""Pixels that are converted to 8-bit RGB at a time."""

MAX_ASPECT = 16
"""Longest side over shortest side; beyond it a picture is a line."""

Fit = Literal["whole", "square"]

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> how to turn the stored picture."""

_room = Room(2 * MAX_MEMORY)
"""What all pictures that are being decoded may take together."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture: pixels (H, W, 3) uint8 RGB and what had to be done to get there, in words."""

    pixels: np.ndarray
    notes: tuple[str, ...] = ()


def read_picture(source: str | Path | bytes, longest: int | None = None) -> Picture:
    """Decode the first picture of a JPEG, PNG, WebP, GIF, TIFF or BMP file into upright 8-bit RGB.

    EXIF rotation is applied, an ICC profile converted to sRGB, alpha laid on white, 16-bit scaled to 8.
    `longest` lets a JPEG be decoded at a fraction of its size, never below that many pixels on its longest side.
    What a file may cost is settled by its header: see `explorer.core.containers`. Raises PictureError.
    """
    data = source if isinstance(source, bytes) else read_file(Path(source))
    if not data:
        raise PictureError("This file is empty. Choose a picture file such as a JPEG or a PNG.")
    check_length(len(data))
    found = contents(data)
    _check_size(*found.size, found.memory)
    with _room.of(found.memory + found.tables + len(data) + len(found.data)):
        return _decoded(found, longest)


def read_own_picture(data: bytes) -> np.ndarray:
    """Pixels (H, W, 3) uint8 of an AVIF file that `encode_file` made.

    For files that come with the app, never for those of visitors: what AVIF takes can't be told off its header.
    """
    image = _opened(data, "AVIF")
    _check_size(*image.size, 8 * image.width * image.height)
    return np.asarray(image.convert("RGB"))


def read_file(path: Path) -> bytes:
    """The bytes of a picture file; a PictureError says why they can't be read."""
    try:
        check_length(path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path.name} can't be read: {error.strerror or error}.") from error


def check_length(length: int) -> None:
    """Refuse a file of more than MAX_FILE bytes, before it is read."""
    if length > MAX_FILE:
        raise PictureError(
            f"This file has {length:,} bytes; picture files of at most {MAX_FILE >> 20} MB are read. "
            "Make it smaller first."
        )


def fit(pixels: np.ndarray, size: int, how: Fit = "whole", multiple: int = 8) -> np.ndarray:
    """Resize pixels (H, W, 3) uint8 with Lanczos so that both sides are multiples of `multiple`.

    "whole" keeps the whole picture, its longest side `size`; "square" takes the centre square.
    """
    check_size(size, multiple)
    height, width = pixels.shape[:2]
    if how == "square":
        side, target = min(width, height), (size, size)
        top, left = (height - side) // 2, (width - side) // 2
        pixels = pixels[top : top + side, left : left + side]
    else:
        scale = size / max(width, height)
        target = tuple(max(multiple, round(side * scale / multiple) * multiple) for side in (height, width))
    return resized(pixels, target)


def resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pixels (H, W, 3) uint8 at another (height, width), by Lanczos."""
    if size == pixels.shape[:2]:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.LANCZOS))


def check_size(size: int, multiple: int) -> None:
    """Refuse a size that `fit` can't make."""
    if size < multiple or size % multiple:
        raise PictureError(f"The size {size} is not a multiple of {multiple}, the stride of this model.")


def to_unit(pixels: np.ndarray) -> np.ndarray:
    """uint8 pixels (..., 3) to float32 in [0, 1]."""
    return pixels.astype(np.float32) / np.float32(255)


def to_bytes(unit: np.ndarray) -> np.ndarray:
    """float pixels in [0, 1] to uint8, clipped and rounded to the nearest."""
    return np.rint(np.clip(unit, 0.0, 1.0) * np.float32(255)).astype(np.uint8)


def encode_file(pixels: np.ndarray, format: Literal["png", "webp", "jpeg", "avif"] = "png", **options: int) -> bytes:
    """The bytes of a picture file of pixels (H, W, 3) uint8; options are Pillow's for the format."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=format, **options)
    return buffer.getvalue()


def _check_size(width: int, height: int, memory: int) -> None:
    size = f"{width:,} x {height:,} pixels"
    if width * height > MAX_PIXELS:
        raise PictureError(
            f"This picture has too many pixels, {size}; at most {MAX_PIXELS:,} pixels in all are decoded. "
            "Make it smaller first."
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PictureError(
            f"This picture is {size}, more than {MAX_ASPECT} times as long as it is wide. "
            "Crop it to a shape nearer to a square."
        )
    if memory > MAX_MEMORY:
        raise PictureError(
            f"This picture of {size} takes {memory >> 20:,} MB to decode in its format; at most {MAX_MEMORY >> 20} MB "
            "are taken. Make it smaller first, or save it as an ordinary JPEG."
        )


def _opened(data: bytes, format: str) -> Image.Image:
    """The one place that gives a file to Pillow."""
    return Image.open(io.BytesIO(data), formats=[format])


def _decoded(found: Contents, longest: int | None) -> Picture:
    width, height = found.size
    counted = found.frames if found.frames <= MAX_FRAMES else "several"
    notes = [f"first of {counted} frames"] if found.frames > 1 else []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, about tags and sizes: sizes are checked before
            image = _opened(found.data, found.format)
            if sorted(image.size) != sorted(found.size):
                raise ValueError(f"{found.size} became {image.size}")
            if longest:
                image.draft(None, (longest, longest) if width == height else _covering(width, height, longest))
            image.load()
        turned = _UPRIGHT.get(found.orientation)
        if turned is not None:
            image = image.transpose(turned)
            notes.append("turned upright by its EXIF data")
        return Picture(_pixels(image, found.profile, notes), tuple(notes))
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError(
            f"This {found.format} file is damaged or of a kind that is not read here. Save it with 8 bits per value, "
            "or as PNG."
        ) from error
    except Exception as error:
        raise PictureError(
            "This picture file is damaged or cut off, so it can't be decoded. Save or download it again."
        ) from error


def _covering(width: int, height: int, longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _pixels(image: Image.Image, profile: bytes, notes: list[str]) -> np.ndarray:
    """A decoded picture as RGB, band by band, so that what is needed on the way is small."""
    top = _white_value(image)
    to_srgb, converted = _to_srgb(image.mode, profile)
    pixels, transparent = np.empty((image.height, image.width, 3), np.uint8), False
    for first, last, band in _bands(image):
        if top:
            band = _eight_bit(band, top)
        elif to_srgb:
            band = to_srgb.apply(band)
        if band.has_transparency_data:
            band = band.convert("RGBA")
            transparent |= band.getextrema()[3][0] < 255
            band = Image.alpha_composite(Image.new("RGBA", band.size, "white"), band)
        pixels[first:last] = np.asarray(band if band.mode == "RGB" else band.convert("RGB"))
    notes += ["scaled to 8 bits"] * bool(top) + ["colours converted to sRGB"] * converted
    notes += ["transparency laid on white"] * transparent
    return pixels


def _white_value(image: Image.Image) -> float:
    """The value of white in a picture of more than 8 bits per value, 0 for any other."""
    if image.mode.startswith("I;16"):
        return 65535.0
    if image.mode not in ("I", "F"):
        return 0.0
    low, high = np.inf, -np.inf
    for _, _, band in _bands(image):
        values = np.asarray(band)
        if not np.isfinite(values).all():
            raise PictureError("This picture holds NaN or infinite values. Save it as 8- or 16-bit.")
        low, high = min(low, values.min()), max(high, values.max())
    top = 65535.0 if image.mode != "F" or high > 1.0 else 1.0
    if low < 0 or high > top:
        raise PictureError(f"This picture's values do not lie in 0 to {top:g}. Save it as 8- or 16-bit.")
    return top


def _eight_bit(band: Image.Image, top: float) -> Image.Image:
    return Image.fromarray(np.rint(np.asarray(band).astype(np.float64) / top * 255).astype(np.uint8))


def _to_srgb(mode: str, profile: bytes) -> tuple[ImageCms.ImageCmsTransform | None, bool]:
    """How to convert to sRGB, if at all, and whether that changes colours."""
    if not profile or mode not in ("RGB", "CMYK", "L"):
        return None, False
    try:
        embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(embedded, ImageCms.createProfile("sRGB"), mode, "RGB")
        return transform, "srgb" not in ImageCms.getProfileName(embedded).lower()
    except Exception:  # a profile nobody can read is better ignored than fatal
        log.warning("unreadable ICC profile ignored")
        return None, False


def _bands(image: Image.Image) -> Iterator[tuple[int, int, Image.Image]]:
    """First row, row after the last, and picture of each band of about BAND pixels."""
    width, height = image.size
    rows = max(1, BAND // width)
    for first in range(0, height, rows):
        last = min(height, first + rows)
        yield first, last, image if last - first == height else image.crop((0, first, width, last))
