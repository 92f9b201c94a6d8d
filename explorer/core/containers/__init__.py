"""Picture files without Pillow: what kind a file is, what its first picture would cost, and that picture alone.

Pillow reads more of a file than a picture needs: text, thumbnails, directories, every frame; and it opens formats
that are programs. Here a file is taken for what its first bytes say, is refused where its header asks for too much, and
is copied without all that is not needed for its first picture. Only that copy is handed to Pillow.
"""

import struct
from collections.abc import Callable

from explorer.core.containers import bmp, gif, jpeg, png, tiff, webp
from explorer.core.containers.contents import Contents, damaged
from explorer.core.containers.foreign import kind_of
from explorer.core.errors import PictureError

TAKEN = "JPEG, PNG, WebP, GIF, TIFF or BMP"
"""The formats that are read."""

_READERS: dict[str, tuple[Callable[[bytes], bool], Callable[[bytes], Contents]]] = {
    "JPEG": (lambda data: data.startswith(b"\xff\xd8\xff"), jpeg.read),
    "PNG": (lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"), png.read),
    "WebP": (lambda data: data.startswith(b"RIFF") and data[8:12] == b"WEBP", webp.read),
    "GIF": (lambda data: data.startswith((b"GIF87a", b"GIF89a")), gif.read),
    "TIFF": (lambda data: data.startswith((b"II*\0", b"MM\0*")), tiff.read),
    "BMP": (lambda data: data.startswith(b"BM"), bmp.read),
}


def contents(data: bytes) -> Contents:
    """What a picture file holds, by its bytes and not by its name; a PictureError says why it is not read."""
    for format, (accepts, read) in _READERS.items():
        if accepts(data):
            try:
                return read(data)
            except (struct.error, IndexError) as error:  # the file ends within its header
                raise damaged(format) from error
    kind = kind_of(data)
    if kind:
        raise PictureError(
            f"This file is {kind}, whatever its name says, and that is not read here. "
            f"Export it as JPEG or PNG; {TAKEN} files are taken."
        )
    raise PictureError(f"This file is not a picture, whatever its name says. Choose a {TAKEN} file.")
