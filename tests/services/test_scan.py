"""Scanning many files gives the codes of each encoded alone, in bounded memory, and can be given up."""

import threading
import zipfile

import numpy as np
import pytest
import torch

from explorer.analysis.usage import by_level, merged
from explorer.core.errors import CodesError, PictureError
from explorer.core.images import fit, read_picture, to_unit
from explorer.core.picture_files import PictureFile, picture_files
from explorer.models.tokenizer import load_tokenizer
from explorer.services.scan import scan
from tests.bad_pictures import encoded, photo, refused
from tests.services.conftest import READABLE, UNREADABLE


def one_by_one(tokenizer, data, size, how):
    """Name -> codes of every readable file, without any of the scan."""
    found = {}
    for path in sorted(data.rglob("*.jpg")):
        try:
            pixels = fit(read_picture(path).pixels, size, how, tokenizer.spec.multiple)
        except PictureError:
            continue
        found[path.relative_to(data).as_posix()] = tokenizer.encode(to_unit(pixels)[None]).codes
    return found


@pytest.mark.parametrize("kind", ["vector", "two_grids", "residual"])
@pytest.mark.parametrize(("how", "batch"), [("square", 4), ("whole", 4), ("whole", 1), ("square", 100)])
def test_codes_and_counts_are_those_of_every_picture_alone(tiny_folders, data, kind, how, batch):
    tokenizer = load_tokenizer(tiny_folders[kind])
    parts = list(scan(tokenizer, picture_files(data), 64, how, batch))
    expected = one_by_one(tokenizer, data, 64, how)
    assert [pair for part in parts for pair in part.codes] == list(expected.items()) and len(expected) == READABLE
    usage = merged(*(part.usage for part in parts))
    alone = merged(*(by_level(tokenizer.spec, codes) for codes in expected.values()))
    assert all(np.array_equal(usage[name].counts, alone[name].counts) for name in alone)
    assert [part.files for part in parts[:-1]] == [batch] * (len(parts) - 1)
    assert sum(part.files for part in parts) == READABLE + UNREADABLE


def test_unreadable_files_are_named_with_a_reason(tiny_folders, data):
    parts = list(scan(load_tokenizer(tiny_folders["vector"]), picture_files(data), 64))
    bad = [pair for part in parts for pair in part.unreadable]
    assert [name for name, _ in bad] == ["class0/05.jpg", "class1/99.jpg"]
    assert "not a picture" in bad[0][1] or "damaged" in bad[0][1]


def test_a_hostile_picture_costs_a_line_of_the_report(tiny_folders, tmp_path):
    """A program, a bomb and a damaged member of an archive: the scan goes on to the picture after them."""
    whole = encoded(photo(), "PNG")
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for name in ("program.png", "bomb.png"):
            archive.writestr(name, refused()[name][0])
        archive.writestr("damaged.png", whole)
        archive.writestr("backwards.png", whole[::-1])
        archive.writestr("last.png", whole)
    data = (tmp_path / "data.zip").read_bytes()
    (tmp_path / "data.zip").write_bytes(data.replace(whole, whole[:-1] + b"?", 1))
    parts = list(scan(load_tokenizer(tiny_folders["vector"]), picture_files(tmp_path / "data.zip"), 64))
    reasons = dict(pair for part in parts for pair in part.unreadable)
    assert [name for part in parts for name, _ in part.codes] == ["last.png"]
    assert "PostScript" in reasons["program.png"] and "too many pixels" in reasons["bomb.png"]
    assert "damaged" in reasons["damaged.png"] and "not a picture" in reasons["backwards.png"]


def test_files_are_read_ahead_of_the_encoder_but_not_far(tiny_folders, data):
    """Flat memory: however many files there are, few are begun before the first result is taken."""
    picture, read = (data / "class0" / "00.jpg").read_bytes(), []

    def endless():
        while True:
            yield PictureFile(str(len(read)), 0, lambda: read.append(0) or picture)

    parts = scan(load_tokenizer(tiny_folders["vector"]), endless(), 64, batch=4)
    for taken in range(1, 4):
        next(parts)
        assert 4 * taken < len(read) <= 4 * (taken + 3)
    parts.close()


def test_giving_up_leaves_no_thread_behind(tiny_folders, data):
    before = threading.active_count()
    parts = scan(load_tokenizer(tiny_folders["vector"]), picture_files(data), 64, batch=2)
    next(parts)
    assert threading.active_count() > before
    parts.close()
    assert threading.active_count() == before


def test_pictures_share_the_cores_and_leave_them_as_they_were(tiny_folders, data):
    cores, seen = torch.get_num_threads(), {}
    tokenizer = load_tokenizer(tiny_folders["vector"])

    class Watched:
        spec = tokenizer.spec

        def encode(self, images):
            seen[threading.get_ident()] = torch.get_num_threads()
            return tokenizer.encode(images)

    list(scan(Watched(), picture_files(data), 64))
    assert threading.get_ident() not in seen and 1 <= len(seen) <= cores
    assert set(seen.values()) == {max(1, cores // 4)}
    assert torch.get_num_threads() == cores


def test_an_error_of_the_tokenizer_reaches_the_caller(tiny_folders, data):
    class Broken:
        spec = load_tokenizer(tiny_folders["vector"]).spec

        def encode(self, images):
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        list(scan(Broken(), picture_files(data), 64))


@pytest.mark.parametrize("size", [0, 63, -8])
def test_what_cannot_be_scanned_is_refused_before_a_file_is_read(tiny_folders, size):
    with pytest.raises(PictureError, match="not a multiple of 8"):
        scan(load_tokenizer(tiny_folders["vector"]), iter([]), size)
    with pytest.raises(CodesError, match="keeps floats"):
        scan(load_tokenizer(tiny_folders["point"]), iter([]), 64)
