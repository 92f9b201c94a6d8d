"""The calls of the Edit view, asked as the page asks them: JSON in, JSON out, nothing kept between them."""

import base64
import json

import numpy as np
import pytest

from explorer.analysis.edits import Randomize, Replace, Write, apply
from explorer.core.codes import Codes
from explorer.core.codes_file import CodesFile
from explorer.core.images import encode_file, fit, read_picture, to_bytes, to_unit
from explorer.core.strict import to_json
from explorer.models import registry
from explorer.models.tokenizer import load_tokenizer
from explorer.services.editing import SavedEdit
from explorer.services.examples import example
from explorer.services.model_store import ModelStore
from explorer.training.reference import reference_arrays
from explorer.ui.context import AppContext
from explorer.ui.edit_calls import EditCalls


@pytest.fixture(scope="module")
def calls():
    return EditCalls(AppContext(ModelStore("cpu"), tuple(registry.available())))


@pytest.fixture(params=["vector", "residual", "two_grids", "finite_scalar_atanh", "bundled"])
def tokenizer(request, tiny_folders, monkeypatch):
    if request.param == "bundled":
        yield load_tokenizer(registry.folder_of(registry.BUNDLED[0]))
        return
    folder = tiny_folders[request.param]
    found = load_tokenizer(folder)
    counts = {level.name: np.arange(found.spec.codebook(level.name).size) for level in found.spec.levels}
    np.savez(folder / "reference.npz", **reference_arrays(found, counts))
    monkeypatch.setitem(registry._folders, found.spec.id, folder)
    registry.spec.cache_clear()
    yield found
    registry.spec.cache_clear()


@pytest.fixture
def codes(tokenizer):
    picture = fit(example("Cat"), 96, "square", 8)
    return tokenizer.encode(to_unit(picture)[None]).codes


def packed(array):
    return base64.b64encode(array.astype("<i4").tobytes()).decode()


def unpacked(text):
    return np.frombuffer(base64.b64decode(text), "<i4")


def ask(call, tokenizer, codes, **more):
    levels = {name: {"grid": list(array.shape[1:]), "codes": packed(array[0])} for name, array in codes.levels.items()}
    spec = tokenizer.spec
    return json.loads(call(json.dumps({"model": spec.id, "revision": spec.revision, "levels": levels, **more})))


def patched(picture, reply):
    top, left, bottom, right = reply["box"]
    picture = picture.copy()
    picture[top:bottom, left:right] = read_picture(base64.b64decode(reply["picture"].split(",")[1])).pixels
    return picture


def test_an_edit_gives_what_changed_in_codes_and_pixels(calls, tokenizer, codes):
    for level in tokenizer.spec.levels:
        other = (int(codes[level.name][0, 0, 5]) + 1) % tokenizer.spec.codebook(level.name).size
        edit = Write(level.name, ((5, 3),), (other,))
        reply = ask(calls.edit, tokenizer, codes, edit=to_json(edit))
        after = apply(edit, tokenizer.spec, codes, {})
        changed = reply["levels"][level.name]
        flat = codes[level.name].reshape(-1).copy()
        flat[unpacked(changed["cells"])] = unpacked(changed["codes"])
        assert np.array_equal(flat.reshape(codes[level.name].shape), after[level.name])
        picture = patched(to_bytes(tokenizer.decode(codes))[0], reply)
        assert np.abs(picture.astype(int) - to_bytes(tokenizer.decode(after))[0]).max() <= 1
    nothing = ask(calls.edit, tokenizer, after, edit=to_json(edit))
    assert nothing["levels"] == {} and nothing["box"] is None


def test_a_saved_edit_is_replayed_step_by_step(calls, tokenizer, codes):
    level = tokenizer.spec.levels[-1].name
    edits = (Write(level, ((0, 9),), (3,)), Randomize(level, ((20, 12),), 5), Replace(level, 3, 4))
    start = CodesFile(codes, tokenizer.spec.id, tokenizer.spec.revision, (96, 96))
    saved = json.loads(json.dumps(SavedEdit(start, edits, "Cat").to_dict()))
    assert SavedEdit.from_dict(saved).edits == edits
    reply = json.loads(calls.replay(json.dumps({"saved": saved})))
    picture, flat = to_bytes(tokenizer.decode(codes))[0], codes[level].reshape(-1).copy()
    for step in reply["steps"]:
        picture = patched(picture, step)
        flat[unpacked(step["levels"][level]["cells"])] = unpacked(step["levels"][level]["codes"])
    after = Codes({**codes.levels, level: flat.reshape(codes[level].shape)})
    for edit in edits:
        codes = apply(edit, tokenizer.spec, codes, {})
    assert after == codes and len(reply["steps"]) == 3
    assert np.abs(picture.astype(int) - to_bytes(tokenizer.decode(after))[0]).max() <= 1


def test_halves_are_stitched_with_an_example(calls, tokenizer, codes):
    level = tokenizer.spec.levels[-1].name
    found = ask(calls.stitch, tokenizer, codes, level=level, example="Coffee")["edit"]
    other = tokenizer.encode(to_unit(fit(example("Coffee"), 96, "square", 8))[None]).codes[level][0]
    half = other.shape[0] // 2
    assert np.array_equal(found["codes"], other[half:].reshape(-1))


def test_later_levels_are_inferred_again(calls, tokenizer, codes):
    names = list(codes)
    original = fit(example("Cat"), 96, "square", 8)
    url = "data:image/png;base64," + base64.b64encode(encode_file(original)).decode()
    changed = codes.edit(names[0], (0, slice(0, 4), slice(0, 4)), 1)
    reply = ask(calls.infer, tokenizer, changed, level=names[0], original=url)
    expected = tokenizer.reencode(to_unit(original)[None], Codes({names[0]: changed[names[0]]}))
    assert [edit["level"] for edit in reply["edits"]] == names[1:]
    for edit in reply["edits"]:
        assert np.array_equal(edit["codes"], expected[edit["level"]].reshape(-1))


def test_neighbours_and_influence(calls, tokenizer, codes):
    level = tokenizer.spec.levels[0]
    found = ask(calls.neighbours, tokenizer, codes, level=level.name, code=3)
    assert found["codes"][0] == 3 and found["distances"][0] == 0 and sorted(found["distances"]) == found["distances"]
    reply = ask(calls.influence, tokenizer, codes, level=level.name, row=1, column=2)
    assert reply["reach"] == level.reach and 0 < reply["pixels"] < 96 * 96 and reply["largest"] > 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"revision": "0"}, "another revision"),
        ({"model": "nothing"}, "There is no model"),
        ({"edit": {"kind": "magic"}}, "'kind' is one of write"),
        ({"edit": {"kind": "write", "level": "codes", "cells": [[0, 1]], "codes": [99999]}}, "out of range"),
        ({"levels": {"codes": {"grid": [2, 2], "codes": packed(np.zeros(3))}}}, "holds 3 codes, not 2 x 2"),
        ({"levels": {"codes": {"grid": [200, 200], "codes": packed(np.zeros(40000))}}}, "at most 1,024 x 1,024"),
        ({"levels": {}}, "no level at all"),
        ({"levels": {"codes": {}}}, "our fault"),
    ],
)
def test_what_cannot_be_is_answered_in_words(calls, change, words):
    tokenizer = load_tokenizer(registry.folder_of(registry.BUNDLED[0]))
    codes = Codes({"codes": np.zeros((1, 4, 4), int)})
    edit = {"kind": "write", "level": "codes", "cells": [[0, 1]], "codes": [1]}
    assert words in ask(calls.edit, tokenizer, codes, **{"edit": edit, **change})["error"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"saved": {}}', '{"saved": {"codebook_explorer_edit": 9}}'])
def test_nonsense_is_answered_in_words(calls, text):
    assert json.loads(calls.replay(text))["error"]
