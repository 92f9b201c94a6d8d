"""Pictures in and out: the one place that knows about files, value ranges, rotation, alpha and rounding.

Everywhere else a picture is (H, W, 3) uint8 RGB for people or (B, H, W, 3) float32 in [0, 1] for models.
"""

import io
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from explorer.core.errors import PictureError

log = logging.getLogger(__name__)

MAX_PIXELS = 64_000_000
"""Pictures that claim more pixels than this are refused before they are decoded."""

MAX_ASPECT = 16
"""Longest side over shortest side; beyond it a picture is a line."""

Fit = Literal["whole", "square"]


@dataclass(frozen=True)
class Picture:
    """A decoded picture: pixels (H, W, 3) uint8 RGB and what had to be done to get there, in words."""

    pixels: np.ndarray
    notes: tuple[str, ...] = ()


def read_picture(source: str | Path | bytes, longest: int | None = None) -> Picture:
    """Decode a picture file of any common format into upright 8-bit RGB.

    EXIF rotation is applied, an ICC profile converted to sRGB, alpha laid on white, 16-bit scaled to
    8, the first frame of an animation taken. `longest` lets a JPEG be decoded at a fraction of its
    size, never below that many pixels on its longest side. Raises PictureError in words.
    """
    data = source if isinstance(source, bytes) else _read_bytes(Path(source))
    if not data:
        raise PictureError("This file is empty. Choose a picture file such as a JPEG or a PNG.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data))
    except UnidentifiedImageError as error:
        raise PictureError(
            "This file is not a picture, whatever its name says. Choose a JPEG, PNG, WebP, GIF or TIFF file."
        ) from error
    except Image.DecompressionBombError as error:
        raise PictureError(f"This picture claims too many pixels; at most {MAX_PIXELS:,} are decoded.") from error
    except Exception as error:
        raise PictureError(f"The header of this picture file is damaged ({type(error).__name__}).") from error

    width, height = image.size
    if width * height > MAX_PIXELS:
        raise PictureError(
            f"This picture is {width:,} x {height:,} pixels; at most {MAX_PIXELS:,} pixels in all are decoded. "
            "Make it smaller first."
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PictureError(
            f"This picture is {width:,} x {height:,} pixels, more than {MAX_ASPECT} times as long as it is wide. "
            "Crop it to a shape nearer to a square."
        )
    notes = []
    if getattr(image, "n_frames", 1) > 1:
        notes.append(f"first of {image.n_frames} frames")
    if longest:
        image.draft(None, (longest, longest) if width == height else _covering(width, height, longest))
    try:
        image.load()
    except Exception as error:
        raise PictureError(
            "This picture file is damaged or cut off, so it can't be decoded. Save or download it again."
        ) from error
    image = _upright(image, notes)
    image = _eight_bit(image, notes)
    image = _in_srgb(image, notes)
    image = _on_white(image, notes)
    return Picture(np.asarray(image if image.mode == "RGB" else image.convert("RGB")), tuple(notes))


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


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path.name} can't be read: {error.strerror or error}.") from error


def _covering(width: int, height: int, longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _upright(image: Image.Image, notes: list[str]) -> Image.Image:
    try:
        orientation = image.getexif().get(0x0112, 1)
        if orientation in range(2, 9):  # some cameras write 0
            image = ImageOps.exif_transpose(image)
            notes.append("turned upright by its EXIF data")
    except Exception:  # EXIF written by broken cameras must not cost the picture
        log.warning("unreadable EXIF data ignored")
    return image


def _eight_bit(image: Image.Image, notes: list[str]) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.float64)
        if not np.isfinite(values).all():
            raise PictureError("This picture holds NaN or infinite values. Save it as 8- or 16-bit.")
        top = 65535.0 if image.mode != "F" or values.max() > 1.0 else 1.0
        if values.min() < 0 or values.max() > top:
            raise PictureError(f"This picture's values do not lie in 0 to {top:g}. Save it as 8- or 16-bit.")
        notes.append("scaled to 8 bits")
        return Image.fromarray(np.rint(values / top * 255).astype(np.uint8))
    return image


def _in_srgb(image: Image.Image, notes: list[str]) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "CMYK", "L"):
        return image
    try:
        embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, embedded, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except Exception:  # a profile nobody can read is better ignored than fatal
        log.warning("unreadable ICC profile ignored")
        return image
    if "srgb" not in ImageCms.getProfileName(embedded).lower():
        notes.append("colours converted to sRGB")
    return converted


def _on_white(image: Image.Image, notes: list[str]) -> Image.Image:
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    if image.getextrema()[3][0] < 255:
        notes.append("transparency laid on white")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
