"""Own files: each visitor's uploads lie in a folder of their own, and a request may name only files of its visitor.

The gate calls `check_paths` for every request that starts work, before gradio reads it. gradio's own check skips a file
description without `meta`, and lets every visitor name every upload.
"""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

FOLDER = "visitors"
"""Below gradio's upload folder. What the program itself makes lies beside it."""
_KEY = secrets.token_bytes(16)
"""Of this process: nobody can guess the name of a visitor's folder from an address."""
_FILE_BLOCKS = (gr.File, gr.Image, gr.UploadButton, gr.DownloadButton)


class NotYours(Exception):
    """A request names a file that its visitor did not upload. The text is what the visitor is told."""


def folder_name(visitor: str) -> str:
    """Where a visitor's uploads lie, relative to the upload folder."""
    return f"{FOLDER}/{hashlib.blake2b(visitor.encode(), digest_size=16, key=_KEY).hexdigest()}"


def new_folder_name(visitor: str) -> str:
    """The same for one more upload: each has a folder of its own, whose name cannot be guessed."""
    return f"{folder_name(visitor)}/{secrets.token_hex(16)}"


def uploads() -> Path:
    """gradio's upload folder, without symbolic links."""
    return Path(os.path.realpath(gr.utils.get_upload_folder()))


def kept(visitor: str) -> int:
    """Bytes of the visitor's uploads."""
    total = 0
    for path in (uploads() / folder_name(visitor)).rglob("*"):
        with contextlib.suppress(OSError):  # removed meanwhile
            total += path.stat().st_size
    return total


def owns(visitor: str, path: str) -> bool:
    """Whether a path lies in the visitor's folder, symbolic links followed.

    A path elsewhere is refused by its text alone, so that the answer does not depend on what is there.
    """
    mine = str(uploads() / folder_name(visitor))
    for root in (mine, os.path.join(gr.utils.get_upload_folder(), folder_name(visitor))):
        if "\0" not in path and os.path.normpath(path).startswith(root + os.sep):
            return os.path.realpath(path).startswith(mine + os.sep)
    return False


def check_paths(visitor: str, call: dict[str, Any], inputs: Sequence[Any] = ()) -> None:
    """Raise NotYours unless every file that a request describes is the visitor's.

    call: what a request carries, parsed. inputs: the components that the items of its "data" go to, in their order,
    where they are known: one that takes files accepts nothing but descriptions of files.
    """
    for path in paths_in(call):
        if not owns(visitor, path):
            raise NotYours("A file that this request names was not uploaded from here, or is gone. Upload it first.")
    data = call.get("data")
    for block, item in zip(inputs, data if isinstance(data, list) else (), strict=False):
        if isinstance(block, _FILE_BLOCKS) and not _describes_files(item):
            raise NotYours('A file is given as {"path": ...}, with the path that /gradio_api/upload answered.')


def _describes_files(item: Any) -> bool:
    if isinstance(item, list):
        return all(_describes_files(one) for one in item)
    return item is None or isinstance(item, dict)


def paths_in(data: Any) -> Iterator[str]:
    """Every path that descriptions of files name, however deep they lie. Anything but text counts as a path, too."""
    left = [data]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            if one.get("path") is not None:
                yield str(one["path"])
            left.extend(value for value in one.values() if isinstance(value, dict | list))
        elif isinstance(one, list):
            left.extend(value for value in one if isinstance(value, dict | list))
