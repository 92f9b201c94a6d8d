"""Small picture files that ask for a lot: of time, of memory, or to be run as a program."""

import io
import struct
import zlib
from collections.abc import Callable

from PIL import Image, ImageCms

SIDE = 8000
"""SIDE squared is the most pixels that are decoded."""


def saved(image: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def small(mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (32, 24), "teal")


def program(words: bytes) -> bytes:
    """A PostScript program that passes for a picture of 20 x 20 points."""
    return b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\n" + words + b"\nshowpage\n%%EOF\n"


def programs() -> dict[str, bytes]:
    loop = program(b"{} loop")
    dos = struct.pack("<4s3I4I2x", b"\xc5\xd0\xd3\xc6", 30, len(loop), 0, 0, 0, 0, 0)
    return {"endless.png": loop, "endless.eps": loop, "endless_dos.jpg": dos[:30] + loop}


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def zeros(count: int, level: int = 6) -> bytes:
    """So many zeros, deflated a megabyte at a time."""
    packer, block = zlib.compressobj(level), bytes(2**20)
    parts = [packer.compress(block[: min(2**20, count - done)]) for done in range(0, count, 2**20)]
    return b"".join([*parts, packer.flush()])


def png(
    width: int, height: int, bits: int = 8, colour: int = 2, interlaced: bool = False, before=(), after=()
) -> bytes:
    """A black PNG; before and after: chunks around its data."""
    values = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    count = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            count += rows * (1 + (columns * bits * values + 7) // 8)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced)))
    data = png_chunk(b"IDAT", zeros(count))
    return b"".join((b"\x89PNG\r\n\x1a\n", header, *before, data, *after, png_chunk(b"IEND", b"")))


def gif(between: bytes = b"", after: bytes = b"", size: tuple[int, int] = (16, 12)) -> bytes:
    """A GIF of one picture with blocks before or after it."""
    plain = saved(Image.new("L", size), "GIF")
    start = 13 + (3 << (plain[10] & 7) + 1)
    return plain[:start] + between + plain[start:-1] + after + b";"


def jpeg(image: Image.Image | None = None, segments: bytes = b"", **options) -> bytes:
    """A JPEG with segments put before everything else."""
    plain = saved(image or small(), "JPEG", **options)
    return plain[:2] + segments + plain[2:]


def segment(marker: int, body: bytes) -> bytes:
    return bytes([255, marker]) + struct.pack(">H", len(body) + 2) + body


def scans(width: int, height: int, count: int, components: int = 3) -> bytes:
    """A progressive JPEG whose scans say almost nothing: runs of blocks without a change."""
    ids = range(1, components + 1)
    parts = [b"\xff\xd8", segment(0xDB, b"\0" + b"\1" * 64)]
    parts.append(
        segment(0xC2, struct.pack(">BHHB", 8, height, width, components) + b"".join(bytes([i, 0x11, 0]) for i in ids))
    )
    parts.append(segment(0xC4, b"\x00\1" + bytes(15) + b"\0"))  # DC: one code, no difference
    parts.append(segment(0xC4, b"\x10\1" + bytes(15) + b"\xe0"))  # AC: one code, a run of 2**14 blocks and more
    blocks = -(-width // 8) * -(-height // 8)
    parts.append(segment(0xDA, bytes([components]) + b"".join(bytes([i, 0]) for i in ids) + b"\0\0\0"))
    parts.append(bytes(-(-blocks * components // 8)))
    run = bytes(-(-15 * (blocks // 2**14 + 1) // 8) + 1)
    for scan in range(count):
        parts += [segment(0xDA, bytes([1, 1 + scan % components, 0, 1, 63, 0])), run]
    return b"".join([*parts, b"\xff\xd9"])


def tiff(entries: dict[int, tuple[int, list[int]]], data: bytes = b"", following: int = 0) -> bytes:
    """A TIFF of one directory: tag -> (type, values); data begins at byte 8."""
    place = 8 + len(data) + len(data) % 2
    head = struct.pack("<2sHL", b"II", 42, place)
    values_at, fixed, values = place + 2 + 12 * len(entries) + 4, [], []
    for tag, (type, numbers) in sorted(entries.items()):
        body = struct.pack(f"<{len(numbers)}{'BHL'[(1, 3, 4).index(type)]}", *numbers)
        if len(body) > 4:
            body += b"\0" * (len(body) % 2)
            values.append(body)
            body, values_at = struct.pack("<L", values_at), values_at + len(body)
        fixed.append(struct.pack("<HHL", tag, type, len(numbers)) + body.ljust(4, b"\0"))
    directory = struct.pack("<H", len(entries)) + b"".join(fixed) + struct.pack("<L", following)
    return head + data + b"\0" * (len(data) % 2) + directory + b"".join(values)


def grey_tiff(width: int, height: int, data: bytes, **other: tuple[int, list[int]]) -> bytes:
    """An 8-bit grey TIFF of one strip; other: tags as t277=(type, values)."""
    entries = {256: (4, [width]), 257: (4, [height]), 258: (3, [8]), 259: (3, [1]), 262: (3, [1]), 273: (4, [8])}
    entries |= {277: (3, [1]), 278: (4, [height]), 279: (4, [len(data)])}
    entries |= {int(name[1:]): value for name, value in other.items()}
    return tiff(entries, data)


def chain(frames: int) -> bytes:
    """A TIFF of many directories, one behind the other, which all show the same strip."""
    data = bytes(64)
    one = tiff(
        {256: (3, [8]), 257: (3, [8]), 258: (3, [8]), 259: (3, [1]), 262: (3, [1]), 273: (4, [8]), 279: (4, [64])}, data
    )
    directory = one[8 + 64 : -4]
    length, begin = len(directory) + 4, 8 + 64
    parts = [one[:begin]]
    for frame in range(frames):
        parts.append(directory + struct.pack("<L", begin + length * (frame + 1) if frame + 1 < frames else 0))
    return b"".join(parts)


def exif_bomb(pad: int = 60_000, tags: int = 3000) -> bytes:
    """EXIF data whose tags all have the same long value."""
    directory = struct.pack("<H", tags)
    start = 8 + 2 + 12 * tags + 4
    for tag in range(tags):
        directory += struct.pack("<HHLL", 0x9000 + tag, 5, pad // 8, start)
    return b"Exif\0\0II*\0" + struct.pack("<L", 8) + directory + bytes(4 + pad)


def endless_profile(elements: int = 250_000) -> bytes:
    """sRGB with a chain of that many multiProcessElements, all the same one."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[8] = 4
    count = struct.unpack_from(">I", profile, 128)[0]
    shift = 12
    head, table, body = profile[:128], profile[132 : 132 + 12 * count], profile[132 + 12 * count :]
    moved = b"".join(
        table[12 * i : 12 * i + 4]
        + struct.pack(">I", struct.unpack_from(">I", table, 12 * i + 4)[0] + shift)
        + table[12 * i + 8 : 12 * i + 12]
        for i in range(count)
    )
    matrix = struct.pack(">4s4xHH12f", b"matf", 3, 3, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)
    positions = struct.pack(">II", 16 + 8 * elements, len(matrix)) * elements
    tag = struct.pack(">4s4xHHI", b"mpet", 3, 3, elements) + positions + matrix
    start = 132 + 12 * (count + 1) + len(body)
    entry = struct.pack(">4sII", b"D2B0", start, len(tag))
    whole = bytes(head) + struct.pack(">I", count + 1) + bytes(moved) + entry + bytes(body) + tag
    return struct.pack(">I", len(whole)) + whole[4:]


def with_bomb_as_exif(format: str) -> bytes:
    """A picture whose EXIF data takes five gigabytes to read."""
    if format == "TIFF":
        pad, tags = bytes(2**20), 5000
        bomb = {0x9000 + tag: (1, [0]) for tag in range(tags)}
        whole = bytearray(grey_tiff(8, 8, bytes(64) + pad, **{f"t{tag}": value for tag, value in bomb.items()}))
        for place in range(len(whole) - 12 * tags - 4, len(whole) - 4, 12):  # its directory comes last
            whole[place + 4 : place + 12] = struct.pack("<LL", len(pad), 8 + 64)
        return bytes(whole)
    bomb = exif_bomb(pad=2**20 - 70_000, tags=5000)
    if format == "PNG":
        return png(8, 8, before=[png_chunk(b"eXIf", bomb[6:])])
    return saved(small(), format, exif=bomb)


def runs() -> bytes:
    """A BMP of run lengths that say nothing."""
    head = struct.pack("<2sIHHI", b"BM", 0, 0, 0, 14 + 40 + 1024)
    head += struct.pack("<IiiHHIIiiII", 40, SIDE, SIDE, 1, 8, 1, 0, 0, 0, 256, 0)
    return head + bytes(range(256)) * 4 + b"\0\2\1\0" * 4_000_000


def code_tables(side: int = 1024) -> bytes:
    """A lossless WebP in which every 4 x 4 pixels have Huffman codes of their own, as many as the format allows."""
    bits: list[tuple[int, int]] = [(0x2F, 8), (side - 1, 14), (side - 1, 14), (0, 1 + 3)]
    bits += [(0, 1), (0, 1), (1, 1), (0, 3), (0, 1)]  # no transform, no cache; codes per 4 x 4 pixels; no cache there
    for others in (24, 0):  # green and red: eight bits for each of 256 values, none for lengths
        bits += [(0, 1), (8, 4), *((int(place in (2, 11)), 3) for place in range(12)), (0, 1)]
        bits += [(1, 1)] * 256 + [(0, 1)] * others
    one_value = (0b0001, 4)
    bits += [one_value] * 3  # blue, alpha, distance
    count = (side // 4) ** 2
    turned = [int(f"{value:08b}"[::-1], 2) for value in range(256)]
    for number in range(count):
        bits += [(turned[number & 255], 8), (turned[number >> 8 & 255], 8)]
    bits += [one_value] * 5 * count
    digits = "".join(f"{value:0{width}b}"[::-1] for value, width in bits) + "0" * 64
    body = int(digits[::-1], 2).to_bytes(-(-len(digits) // 16) * 2, "little")
    return b"RIFF" + struct.pack("<I", 12 + len(body)) + b"WEBPVP8L" + struct.pack("<I", len(body)) + body


def tile() -> bytes:
    """A TIFF of 16 x 16 pixels that are the corner of one huge tile."""
    tags = {"t259": (3, [8]), "t322": (4, [30_000]), "t323": (4, [30_000]), "t324": (4, [8]), "t325": (4, [900_000])}
    return grey_tiff(16, 16, zeros(50_000_000), **tags)


def texts(count: int) -> bytes:
    """A PNG with so many texts of a megabyte each."""
    return png(8, 8, before=[png_chunk(b"zTXt", b"text %d\0\0" % i + zeros(2**20)) for i in range(count)])


ACCEPTED: dict[str, Callable[[], tuple[bytes, str]]] = {
    "a comment, gif": lambda: (gif(b"!\xfe" + (b"\xff" + bytes(255)) * 60_000 + b"\0"), ""),
    "exif, png": lambda: (with_bomb_as_exif("PNG"), ""),
    "exif, tiff": lambda: (with_bomb_as_exif("TIFF"), ""),
    "exif, webp": lambda: (with_bomb_as_exif("WEBP"), ""),
    "frames, tiff": lambda: (chain(100_000), "first of several frames"),
    "offsets, tiff": lambda: (grey_tiff(8, 8, bytes(64), t273=(4, [8] * 60_000)), ""),
    "profile, jpeg": lambda: (jpeg(icc_profile=endless_profile()), ""),
    "profile, png": lambda: (png(8, 8, before=[png_chunk(b"iCCP", b"x\0\0" + zeros(2**26, 9))]), ""),
    "sixteen bits, png": lambda: (png(4000, 4000, 16, 0), "scaled to 8 bits"),
    "texts, png": lambda: (texts(100), ""),
}
"""Makers of (file, note): pictures with a burden that is not needed. They are opened without it."""

REFUSED: dict[str, Callable[[], tuple[bytes, str]]] = {
    "comments, jpeg": lambda: (jpeg(segments=b"\xff\xfe\0\2" * 5_000_000), "too many parts"),
    "data, png": lambda: (png(8, 8, before=[png_chunk(b"IDAT", b"")] * 2_000_000), "too many parts"),
    "lossless, jpeg": lambda: (jpeg().replace(b"\xff\xc0", b"\xff\xc3"), "rare kind"),
    "offsets, tiff": lambda: (grey_tiff(8, 8, bytes(64), t273=(4, [8] * 5_000_000)), "header"),
    "plain, ppm": lambda: (b"P3\n4000 4000\n255\n" + b"0 " * 24_000_000, "a PPM, PGM or PBM picture"),
    "runs, bmp": lambda: (runs(), "compressed"),
    "scans, jpeg": lambda: (scans(SIDE, SIDE, 200), "201 passes"),
    "scans, tiff": lambda: (saved(small(), "TIFF", compression="jpeg") + b"\xff\xda" * 7_000_000, "passes"),
    "tile, tiff": lambda: (tile(), "unpack to 900,000,000 bytes"),
}
"""Makers of (file, words): what is refused before it is decoded."""


LARGEST: dict[str, Callable[[], bytes]] = {
    "bmp": lambda: saved(Image.new("RGB", (SIDE, SIDE), "teal"), "BMP"),
    "gif": lambda: gif(size=(SIDE, SIDE)),
    "jpeg": lambda: scans(SIDE, SIDE, 23),
    "jpeg of four inks": lambda: scans(7300, 7300, 23, 4),
    "png": lambda: png(SIDE, SIDE, 16, 6, interlaced=True),
    "png, grey": lambda: png(SIDE, SIDE, 16, 0),
    "tiff": lambda: saved(Image.new("RGB", (SIDE, SIDE), "teal"), "TIFF", compression="tiff_lzw"),
    "tiff of floats": lambda: saved(Image.new("F", (SIDE, SIDE)), "TIFF", compression="tiff_adobe_deflate"),
    "webp": lambda: saved(Image.new("RGBA", (5650, 5650), (0, 128, 128, 100)), "WEBP", method=0, quality=50),
    "webp, lossless": lambda: saved(Image.new("RGB", (5650, 5650), "teal"), "WEBP", lossless=True, method=0),
}
"""Makers of the costliest pictures that are decoded, of each format."""
