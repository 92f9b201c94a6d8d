"""Files that are written whole or not at all."""

import os
from pathlib import Path

from explorer.core.errors import DataError


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
            with self.temporary.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(self.temporary, self.path)
            return
        self.temporary.unlink(missing_ok=True)
        # torch.save reports a full disk as a RuntimeError of its archive writer
        if isinstance(error, OSError) or "PytorchStreamWriter" in str(error) or "inline_container" in str(error):
            raise DataError(
                f"{self.path} could not be written ({error}). Is the disk full? What was there before is untouched; "
                "free some space and run the same command again to go on."
            ) from error
