"""Where the files of visitors lie until they are read: a folder of this process alone.

A process that is killed leaves its folder behind; the next start removes it. Whose owner is alive is told by a lock on
the folder, which ends with the process that holds it, however it ends.
"""

import contextlib
import logging
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from explorer.core.errors import DataError

try:
    import fcntl
except ImportError:  # Windows has no such locks, so nothing is known there of other processes' folders
    fcntl = None

log = logging.getLogger(__name__)
PREFIX = "codebook-explorer-"
OWNER, FILES = "owner", "files"
"""Inside the folder: a file that says whose it is, written once the lock is held; and the folder that gradio uses."""


class _Place:
    """The folder of this process and the lock on it."""

    def __init__(self, path: Path):
        self.path, self.files, self._lock, self._turn = path, path / FILES, -1, threading.Lock()
        self._hold()

    def ensure(self) -> None:
        """Make anew what somebody removed, and close to others what was made anew by somebody else."""
        with self._turn:
            if _make_private(self.path) or not (self.path / OWNER).exists():
                self._hold()
            _make_private(self.files)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._release()

    def _hold(self) -> None:
        self._release()
        if fcntl:
            self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (self.path / OWNER).write_text(f"process {os.getpid()}, since {time.ctime()}\n", encoding="utf-8")
        _make_private(self.files)

    def _release(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1


_place: _Place | None = None
"""Of this process, while `private_folder` lasts."""


@contextlib.contextmanager
def private_folder() -> Iterator[Path | None]:
    """While it lasts, gradio keeps its files in the folder given, of this process alone, which is gone afterwards.

    gradio's usual one is shared by all its apps on a machine, and each hands out what lies there. To be entered before
    gradio is imported. A GRADIO_TEMP_DIR that is set is left as it is, and None given. A DataError says where no folder
    can be made.
    """
    global _place
    if os.environ.get("GRADIO_TEMP_DIR"):
        yield None
        return
    remove_leftovers()
    try:
        _place = _Place(Path(tempfile.mkdtemp(prefix=PREFIX)))
    except OSError as error:
        raise DataError(
            f"No folder for uploads can be made ({error.strerror or error}). Free some space, or set TMPDIR to a "
            "folder that can be written."
        ) from error
    os.environ["GRADIO_TEMP_DIR"] = str(_place.files)
    try:
        yield _place.files
    finally:
        os.environ.pop("GRADIO_TEMP_DIR", None)
        _place.remove()
        _place = None


def ensure(folder: Path) -> None:
    """Make sure that a folder of visitors' files is there; that of this process is open to nobody else.

    A DataError says where that can't be had.
    """
    try:
        if _place and folder == _place.files:
            _place.ensure()
        else:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"The folder for uploads is gone and can't be made anew ({error.strerror}).") from error


def working_folder() -> Path | None:
    """A folder for files that a visitor's request needs for a while and that nobody is to be handed: beside gradio's,
    where this process has one of its own."""
    if _place is None:
        return None
    ensure(_place.files)
    return _place.path


def remove_leftovers() -> list[Path]:
    """Remove the folders of this user whose processes are gone, and say which."""
    removed = []
    for path in sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")) if fcntl else ():
        with contextlib.suppress(OSError), _abandoned(path) as abandoned:
            if abandoned:
                shutil.rmtree(path)
                removed.append(path)
    if removed:
        log.info("removed the uploads that processes left which were killed: %s", ", ".join(map(str, removed)))
    return removed


@contextlib.contextmanager
def _abandoned(path: Path) -> Iterator[bool]:
    """Whether a folder is of this user, and its process is gone; for so long the lock is held here."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        # Before the file is there, the lock may not be taken yet.
        marked = stat.S_ISREG(os.stat(OWNER, dir_fd=folder, follow_symlinks=False).st_mode)
        if os.fstat(folder).st_uid != os.getuid() or not marked:
            yield False
            return
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(folder)


def _make_private(folder: Path) -> bool:
    """Make a folder that only this user can look into; whether it was not there. A DataError where it is another's."""
    try:
        folder.mkdir(mode=0o700)
        return True
    except FileExistsError:
        found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
        raise DataError(f"The folder for uploads was replaced by somebody else: {folder.name}. Start the program anew.")
    if found.st_mode & 0o077:
        folder.chmod(0o700)
    return False


def sweep(folder: Path, seconds: float) -> None:
    """Remove from a private folder the files older than this, and empty folders: what gradio itself loses sight of."""
    ensure(folder)
    before = time.time() - seconds
    for inside, _, names in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):  # removed by another meanwhile, or a folder that is not empty
            for path in (Path(inside, name) for name in names):
                if path.stat().st_mtime < before:
                    path.unlink()
            if Path(inside) != folder and Path(inside).stat().st_mtime < before:
                Path(inside).rmdir()
