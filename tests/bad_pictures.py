"""Picture files that are damaged, hostile or odd, written by hand, and what has to become of each."""

import io
import struct
import zlib

import numpy as np
import skimage.data
from PIL import Image


def refused() -> dict[str, tuple[bytes, str]]:
    """File name -> (bytes, words that the error must hold)."""
    jpeg = encoded(photo(), "JPEG")
    return {
        "empty.png": (b"", "file is empty"),
        "text.png": (b"these are words", "not a picture"),
        "truncated.jpg": (jpeg[: len(jpeg) // 3], "damaged or cut off"),
        "line.png": (encoded(Image.new("RGB", (1, 5000)), "PNG"), "1 x 5,000 pixels"),
        "bomb.png": (bomb(), "too many pixels"),
        "program.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n", "PostScript"),
        "phone.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), "a HEIC picture"),
    }


def accepted() -> dict[str, tuple[bytes, tuple[int, int]]]:
    """File name -> (bytes, (rows, columns) of its codes at 256 pixels and stride 8)."""
    colour = photo()
    sixteen = Image.fromarray(np.linspace(0, 65535, 96 * 128).reshape(96, 128).astype(np.uint16))
    translucent = colour.convert("RGBA")
    translucent.putalpha(Image.linear_gradient("L").resize(colour.size))
    animated = io.BytesIO()
    colour.convert("P").save(animated, "GIF", save_all=True, append_images=[Image.new("P", colour.size)])
    return {
        "one.png": (encoded(Image.new("RGB", (1, 1), (200, 30, 30)), "PNG"), (32, 32)),
        "cmyk.jpg": (encoded(colour.convert("CMYK"), "JPEG"), (21, 32)),
        "animated.gif": (animated.getvalue(), (21, 32)),
        "sixteen.png": (encoded(sixteen, "PNG"), (24, 32)),
        "alpha.png": (encoded(translucent, "PNG"), (21, 32)),
        "phone.jpg": (phone_photo((1200, 900)), (32, 24)),
    }


def photo() -> Image.Image:
    """A small photograph, 240 x 160."""
    return Image.fromarray(skimage.data.coffee()).resize((240, 160))


def phone_photo(size: tuple[int, int]) -> bytes:
    """A JPEG as phones write it: stored lying, (width, height) = size, to be shown upright by its EXIF data."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(Image.fromarray(skimage.data.coffee()).resize(size), "JPEG", exif=exif)


def encoded(image: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def bomb() -> bytes:
    """A PNG of a kilobyte whose header claims 30,000 x 30,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
