"""Directories of tags as in TIFF 6.0 (Adobe, 1992), which EXIF and the list of a JPEG's further pictures use, too."""

import re
import struct
from collections.abc import Collection
from dataclasses import dataclass

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
"""Type of a value -> its bytes."""

_ORIENTATION = 0x0112
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')


@dataclass(frozen=True)
class Tag:
    """type and count of its values, which are in `data`, in the byte order of their file."""

    type: int
    count: int
    data: bytes

    def numbers(self, order: str) -> tuple[int, ...]:
        """Whole numbers of 16 or 32 bits; none of other types."""
        letter = {3: "H", 4: "L"}.get(self.type)
        return struct.unpack(f"{order}{self.count}{letter}", self.data) if letter else ()


def byte_order(data: bytes) -> str:
    """That of a file with a TIFF header, as struct writes it, or "" where there is no such header."""
    return {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4], "")


def first_directory(data: bytes) -> int:
    """Where the first directory of a file begins."""
    return struct.unpack_from(byte_order(data) + "L", data, 4)[0] if len(data) >= 8 else 0


def directory(data: bytes, start: int, wanted: Collection[int], most: int) -> dict[int, Tag]:
    """The wanted tags of a directory whose values have at most `most` bytes each and lie inside the file."""
    order, found = byte_order(data), {}
    for place in range(start + 2, start + 2 + 12 * _entries(data, start), 12):
        if place + 12 > len(data):
            break
        tag, type, count = struct.unpack_from(order + "HHL", data, place)
        size = count * _SIZES.get(type, 0)
        if tag in found or tag not in wanted or not 0 < size <= most:
            continue
        value = place + 8 if size <= 4 else struct.unpack_from(order + "L", data, place + 8)[0]
        if value + size <= len(data):
            found[tag] = Tag(type, count, data[value : value + size])
    return found


def next_directory(data: bytes, start: int) -> int:
    """Where the directory after one begins, 0 after the last."""
    place = start + 2 + 12 * _entries(data, start)
    return struct.unpack_from(byte_order(data) + "L", data, place)[0] if place + 4 <= len(data) else 0


def _entries(data: bytes, start: int) -> int:
    return struct.unpack_from(byte_order(data) + "H", data, start)[0] if start + 2 <= len(data) else 0


def orientation(exif: bytes, xmp: bytes = b"") -> int:
    """How a picture lies, 1 to 8, by its EXIF data or else by its XMP data; 1 where neither says so."""
    while exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    order = byte_order(exif)
    tag = directory(exif, first_directory(exif), {_ORIENTATION}, 4).get(_ORIENTATION) if order else None
    if tag:
        numbers = tag.numbers(order)
        found = numbers[0] if numbers else 1
    else:
        match = _XMP_ORIENTATION.search(xmp)
        found = int(match[1]) if match else 1
    return found if 1 <= found <= 8 else 1  # some cameras write 0
