"""Files of codes come back as they were written, and damaged ones are refused in words."""

import io
import json
import zipfile

import numpy as np
import pytest

from explorer.core.codes import Codes
from explorer.core.codes_file import MAX_UNPACKED, CodesFile
from explorer.core.errors import CodesError

FILE = CodesFile(
    Codes({"top": [[[1, 2, 3], [4, 5, 6]]], "line": [[7, 8]]}), model="a.b", revision="abc", image_size=(16, 24)
)


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize("file", [FILE, CodesFile(FILE.codes)])
def test_round_trips(file):
    assert CodesFile.from_json(file.to_json()) == file
    assert CodesFile.from_npz(file.to_npz()) == file


def test_read_tells_the_forms_apart():
    assert CodesFile.read(FILE.to_json().encode()) == FILE
    assert CodesFile.read(FILE.to_npz()) == FILE


def test_json_holds_grid_and_codes_as_plain_lists():
    value = json.loads(FILE.to_json())
    assert value["levels"]["top"] == {"grid": [2, 3], "codes": [[1, 2, 3], [4, 5, 6]]}
    assert value["image_size"] == [16, 24]


def test_grid_is_optional_and_other_keys_are_ignored():
    assert CodesFile.from_dict({"levels": {"a": [[1, 2]]}, "note": 1}).codes == Codes({"a": [[[1, 2]]]})


@pytest.mark.parametrize("grid", [[3, 2], [6], [2, 3, 1], "2x3", 6])
def test_wrong_grid_is_refused(grid):
    value = FILE.to_dict()
    value["levels"]["top"]["grid"] = grid
    with pytest.raises(CodesError, match="'top' says its grid"):
        CodesFile.from_dict(value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"not json",
        b"[" * 100_000,
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"levels": {}}',
        b'{"levels": []}',
        b'{"levels": {"a": 5}}',
        b'{"levels": {"a": {}}}',
        b'{"levels": {"a": {"codes": []}}}',
        b'{"levels": {"a": {"codes": "12"}}}',
        b'{"levels": {"a": {"codes": [[1, 2], [3]]}}}',
        b'{"levels": {"a": {"codes": [[1, NaN]]}}}',
        b'{"levels": {"a": {"codes": [[1, 1e400]]}}}',
        b'{"levels": {"a": {"codes": [[1, -2]]}}}',
        b'{"levels": {"a": {"codes": [[1, 2]]}}, "image_size": [8]}',
        b'{"levels": {"a": {"codes": [[1, 2]]}}, "image_size": "8x8"}',
        b'{"levels": {"a": {"codes": [[1, 2]]}}, "image_size": [8.5, 8]}',
    ],
)
def test_json_garbage_is_refused(data):
    with pytest.raises(CodesError):
        CodesFile.read(data)


def test_pickled_arrays_are_never_opened():
    class Trap:
        def __reduce__(self):
            return pytest.fail, ("a file of codes was unpickled",)

    with pytest.raises(CodesError, match="readable"):
        CodesFile.read(npz(codes=np.array([[[Trap()]]], dtype=object)))


@pytest.mark.parametrize("about", ["[]", "5", '"text"', "no json", '{"image_size": 5}', '{"image_size": ["a", "b"]}'])
def test_npz_with_a_damaged_record_is_refused(about):
    with pytest.raises(CodesError):
        CodesFile.from_npz(npz(codes=np.zeros((1, 2, 2), np.int32), about=np.array(about)))


@pytest.mark.parametrize("arrays", [{}, {"codes": np.zeros((1, 2, 2)) - 1}, {"codes": np.zeros((1, 2, 2), "U3")}])
def test_npz_without_codes_is_refused(arrays):
    with pytest.raises(CodesError):
        CodesFile.from_npz(npz(**arrays))


def test_npz_without_record_is_taken():
    assert CodesFile.from_npz(npz(codes=np.ones((1, 2, 2), np.int64))) == CodesFile(
        Codes({"codes": [[[1, 1], [1, 1]]]})
    )


def test_cut_off_npz_is_refused():
    data = FILE.to_npz()
    with pytest.raises(CodesError, match="cut short or damaged"):
        CodesFile.read(data[: len(data) // 2])


def test_npz_of_several_pictures_is_refused():
    with pytest.raises(CodesError, match="one picture"):
        CodesFile.from_npz(npz(codes=np.zeros((2, 2, 2), np.int32)))


def test_npz_that_unpacks_to_far_more_than_it_is_long_is_refused_before_it_is_unpacked(monkeypatch):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, codes=np.zeros((1, MAX_UNPACKED // 2**13, 2**13 + 8), np.uint8))
    assert len(buffer.getvalue()) < 2**20
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_, **__: pytest.fail("it was unpacked"))
    with pytest.raises(CodesError, match="unpacks to 33 MB"):
        CodesFile.from_npz(buffer.getvalue())
