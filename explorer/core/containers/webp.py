"""WebP (RFC 9649): the chunks of its first picture."""

import struct

from explorer.core.containers.contents import (
    MAX_EXTRA,
    MAX_PARTS,
    Contents,
    damaged,
    profile_in_use,
    too_many_parts,
)
from explorer.core.containers.tags import orientation

_PICTURE = {b"VP8 ", b"VP8L", b"ALPH", b"ANIM"}
_EXTRAS = 0b00101100
"""Flags of the header that promise a profile, EXIF and XMP."""

_PER_PIXEL = 20
"""Bytes: two canvases, a copy that Python gets, Pillow's picture, and the pixels that come of it."""

_TABLES, _TABLE, _PIXELS_OF_A_TABLE = 65_536, 20_008, 16
"""A lossless picture may have this many sets of codes of this many bytes, one for so many pixels at least."""


def read(data: bytes) -> Contents:
    head, kept, found = b"", [], {}
    frames, position, end = 0, 12, min(len(data), 8 + struct.unpack_from("<I", data.ljust(8, b"\0"), 4)[0])
    for _ in range(MAX_PARTS):
        if position + 8 > end:
            break
        name, length = struct.unpack_from("<4sI", data, position)
        begin, position = position, position + 8 + length + length % 2
        body = data[begin + 8 : begin + 8 + length]
        if name == b"VP8X" and not head and len(body) >= 10:
            head = body
        elif name == b"ANMF":
            frames += 1
            if frames == 1:
                kept.append(data[begin:position])
        elif name in _PICTURE and not frames:
            kept.append(data[begin:position])
            found.setdefault(name, body)
        elif name in (b"ICCP", b"EXIF", b"XMP "):
            found.setdefault(name, body)
    else:
        raise too_many_parts("WebP")
    if not kept:
        raise damaged("WebP")
    size = _size(head, found)
    parts = b"".join((_header(head), *kept))
    picture = b"RIFF" + struct.pack("<I", 4 + len(parts)) + b"WEBP" + parts
    pixels = size[0] * size[1]
    lossy = b"VP8 " in found and b"ALPH" not in found
    return Contents(
        "WEBP",
        size,
        picture,
        pixels * _PER_PIXEL,
        tables=0 if lossy else min(_TABLES, pixels // _PIXELS_OF_A_TABLE + 1) * _TABLE,
        frames=max(1, frames),
        orientation=orientation(found.get(b"EXIF", b"")[:MAX_EXTRA], found.get(b"XMP ", b"")[:MAX_EXTRA]),
        profile=profile_in_use(found.get(b"ICCP", b"")),
    )


def _header(head: bytes) -> bytes:
    return b"VP8X" + struct.pack("<I", 10) + bytes([head[0] & ~_EXTRAS]) + head[1:10] if head else b""


def _size(head: bytes, found: dict[bytes, bytes]) -> tuple[int, int]:
    if head:
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    lossless, lossy = found.get(b"VP8L", b""), found.get(b"VP8 ", b"")
    if len(lossless) >= 5:
        bits = int.from_bytes(lossless[1:5], "little")
        return bits % 2**14 + 1, (bits >> 14) % 2**14 + 1
    if len(lossy) >= 10:
        width, height = struct.unpack_from("<HH", lossy, 6)
        if width % 2**14 and height % 2**14:
            return width % 2**14, height % 2**14
    raise damaged("WebP")
