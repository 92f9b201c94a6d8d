"""A file is written whole or not at all, also where the disk says only at the end that it is full."""

import errno
import os

import pytest

from explorer.core.atomic import atomic, no_room
from explorer.core.command import refusing
from explorer.core.errors import DataError

FULL = OSError(errno.ENOSPC, "No space left on device")


def raising(error):
    def call(*_):
        raise error

    return call


@pytest.mark.parametrize("when", ["writing", "fsync", "replace"])
def test_what_was_there_stays_where_the_disk_is_full(tmp_path, monkeypatch, when):
    path = tmp_path / "a.json"
    path.write_text("before")
    if when != "writing":
        monkeypatch.setattr(os, when, raising(FULL))
    with pytest.raises(DataError, match=r"a\.json could not be written .*No space left.* untouched"):  # noqa: SIM117
        with atomic(path) as part:
            part.write_text("after")
            if when == "writing":
                raise FULL
    assert path.read_text() == "before" and [found.name for found in tmp_path.iterdir()] == ["a.json"]


def test_no_room_is_found_in_what_an_error_came_from():
    wrapped = RuntimeError("the download failed")
    wrapped.__cause__ = FULL
    assert no_room(FULL) and no_room(wrapped) and no_room(OSError(errno.EROFS, "Read-only file system"))
    assert not no_room(OSError(errno.ENOENT, "No such file")) and not no_room(ValueError()) and not no_room(None)


def test_a_command_on_a_full_disk_says_a_sentence(capsys):
    assert refusing(raising(FULL))([]) == 2
    assert "No space left on device. Free some space" in capsys.readouterr().err
    with pytest.raises(FileNotFoundError):
        refusing(raising(FileNotFoundError(errno.ENOENT, "No such file")))([])
