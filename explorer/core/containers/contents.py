"""What is known of a picture file before it is decoded, and the limits that all formats share."""

from dataclasses import dataclass

from explorer.core.errors import PictureError

MAX_FRAMES = 1000
"""Pictures of one file are counted up to this many, and one more."""

MAX_PARTS = 100_000
"""Chunks, segments or blocks of one file that are walked through; real files have far fewer."""

MAX_EXTRA = 2**20
"""Bytes of EXIF or XMP data that are looked at."""

MAX_PROFILE = 4 * 2**20
"""Bytes of a colour profile that is used; those of printers have up to three million."""

SCANNED = 24 * 64_000_000
"""Pixels that a JPEG's scans may visit in all. Encoders write ten scans; each goes over the whole picture."""


@dataclass(frozen=True)
class Contents:
    """The first picture of a file.

    format: Pillow's name for it. size: (width, height) in pixels. data: a file of this picture alone. memory: bytes
    that decoding it takes at most, with the pixels that come of it. tables: bytes that a hostile file could make the
    decoder take besides. frames: how many pictures the file holds; above MAX_FRAMES there may be more. orientation: 1
    to 8 as in EXIF. profile: its ICC profile, or nothing.
    """

    format: str
    size: tuple[int, int]
    data: bytes
    memory: int
    tables: int = 0
    frames: int = 1
    orientation: int = 1
    profile: bytes = b""


def damaged(format: str) -> PictureError:
    """The error for a header that makes no sense."""
    return PictureError(f"The header of this {format} file is damaged. Save or download the picture again.")


def too_many_parts(format: str) -> PictureError:
    """The error for a file that is made of more parts than MAX_PARTS."""
    return PictureError(
        f"This {format} file is cut into too many parts; at most {MAX_PARTS:,} are read. "
        "Open it in a picture editor and save it again."
    )


def profile_in_use(profile: bytes) -> bytes:
    """The profile, or nothing where reading it could take long.

    Profiles with multiProcessElements (ICC.1:2010, section 10.14) are chains of any length, evaluated element by
    element; those of cameras, screens and printers have none.
    """
    return profile if len(profile) <= MAX_PROFILE and b"mpet" not in profile else b""
