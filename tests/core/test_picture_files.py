"""The same files out of a folder and every kind of archive, in a fixed order, read at any time."""

import io
import os
import tarfile
import zipfile

import pytest

from explorer.core.errors import DataError, PictureError
from explorer.core.picture_files import picture_files

FILES = {f"{folder}/{i}{end}": os.urandom(100 + i) for folder in "ba" for i, end in enumerate((".jpg", ".PNG", ".tif"))}
OTHERS = {"a/notes.txt": b"words", "b/.DS_Store": b""}


@pytest.fixture(params=["folder", "tar", "tar.gz", "zip", "tar.gz in a zip"])
def source(request, tmp_path):
    path = tmp_path / "data"
    if request.param == "folder":
        for name, data in (FILES | OTHERS).items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    elif request.param == "zip":
        write_zip(path, FILES | OTHERS)
    elif request.param == "tar.gz in a zip":
        write_zip(path, {"inner/data.tar.gz": tar("w:gz"), "readme.txt": b"words"})
    else:
        path.write_bytes(tar("w:gz" if request.param == "tar.gz" else "w"))
    return path


def tar(mode):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in (FILES | OTHERS).items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def write_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def test_every_source_gives_the_same_files_readable_in_any_order(source):
    found = list(picture_files(source))
    names = [file.name for file in found]
    assert names == (sorted(FILES) if source.is_dir() else list(FILES))
    for file in reversed(found):
        assert file.read() == FILES[file.name] and file.size == len(FILES[file.name])
    assert [file.name for file in picture_files(source)] == names


def test_left_out_folders(source):
    assert {file.name[0] for file in picture_files(source, ["a"])} == {"b"}
    with pytest.raises(DataError, match="No pictures in"):
        list(picture_files(source, ["a", "b"]))


def test_contents_are_not_read_before_they_are_asked_for(tmp_path):
    (tmp_path / "data.tar").write_bytes(tar("w"))
    first = next(picture_files(tmp_path / "data.tar"))
    data = bytearray((tmp_path / "data.tar").read_bytes())
    where = data.index(FILES[first.name])
    data[where : where + 4] = b"new!"
    (tmp_path / "data.tar").write_bytes(data)
    assert first.read() == b"new!" + FILES[first.name][4:]


def test_what_cannot_be_read_is_said_when_it_is_read(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "gone.jpg").write_bytes(b"x")
    gone = next(picture_files(tmp_path / "folder"))
    (tmp_path / "folder" / "gone.jpg").unlink()
    with pytest.raises(PictureError, match=r"gone\.jpg can't be read"):
        gone.read()
    write_zip(tmp_path / "data.zip", {"a.jpg": bytes(1000), "b.jpg": b"whole"})
    data = bytearray((tmp_path / "data.zip").read_bytes())
    data[40] ^= 0xFF
    (tmp_path / "data.zip").write_bytes(data)
    first, second = picture_files(tmp_path / "data.zip")
    with pytest.raises(DataError, match="damaged or cut off"):
        first.read()
    assert second.read() == b"whole"
