"""JPEG (ITU-T T.81): the segments that its first picture needs; its scans are counted."""

import re
import struct

from explorer.core.containers.contents import (
    MAX_EXTRA,
    MAX_PARTS,
    SCANNED,
    Contents,
    damaged,
    profile_in_use,
    too_many_parts,
)
from explorer.core.containers.tags import byte_order, directory, first_directory, orientation
from explorer.core.errors import PictureError

_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd8\xff])")
"""A marker that a segment or the end follows: none is written as data, and restarts are part of a scan."""

_HUFFMAN = {0xC0: "baseline", 0xC1: "sequential", 0xC2: "progressive"}
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_NEEDED = {0xC4, 0xDB, 0xDD}
"""Huffman tables, quantization tables, restart interval."""

_SCAN, _END = 0xDA, 0xD9
_PICTURES = 0xB001
"""How many pictures the file holds, in the index of a Multi-Picture file (CIPA DC-007)."""


def read(data: bytes) -> Contents:
    kept, found, position, scans = [data[:2]], _Found(), 2, 0
    for _ in range(MAX_PARTS):
        match = _MARKER.search(data, position)
        if not match or match[1][0] == _END:
            break
        marker, body = match[1][0], match.end()
        length = struct.unpack_from(">H", data, body)[0] if body + 2 <= len(data) else 0
        position = body + max(length, 2)
        segment = data[body + 2 : position]
        if marker in _HUFFMAN or marker in _OTHER_FRAMES:
            found.frame(marker, segment)
        elif marker == _SCAN:
            scans += 1
            following = _MARKER.search(data, position)
            position = following.start() if following else len(data)
        elif not found.application(marker, segment) and marker not in _NEEDED:
            continue
        kept.append(data[match.start() : position])
    else:
        raise too_many_parts("JPEG")
    if not found.size or not all(found.size):
        raise damaged("JPEG")
    width, height = found.size
    if scans * width * height > SCANNED:
        raise PictureError(
            f"This JPEG of {width:,} x {height:,} pixels is written in {scans:,} passes over the picture, more than "
            "are decoded. Open it in a picture editor and save it again."
        )
    kept.append(b"\xff\xd9" if match else b"")
    stored = 2 * found.components if found.progressive or scans > 1 else 0
    return Contents(
        "JPEG",
        found.size,
        b"".join(kept),
        width * height * max(8, 4 + stored),
        frames=found.pictures,
        orientation=orientation(found.exif, found.xmp),
        profile=profile_in_use(found.profile),
    )


class _Found:
    """What the segments tell."""

    def __init__(self):
        self.size: tuple[int, int] | None = None
        self.components, self.progressive, self.pictures = 0, False, 1
        self.exif = self.xmp = b""
        self._profile: list[bytes] = []

    def frame(self, marker: int, segment: bytes) -> None:
        """The header of the picture."""
        if self.size or len(segment) < 6:
            raise damaged("JPEG")
        bits, height, width, self.components = struct.unpack_from(">BHHB", segment)
        if marker not in _HUFFMAN or bits != 8:
            raise PictureError(
                "This JPEG is of a rare kind (lossless, arithmetic coding or 12 bits). Save it as an ordinary JPEG or "
                "as PNG."
            )
        self.size, self.progressive = (width, height), _HUFFMAN[marker] == "progressive"

    def application(self, marker: int, segment: bytes) -> bool:
        """Note what is wanted of an application's segment; whether the decoder needs it."""
        if marker == 0xE1 and segment.startswith(b"Exif\0\0"):
            if len(self.exif) < MAX_EXTRA:
                self.exif += segment[6:] if self.exif else segment
        elif marker == 0xE1 and segment.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
            self.xmp = segment.partition(b"\0")[2]
        elif marker == 0xE2 and segment.startswith(b"ICC_PROFILE\0"):
            self._profile.append(segment)
        elif marker == 0xE2 and segment.startswith(b"MPF\0"):
            self.pictures = _pictures(segment[4:])
        return (marker == 0xE0 and segment.startswith(b"JFIF")) or (marker == 0xEE and segment.startswith(b"Adobe"))

    @property
    def profile(self) -> bytes:
        """Its parts in their order, where all are there: each has its number and how many there are."""
        parts = sorted(self._profile)
        if not parts or len(parts[0]) < 14 or parts[0][13] != len(parts):
            return b""
        return b"".join(part[14:] for part in parts)


def _pictures(index: bytes) -> int:
    order = byte_order(index)
    tag = directory(index, first_directory(index), {_PICTURES}, 4).get(_PICTURES) if order else None
    numbers = tag.numbers(order) if tag else ()
    return max(1, numbers[0]) if numbers else 1
