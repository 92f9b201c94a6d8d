"""The calls of the Edit view, asked as the page asks them: JSON in, JSON out, nothing kept between them."""

import base64
import json

import numpy as np
import pytest

from explorer.analysis.edits import Edit, Randomize, Replace, Write, apply
from explorer.bench.edit import request_about
from explorer.core.codes import Codes
from explorer.core.images import encode_file, fit, read_picture, to_bytes, to_unit
from explorer.core.strict import from_json, to_json
from explorer.models import registry
from explorer.models.tokenizer import load_tokenizer
from explorer.services.examples import example
from explorer.services.model_store import ModelStore
from explorer.ui.context import AppContext
from explorer.ui.edit_calls import EditCalls
from tests.conftest import write_rising_reference


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
    write_rising_reference(folder, found)
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
    return json.loads(call(json.dumps({**request_about(tokenizer.spec, codes), **more})))


def patched(picture, reply):
    top, left, bottom, right = reply["box"]
    picture = picture.copy()
    picture[top:bottom, left:right] = read_picture(base64.b64decode(reply["picture"].split(",")[1])).pixels
    return picture


def applied(codes, levels):
    """Codes after the change of cells that a reply tells."""
    for name, change in levels.items():
        cells = np.unravel_index(unpacked(change["cells"]), codes[name].shape)
        codes = codes.edit(name, cells, unpacked(change["codes"]))
    return codes


def test_an_edit_gives_what_changed_in_codes_and_pixels(calls, tokenizer, codes):
    for level in tokenizer.spec.levels:
        other = (int(codes[level.name][0, 0, 5]) + 1) % tokenizer.spec.codebook(level.name).size
        edit = Write(level.name, ((5, 3),), (other,))
        reply = ask(calls.edit, tokenizer, codes, edits=to_json((edit,)))
        after = apply(edit, tokenizer.spec, codes, {})
        assert applied(codes, reply["levels"]) == after and reply["edits"] == to_json((edit,))
        picture = patched(to_bytes(tokenizer.decode(codes))[0], reply)
        assert np.abs(picture.astype(int) - to_bytes(tokenizer.decode(after))[0]).max() <= 1
    nothing = ask(calls.edit, tokenizer, after, edits=to_json((edit,)), original="data:,")
    assert nothing["levels"] == {} and nothing["box"] is None


def test_edits_are_replayed_step_by_step(calls, tokenizer, codes):
    level = tokenizer.spec.levels[-1].name
    edits = (Write(level, ((0, 9),), (3,)), Randomize(level, ((20, 12),), 5), Replace(level, 3, 4))
    reply = ask(calls.replay, tokenizer, codes, edits=to_json(edits))
    picture = to_bytes(tokenizer.decode(codes))[0]
    assert len(reply["steps"]) == 3
    for edit, step in zip(edits, reply["steps"], strict=True):
        after = apply(edit, tokenizer.spec, codes, {})
        assert applied(codes, step["levels"]) == after
        picture, codes = patched(picture, step), after
        assert np.abs(picture.astype(int) - to_bytes(tokenizer.decode(after))[0]).max() <= 1


def test_halves_are_stitched_with_an_example_on_every_level(calls, tokenizer, codes):
    found = ask(calls.stitch, tokenizer, codes, example="Coffee")["edits"]
    other = tokenizer.encode(to_unit(fit(example("Coffee"), 96, "square", 8))[None]).codes
    assert [edit["level"] for edit in found] == list(codes)
    for edit in found:
        expected = other[edit["level"]][0]
        assert np.array_equal(edit["codes"], expected[expected.shape[0] // 2 :].reshape(-1))


def test_the_levels_after_the_edited_one_are_inferred_again(calls, tokenizer, codes):
    names = list(codes)
    original = fit(example("Cat"), 96, "square", 8)
    url = "data:image/png;base64," + base64.b64encode(encode_file(original)).decode()
    for count, name in enumerate(names, 1):
        edit = Write(name, ((0, 7), (20, 5)), (1,))
        changed = apply(edit, tokenizer.spec, codes, {})
        reply = ask(calls.edit, tokenizer, codes, edits=to_json((edit,)), original=url)
        kept = Codes({level: changed[level] for level in names[:count]})
        expected = tokenizer.reencode(to_unit(original)[None], kept)
        assert applied(codes, reply["levels"]) == expected
        assert [edit["level"] for edit in reply["edits"]] == names[count - 1 :]
        again = codes
        for done in from_json(tuple[Edit, ...], reply["edits"]):
            again = apply(done, tokenizer.spec, again, {})
        assert again == expected, "the edits of the reply do not say what was inferred"


def test_neighbours_and_influence(calls, tokenizer, codes):
    level = tokenizer.spec.levels[0]
    found = ask(calls.neighbours, tokenizer, codes, level=level.name, code=3)
    assert found["codes"][0] == 3 and found["distances"][0] == 0 and sorted(found["distances"]) == found["distances"]
    reply = ask(calls.influence, tokenizer, codes, level=level.name, cell=codes[level.name].shape[2] + 2)
    assert reply["reach"] == level.reach and 0 < reply["pixels"] < 96 * 96 and reply["largest"] > 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"revision": "0"}, "another revision"),
        ({"model": "nothing"}, "There is no model"),
        ({"edits": [{"kind": "magic"}]}, "'kind' is one of write"),
        ({"edits": [{"kind": "write", "level": "codes", "cells": [[0, 1]], "codes": [99999]}]}, "out of range"),
        ({"original": "data:image/png;base64,AAAA"}, "picture"),
        ({"levels": {"codes": {"grid": [2, 2], "codes": packed(np.zeros(3))}}}, "holds 3 codes, not 2 x 2"),
        ({"levels": {"codes": {"grid": [200, 200], "codes": packed(np.zeros(40000))}}}, "at most 1,024 x 1,024"),
        ({"levels": {}}, "no level at all"),
        ({"levels": {"codes": {}}}, "our fault"),
    ],
)
def test_what_cannot_be_is_answered_in_words(calls, change, words):
    tokenizer = load_tokenizer(registry.folder_of(registry.BUNDLED[0]))
    codes = Codes({"codes": np.zeros((1, 4, 4), int)})
    edits = [{"kind": "write", "level": "codes", "cells": [[0, 1]], "codes": [1]}]
    assert words in ask(calls.edit, tokenizer, codes, **{"edits": edits, **change})["error"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"edits": {}}'])
def test_nonsense_is_answered_in_words(calls, text):
    assert json.loads(calls.replay(text))["error"]
