"""BMP (Microsoft): pixels one after the other, which need no copy."""

import struct

from explorer.core.containers.contents import Contents, damaged
from explorer.core.errors import PictureError

_OLD_HEADER = 12
_PLAIN = {0, 3}
"""Compression: none, or none with the places of the colours given."""


def read(data: bytes) -> Contents:
    if len(data) < 54:
        raise damaged("BMP")
    header = struct.unpack_from("<I", data, 14)[0]
    if header == _OLD_HEADER:
        (width, height), compression = struct.unpack_from("<HH", data, 18), 0
    else:
        width, height = struct.unpack_from("<ii", data, 18)
        compression = struct.unpack_from("<I", data, 30)[0]
    if width <= 0 or not height:
        raise damaged("BMP")
    if compression not in _PLAIN:
        raise PictureError("This BMP file is compressed, which is not read here. Save it uncompressed, or as PNG.")
    return Contents("BMP", (width, abs(height)), data, width * abs(height) * 8)
