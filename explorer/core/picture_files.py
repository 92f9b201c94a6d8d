"""The pictures of a data set, one after the other in a fixed order: of a folder, a tar or a zip, however large."""

import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from explorer.core.errors import DataError
from explorer.core.images import MAX_FILE, check_length, read_file

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}

_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError)
"""What Python's readers raise of a damaged archive."""


@dataclass(frozen=True)
class PictureFile:
    """name: its path within the data set. size in bytes. read: its bytes, from any thread and at any time;
    a PictureError or DataError says why that is not possible."""

    name: str
    size: int
    read: Callable[[], bytes]


def picture_files(source: Path, leave_out: Collection[str] = ()) -> Iterator[PictureFile]:
    """Every picture file of a folder, tar or zip, by its ending, except below folders named in `leave_out`.

    The order is that of the names in a folder and that of storage in an archive. Contents are read when they
    are asked for, those of a compressed tar while passing. A DataError says where there is none.
    """
    found = 0
    try:
        for file in _files(source):
            path = PurePosixPath(file.name)
            if path.suffix.lower() in SUFFIXES and not set(path.parts) & set(leave_out):
                found += 1
                yield file
    except _DAMAGE as error:
        raise _damaged(source, error) from error
    if not found:
        raise DataError(
            f"No pictures in {source}: expected a folder, tar or zip of files ending in {', '.join(sorted(SUFFIXES))}."
        )


def _damaged(source: Path, error: Exception) -> DataError:
    return DataError(f"{source} is damaged or cut off ({error}). Fetch it again.")


def _files(source: Path) -> Iterator[PictureFile]:
    if source.is_dir():
        yield from _folder_files(source, "")
    elif not source.exists():
        raise DataError(f"{source} does not exist: give a folder of pictures, a tar or a zip.")
    elif zipfile.is_zipfile(source):
        yield from _zip_files(source)
    elif tarfile.is_tarfile(source):
        with source.open("rb") as file:
            yield from _tar_files(file, source)
    else:
        raise DataError(f"{source} is neither a folder nor a tar or zip archive.")


def _folder_files(folder: Path, prefix: str) -> Iterator[PictureFile]:
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _folder_files(Path(entry.path), f"{prefix}{entry.name}/")
        elif entry.is_file():
            yield PictureFile(prefix + entry.name, entry.stat().st_size, partial(read_file, Path(entry.path)))


def _zip_files(source: Path) -> Iterator[PictureFile]:
    archive = zipfile.ZipFile(source)  # closed with the last file that refers to it: they are read later
    for info in archive.infolist():
        if ".tar" in PurePosixPath(info.filename).suffixes[-2:]:  # Caltech's official zip holds a tar.gz
            with archive.open(info) as inner:
                yield from _tar_files(inner, None)
        elif not info.is_dir():
            yield PictureFile(info.filename, info.file_size, partial(_of_zip, archive, info))


def _tar_files(file, path: Path | None) -> Iterator[PictureFile]:
    """path: where the archive lies, None within another, out of which its files are read while passing."""
    with tarfile.open(fileobj=file) as archive:
        anywhere = path is not None and archive.fileobj is file  # a compressed one has another file before it
        while (member := archive.next()) is not None:
            archive.members.clear()  # tarfile remembers every member it saw, which in a large archive is a lot
            if member.isfile():
                if member.size > MAX_FILE:
                    read = partial(check_length, member.size)
                elif anywhere and not member.issparse():
                    read = partial(_of_tar, path, member.offset_data, member.size)
                else:
                    read = partial(bytes, archive.extractfile(member).read())
                yield PictureFile(member.name, member.size, read)


def _of_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    check_length(info.file_size)  # zipfile reads no more than that
    try:
        return archive.read(info)
    except (*_DAMAGE, RuntimeError) as error:  # RuntimeError: encrypted, or a compression unknown here
        raise _damaged(Path(archive.filename), error) from error


def _of_tar(path: Path, offset: int, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)
    except OSError as error:
        raise _damaged(path, error) from error
