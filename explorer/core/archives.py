"""Zip files from outside: looked at before anything in them is unpacked, or refused with a sentence."""

import contextlib
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import BinaryIO

from explorer.core.errors import ArchiveError

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
DIRECTORY_BYTES = 128
"""Bytes that an archive's list of entries may take for each entry that it may have, names included."""


@contextlib.contextmanager
def untrusted_zip(
    file: BinaryIO, name: str, *, entries: int, kinds: Collection[int], unpacked: int | None = None
) -> Iterator[zipfile.ZipFile]:
    """A zip file that is what its list of entries says; an ArchiveError names it and says why it was refused.

    entries: how many it may have; kinds: the compressions that may be used; unpacked: bytes of all together. Refused
    are entries that overlap, that have one name, or that are encrypted.
    """
    with contextlib.ExitStack() as opened:
        try:
            found = zipfile._EndRecData(file)  # the list is as long as this says, and ZipFile takes it in whole
            crowded = bool(found) and found[zipfile._ECD_SIZE] > entries * DIRECTORY_BYTES
            archive = None if crowded else opened.enter_context(zipfile.ZipFile(file))
        except (*_DAMAGE, ValueError, struct.error, OverflowError, OSError) as error:
            raise _damaged(name, error) from error
        if archive is None:
            raise ArchiveError(f"{name} is a zip file of too many entries; at most {entries:,} are read.")
        _check(archive, name, entries, unpacked, kinds)
        try:
            yield archive
        except _DAMAGE as error:
            raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> ArchiveError:
    return ArchiveError(f"{name} is cut short or damaged ({error}); fetch it again.")


def _check(archive: zipfile.ZipFile, name: str, entries: int, unpacked: int | None, kinds: Collection[int]) -> None:
    there = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
    if len(there) > entries:
        raise ArchiveError(f"{name} is a zip file of {len(there):,} entries; at most {entries:,} are read.")
    if len({entry.filename for entry in there}) < len(there):
        raise ArchiveError(f"{name} is a zip file with two entries of one name; it was refused.")
    if any(entry.compress_type not in kinds or entry.flag_bits & 1 for entry in there):
        raise ArchiveError(f"{name} is a zip file packed in a way that is not read here. Unpack it first.")
    total = sum(entry.file_size for entry in there)
    if unpacked is not None and total > unpacked:
        raise ArchiveError(f"{name} unpacks to {-(-total // 2**20):,} MB; at most {unpacked >> 20:,} MB are read.")
    ends = [*(entry.header_offset for entry in there), archive.start_dir]
    for entry, (start, end) in zip(there, pairwise(ends), strict=True):
        stored = entry.compress_type == zipfile.ZIP_STORED
        if start + zipfile.sizeFileHeader + entry.compress_size > end or (
            stored and entry.file_size != entry.compress_size
        ):
            raise ArchiveError(f"{name} is a zip file whose entries claim more bytes than it has; it was refused.")
