"""Where the files of visitors lie until they are read: a folder of this process alone."""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def private_folder() -> Iterator[Path | None]:
    """While it lasts, gradio keeps its files in the folder given, of this process alone, which is gone afterwards.

    gradio's usual one is shared by all its apps on a machine, and each hands out what lies there. To be entered before
    gradio is imported. A GRADIO_TEMP_DIR that is set is left as it is, and None given.
    """
    if os.environ.get("GRADIO_TEMP_DIR"):
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="codebook-explorer-", ignore_cleanup_errors=True) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        yield Path(folder)


def sweep(folder: Path, seconds: float) -> None:
    """Remove from a private folder the files older than this, and empty folders: what gradio itself loses sight of."""
    before = time.time() - seconds
    for inside, _, names in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):  # removed by another meanwhile, or a folder that is not empty
            for path in (Path(inside, name) for name in names):
                if path.stat().st_mtime < before:
                    path.unlink()
            if Path(inside) != folder and Path(inside).stat().st_mtime < before:
                Path(inside).rmdir()
