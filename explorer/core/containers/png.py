"""PNG (W3C, third edition): the chunks that its first picture needs."""

import struct
import zlib

from explorer.core.containers.contents import (
    MAX_EXTRA,
    MAX_PARTS,
    MAX_PROFILE,
    Contents,
    damaged,
    profile_in_use,
    too_many_parts,
)
from explorer.core.containers.tags import orientation

_PALETTE = {b"PLTE": 768, b"tRNS": 256}
"""Chunks before the picture's data, and their bytes at most."""


def read(data: bytes) -> Contents:
    if data[12:16] != b"IHDR" or len(data) < 33:
        raise damaged("PNG")
    size = struct.unpack_from(">II", data, 16)
    if not all(size):
        raise damaged("PNG")
    kept, found, position, begun = [data[:33]], _Found(), 33, False
    for _ in range(MAX_PARTS):
        if position + 8 > len(data):
            break
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if name == b"IDAT" or name == b"IEND" or (not begun and length <= _PALETTE.get(name, -1)):
            kept.append(data[position:end])
        else:
            found.chunk(name, data[position + 8 : end - 4], begun)
        begun |= name == b"IDAT"
        position = end
        if name == b"IEND":
            break
    else:
        raise too_many_parts("PNG")
    return Contents(
        "PNG",
        size,
        b"".join(kept),
        size[0] * size[1] * 8,
        frames=found.frames,
        orientation=orientation(found.exif or found.text_exif, found.xmp),
        profile=profile_in_use(found.profile),
    )


class _Found:
    """What the chunks that are left out tell."""

    def __init__(self):
        self.exif = self.text_exif = self.xmp = self.profile = b""
        self._frames, self._first_is_frame = 0, False

    @property
    def frames(self) -> int:
        """Of an animation its frames, and the picture before them where that is none of them."""
        return self._frames + (not self._first_is_frame) if self._frames else 1

    def chunk(self, name: bytes, body: bytes, begun: bool) -> None:
        """begun: whether the picture's data came before."""
        if name == b"eXIf":
            self.exif = body[:MAX_EXTRA]
        elif name == b"iCCP" and not begun:
            self.profile = _inflated(body.partition(b"\0")[2][1:], MAX_PROFILE)
        elif name == b"acTL" and not begun and len(body) >= 8:
            self._frames = struct.unpack_from(">I", body)[0] % 2**31
        elif name == b"fcTL" and not begun:
            self._first_is_frame = True
        elif name in (b"tEXt", b"zTXt") and body.startswith(b"Raw profile type exif\0"):
            self.text_exif = _from_hex(body.partition(b"\0")[2], name == b"zTXt")
        elif name == b"iTXt" and body.startswith(b"XML:com.adobe.xmp\0"):
            packed, rest = body[18:19] == b"\1", body[20:].split(b"\0", 2)
            text = rest[2] if len(rest) == 3 else b""
            self.xmp = _inflated(text, MAX_EXTRA) if packed else text[:MAX_EXTRA]


def _from_hex(text: bytes, packed: bool) -> bytes:
    """ImageMagick's way to keep EXIF data: three lines, then hexadecimal digits."""
    text = _inflated(text[1:], MAX_EXTRA) if packed else text[:MAX_EXTRA]
    try:
        return bytes.fromhex(b"".join(text.split(b"\n")[3:]).decode("ascii"))
    except ValueError:
        return b""


def _inflated(packed: bytes, most: int) -> bytes:
    """What was deflated, or nothing where that is damaged or has more bytes than `most`."""
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(packed, most)
    except zlib.error:
        return b""
    return b"" if inflater.unconsumed_tail else data
