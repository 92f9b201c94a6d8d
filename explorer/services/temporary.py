"""Where the files of visitors lie until they are read: a folder of this process alone."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def private_folder() -> Iterator[None]:
    """While it lasts, gradio keeps its files in a folder of this process alone, which is gone afterwards.

    Its usual one is shared by all gradio apps of a machine, and each hands out what lies there. To be entered before
    gradio is imported; a GRADIO_TEMP_DIR that is set is left as it is.
    """
    if os.environ.get("GRADIO_TEMP_DIR"):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="codebook-explorer-", ignore_cleanup_errors=True) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        yield
