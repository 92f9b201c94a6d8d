"""Pictures that are programs or bombs: none is run, and none takes much memory or time."""

import ast
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import GifImagePlugin, Image, PngImagePlugin, TiffImagePlugin

from explorer.core.containers import contents
from explorer.core.errors import DataError, PictureError
from explorer.core.images import MAX_MEMORY, read_picture
from explorer.core.picture_files import picture_files
from explorer.core.room import Room
from tests.attack import hostile_pictures
from tests.attack.hostile_pictures import png, png_chunk, programs, saved, small

ROOT = Path(__file__).parents[2]
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of a process as Linux has them")


def read_in_child(folder: Path, data: bytes, megabytes: int, seconds: int, path: str = "") -> dict:
    """What `tests.attack.reader` says of a file; path: folder of programs that are found first."""
    file = folder / "picture"
    file.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-m", "tests.attack.reader", str(file), str(megabytes), str(seconds)],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"killed or crashed ({done.returncode}): {done.stderr[-600:]}"
    return json.loads(done.stdout)


@LINUX
@pytest.mark.parametrize("name", programs())
def test_a_picture_that_is_a_program_is_not_run(tmp_path, name):
    started, interpreter = tmp_path / "started", tmp_path / "gs"
    interpreter.write_text(f"#!/bin/sh\ntouch '{started}'\n")
    interpreter.chmod(0o755)
    found = read_in_child(tmp_path, programs()[name], 500, 20, str(tmp_path))
    assert not started.exists()
    assert "PostScript" in found["error"] and "JPEG or PNG" in found["error"]


@LINUX
@pytest.mark.parametrize("name", sorted(hostile_pictures.ACCEPTED))
def test_a_burden_is_left_aside(tmp_path, name):
    data, note = hostile_pictures.ACCEPTED[name]()
    found = read_in_child(tmp_path, data, 500, 20)
    assert "error" not in found and found["notes"] == ([note] if note else [])
    assert found["megabytes"] < 200


@LINUX
@pytest.mark.parametrize("name", sorted(hostile_pictures.REFUSED))
def test_a_bomb_is_refused_off_its_header(tmp_path, name):
    data, words = hostile_pictures.REFUSED[name]()
    found = read_in_child(tmp_path, data, 500, 20)
    assert words in found["error"] and found["megabytes"] < 100


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(hostile_pictures.LARGEST))
def test_the_costliest_pictures_stay_within_their_budget(tmp_path, name):
    data = hostile_pictures.LARGEST[name]()
    most = contents(data).memory
    assert MAX_MEMORY * 0.7 < most <= MAX_MEMORY
    found = read_in_child(tmp_path, data, 1500, 60)
    assert found["size"] and found["megabytes"] < (most >> 20) + 50


@LINUX
@pytest.mark.slow
def test_the_code_tables_of_a_lossless_picture_are_counted(tmp_path):
    """How many there are can't be told off the header, so room is kept for all that there may be."""
    data = hostile_pictures.code_tables()
    most = contents(data).memory + contents(data).tables
    found = read_in_child(tmp_path, data, 2000, 60)
    assert found["size"] == [1024, 1024] and 200 < found["megabytes"] < most >> 20


def test_only_the_formats_that_are_named_are_read():
    """Whatever Pillow can write: a file of another format is refused, by its content."""
    Image.init()
    read = set()
    for format in sorted(Image.SAVE):
        for mode in ("RGB", "L", "1", "RGBA", "F"):
            try:
                data = saved(small("L").convert(mode), format)
            except Exception:  # this format does not write this mode, or nothing at all
                continue
            try:
                read_picture(data)
                read.add(format)
            except PictureError as error:
                assert "JPEG, PNG, WebP, GIF, TIFF or BMP" in str(error), format
            break
    assert read == {"JPEG", "MPO", "PNG", "WEBP", "GIF", "TIFF", "BMP"}


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\0\0\0\x18ftypheic", "a HEIC picture"),
        (b"\0\0\0\x18ftypmif1", "a HEIF picture"),
        (b"\0\0\0\x18ftypavif", "an AVIF picture"),
        (b"\0\0\0\x18ftypisom", "a video"),
        (b"\xff\x0a\xfa\x1f", "a JPEG XL picture"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">', "an SVG drawing"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"%PDF-1.7", "a PDF document"),
        (b"%!PS-Adobe-3.0", "a PostScript (EPS) program"),
        (b"8BPS\0\1", "a Photoshop (PSD) file"),
        (b"II+\0\10\0\0\0", "a BigTIFF picture"),
        (b"\0\0\1\0\1\0", "an icon (ICO)"),
        (b"PK\3\4", "a ZIP archive"),
    ],
)
def test_other_files_are_named_with_what_to_do(start, kind):
    with pytest.raises(PictureError, match=r"Export it as JPEG or PNG") as error:
        read_picture(start + bytes(100))
    assert kind in str(error.value)


@pytest.mark.parametrize(
    "kind", [GifImagePlugin.GifImageFile, TiffImagePlugin.TiffImageFile, PngImagePlugin.PngImageFile]
)
def test_no_frame_but_the_first_is_visited(kind, monkeypatch):
    frames = [Image.new("RGB", (4, 4), (i, 0, 0)) for i in range(30)]
    data, visited, seek = saved(frames[0], kind.format, save_all=True, append_images=frames[1:]), [], kind._seek
    monkeypatch.setattr(kind, "_seek", lambda self, frame, *more: visited.append(frame) or seek(self, frame, *more))
    picture = read_picture(data)
    assert picture.pixels.tolist() == [[[0, 0, 0]] * 4] * 4 and picture.notes == ("first of 30 frames",)
    assert set(visited) <= {0}


def test_no_more_frames_than_a_thousand_are_counted():
    frames = [Image.new("L", (4, 4), i % 256) for i in range(1100)]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert read_picture(data).notes == ("first of several frames",)


WAYS_AROUND = {
    "open": "PIL",
    "Parser": "PIL",
    "imread": "cv2, skimage, matplotlib or imageio",
    "imdecode": "cv2",
    "imopen": "imageio",
    "decode_image": "torchvision",
    "read_image": "torchvision",
}


def openings(source: str) -> list[str]:
    """What in a source text opens picture files."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in WAYS_AROUND:
            owner = ast.unparse(node.value)
            if node.attr not in ("open", "Parser") or owner.split(".")[-1] in ("Image", "PIL", "ImageFile"):
                found.append(f"{owner}.{node.attr}")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("PIL."):
            found += [f"from {node.module} import {alias.name}" for alias in node.names if alias.name in WAYS_AROUND]
    return found


def test_pictures_are_opened_in_one_place():
    files = [*(ROOT / "explorer").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *ROOT.glob("*.py")]
    assert len(files) > 200
    found = {
        path.relative_to(ROOT).as_posix(): openings(path.read_text(encoding="utf-8"))
        for path in files
        if path != Path(__file__)
    }
    assert found.pop("explorer/core/images.py") == ["Image.open"]
    assert found.pop("explorer/bench/pictures.py") == ["Image.open"]  # the peer, on files of its own
    others = [f"{path} opens pictures with {', '.join(ways)}" for path, ways in found.items() if ways]
    assert not others, f"{others}: call read_picture of explorer.core.images, which knows what a file may cost."


@pytest.mark.parametrize(
    "source",
    [
        "from PIL import Image\nImage.open(path)",
        "import PIL.Image\nPIL.Image.open(path)",
        "from PIL.Image import open",
        "from PIL import ImageFile\nImageFile.Parser()",
        "import cv2\ncv2.imread(path)",
        "read = Image.open",
    ],
)
def test_an_opening_is_found(source):
    assert openings(source)


def test_pillow_gets_the_format_that_was_found(monkeypatch):
    """Not a list of formats to try: what is checked is what is decoded."""
    asked, whole = [], Image.open
    monkeypatch.setattr(Image, "open", lambda file, formats: asked.append(formats) or whole(file, formats=formats))
    for format in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"):
        read_picture(saved(small(), format))
    assert asked == [["JPEG"], ["PNG"], ["WEBP"], ["GIF"], ["TIFF"], ["BMP"]]


def test_text_and_metadata_do_not_reach_pillow():
    marked = png(8, 8, before=[png_chunk(b"tEXt", b"secret\0words")], after=[png_chunk(b"zTXt", b"secret\0\0")])
    for data in (marked, saved(small(), "JPEG", comment="secret"), saved(small(), "WEBP", xmp=b"secret")):
        assert b"secret" in data and b"secret" not in contents(data).data


def test_damage_is_always_told_as_such():
    """Files of every format with bytes changed, lost or added: read, or refused with a sentence; nothing else."""
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (40, 30, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    outcomes = set()
    for format in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"):
        whole = saved(noise, format, **({} if format in ("GIF", "BMP") else {"exif": exif}))
        for _ in range(150):
            data = bytearray(whole)
            for _ in range(rng.integers(1, 4)):
                data[rng.integers(min(len(data), 200))] = rng.integers(256)
            cut = rng.integers(len(data)) if rng.random() < 0.3 else len(data)
            try:
                outcomes.add(read_picture(bytes(data[:cut])).pixels.ndim)
            except PictureError as error:
                outcomes.add(str(error)[-1])
    assert outcomes == {3, "."}


@pytest.mark.parametrize("kind", ["folder", "tar", "tar.gz", "zip"])
def test_a_file_that_is_too_long_is_not_read(tmp_path, monkeypatch, kind):
    files, source = {"a.png": saved(small(), "PNG"), "b.png": bytes(100_000)}, tmp_path / "data"
    if kind == "folder":
        source.mkdir()
        for name, data in files.items():
            (source / name).write_bytes(data)
    elif kind == "zip":
        with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(source, "w:gz" if kind == "tar.gz" else "w") as archive:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    monkeypatch.setattr("explorer.core.images.MAX_FILE", 50_000)
    monkeypatch.setattr("explorer.core.picture_files.MAX_FILE", 50_000)
    good, long = picture_files(source)
    assert read_picture(good.read()).pixels.shape == (24, 32, 3)
    with pytest.raises(PictureError, match=r"100,000 bytes"):
        long.read()
    with pytest.raises(PictureError, match=r"100,000 bytes"):
        read_picture(bytes(100_000))


def test_room_is_shared_and_given_back():
    room, order = Room(10), []
    inside, leave = threading.Event(), threading.Event()

    def first():
        with room.of(8):
            inside.set()
            leave.wait()
            order.append("first")

    def second():
        with room.of(100):  # more than there is: alone
            order.append("second")

    threads = [threading.Thread(target=target) for target in (first, second)]
    threads[0].start()
    inside.wait()
    threads[1].start()
    leave.set()
    for thread in threads:
        thread.join()
    with pytest.raises(DataError), room.of(10):
        raise DataError("an error on the way")
    assert order == ["first", "second"] and room.held == 0
