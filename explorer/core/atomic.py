"""Files that are written whole or not at all, and how it is told that there is no room for one."""

import contextlib
import errno
import os
from pathlib import Path

from explorer.core.errors import DataError

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
"""Of a full disk, a quota, a limit on the size of files, and a disk that can only be read."""


def no_room(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, says that nothing more can be written."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return True
        error = error.__cause__ or error.__context__
    return False


class atomic:
    """A context that gives a temporary path and moves it into place once it is wholly on disk.

    When writing fails, on a full disk say, what was there before stays and a DataError says so.
    """

    def __init__(self, path: Path):
        self.path, self.temporary = path, path.with_name(path.name + ".part")

    def __enter__(self) -> Path:
        return self.temporary

    def __exit__(self, kind, error, trace) -> None:
        if error is None:
            try:
                with self.temporary.open("rb") as file:
                    os.fsync(file.fileno())  # some disks say only now that they are full
                os.replace(self.temporary, self.path)
                return
            except OSError as failed:
                error = failed
        with contextlib.suppress(OSError):
            self.temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) or any(mark in str(error) for mark in _WRITERS):
            raise DataError(
                f"{self.path} could not be written ({error}). Is the disk full? What was there before is untouched; "
                "free some space and run the same command again to go on."
            ) from error


_WRITERS = ("PytorchStreamWriter", "inline_container", "(os error ")
"""In the texts of torch.save's and safetensors' own errors where a file could not be written."""
