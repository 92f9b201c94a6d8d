"""TIFF 6.0 (Adobe, 1992): its first picture under a new directory, which holds only the tags that are needed.

The pixels stay where they are in the file. The new directory follows them and is the only one that can be reached.
"""

import math
import struct

from explorer.core.containers.contents import (
    MAX_EXTRA,
    MAX_FRAMES,
    MAX_PROFILE,
    SCANNED,
    Contents,
    damaged,
    profile_in_use,
)
from explorer.core.containers.tags import Tag, byte_order, directory, first_directory, next_directory
from explorer.core.errors import PictureError

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES, _ROWS, _PLANES = 256, 257, 258, 259, 277, 278, 284
_STRIPS, _STRIP_BYTES, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 273, 279, 322, 323, 324, 325
_PHOTOMETRIC, _FILL, _ORIENTATION, _FAX3, _FAX4, _PREDICTOR, _COLOURS = 262, 266, 274, 292, 293, 317, 320
_EXTRA, _SAMPLE_FORMAT, _JPEG_TABLES, _YCC, _SUBSAMPLING, _POSITIONING, _RANGE = 338, 339, 347, 529, 530, 531, 532
_XMP, _PROFILE = 700, 34675

_SMALL = {
    *(_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES, _ROWS, _PLANES, _TILE_WIDTH, _TILE_HEIGHT, _PHOTOMETRIC, _FILL),
    *(_ORIENTATION, _FAX3, _FAX4, _PREDICTOR, _COLOURS, _EXTRA, _SAMPLE_FORMAT, _JPEG_TABLES, _YCC, _SUBSAMPLING),
    *(_POSITIONING, _RANGE, _XMP),
}
_JPEG = 7
_COMPRESSIONS = {1, 3, 4, 5, _JPEG, 8, 32773, 32946}
"""None, fax groups 3 and 4, LZW, JPEG, deflate, PackBits, deflate by its old number."""

_MAX_PIECES = 65_536
"""Strips or tiles of a picture."""

_MAX_SAMPLES = 6


def read(data: bytes) -> Contents:
    start = first_directory(data)
    tags = directory(data, start, _SMALL, MAX_EXTRA)
    width, height = _number(data, tags, _WIDTH), _number(data, tags, _HEIGHT)
    if not width or not height:
        raise damaged("TIFF")
    pieces = _Pieces(data, start, tags, width, height)
    profile = directory(data, start, {_PROFILE}, MAX_PROFILE).get(_PROFILE)
    return Contents(
        "TIFF",
        (width, height),
        _rebuilt(data, tags | pieces.tags),
        max(8 * width * height, 4 * width * height + 2 * pieces.bytes),
        frames=_frames(data, start),
        profile=profile_in_use(profile.data if profile else b""),
    )


class _Pieces:
    """The strips or tiles of a picture. tags: those that say where they are. bytes: of the largest, unpacked."""

    def __init__(self, data: bytes, start: int, tags: dict[int, Tag], width: int, height: int):
        compression, samples = _number(data, tags, _COMPRESSION, 1), _number(data, tags, _SAMPLES, 1)
        if compression not in _COMPRESSIONS:
            raise PictureError(
                f"This TIFF is compressed in a way that is not read here (number {compression}). "
                "Save it uncompressed, with LZW or with ZIP."
            )
        if samples > _MAX_SAMPLES:
            raise PictureError(f"This TIFF has {samples:,} values per pixel; at most {_MAX_SAMPLES} are read.")
        per_row, rows = width, min(height, _number(data, tags, _ROWS, height))
        places, sizes = _STRIPS, _STRIP_BYTES
        if _TILE_WIDTH in tags:
            per_row, rows = _number(data, tags, _TILE_WIDTH), _number(data, tags, _TILE_HEIGHT)
            places, sizes = _TILES, _TILE_BYTES
        if not per_row or not rows:
            raise damaged("TIFF")
        planes = samples if _number(data, tags, _PLANES, 1) == 2 else 1
        count = math.ceil(width / per_row) * math.ceil(height / rows) * planes
        if count > _MAX_PIECES:
            raise PictureError(
                f"This TIFF is cut into {count:,} pieces; at most {_MAX_PIECES:,} are read. "
                "Open it in a picture editor and save it again."
            )
        self.bytes = rows * math.ceil(per_row * _bits(data, tags, samples) / planes / 8)
        if compression == _JPEG and data.count(b"\xff\xda") * per_row * rows > SCANNED:
            raise PictureError(
                "This TIFF holds a JPEG that is written in more passes over the picture than are decoded. "
                "Save it uncompressed, with LZW or with ZIP."
            )
        if count * self.bytes > _unpacked(width, height):
            raise PictureError(
                f"The pieces of this TIFF of {width:,} x {height:,} pixels unpack to {count * self.bytes:,} bytes, far "
                "more than its pixels need. Open it in a picture editor and save it again."
            )
        self.tags = _first(directory(data, start, {places, sizes}, 4 * _MAX_PIECES), byte_order(data), count)
        if places not in self.tags:
            raise damaged("TIFF")
        if sizes in self.tags and sum(self.tags[sizes].numbers(byte_order(data))) > 2 * len(data):
            raise PictureError("The pieces of this TIFF are longer than its file. Save or download it again.")


def _unpacked(width: int, height: int) -> int:
    """Bytes that all pieces may unpack to: 16 a pixel, and what pieces at the edge of a small picture waste."""
    return 2 * (16 * width * height) + 2**24


def _first(tags: dict[int, Tag], order: str, count: int) -> dict[int, Tag]:
    """The first `count` numbers of each tag."""
    found = {}
    for number, tag in tags.items():
        values = tag.numbers(order)[:count]
        if not values:
            raise damaged("TIFF")
        found[number] = Tag(4, len(values), struct.pack(f"{order}{len(values)}L", *values))
    return found


def _number(data: bytes, tags: dict[int, Tag], tag: int, default: int = 0) -> int:
    if tag not in tags:
        return default
    values = tags[tag].numbers(byte_order(data))
    if not values:
        raise damaged("TIFF")
    return values[0]


def _bits(data: bytes, tags: dict[int, Tag], samples: int) -> int:
    """Of all values of a pixel together."""
    bits = tags[_BITS].numbers(byte_order(data))[:samples] if _BITS in tags else (1,)
    if not bits or max(bits) > 64:
        raise damaged("TIFF")
    return sum(bits) if len(bits) == samples else max(bits) * samples


def _frames(data: bytes, start: int) -> int:
    """How many directories follow one another; counting stops at MAX_FRAMES + 1."""
    seen = set()
    while start and start not in seen and len(seen) <= MAX_FRAMES:
        seen.add(start)
        start = next_directory(data, start)
    return len(seen)


def _rebuilt(data: bytes, tags: dict[int, Tag]) -> bytes:
    """The file with a directory of these tags behind it."""
    order = byte_order(data)
    begin = len(data) + len(data) % 2
    place = begin + 2 + 12 * len(tags) + 4
    entries, values = [struct.pack(order + "H", len(tags))], []
    for number, tag in sorted(tags.items()):
        value = tag.data.ljust(4, b"\0")
        if len(tag.data) > 4:
            value = struct.pack(order + "L", place)
            values.append(tag.data + b"\0" * (len(tag.data) % 2))
            place += len(values[-1])
        entries.append(struct.pack(order + "HHL", number, tag.type, tag.count) + value)
    head = data[:4] + struct.pack(order + "L", begin)
    return b"".join((head, data[8:], b"\0" * (len(data) % 2), *entries, b"\0" * 4, *values))
