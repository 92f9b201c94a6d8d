"""Wrong arguments to every endpoint: a result or a sentence, which repeats little of what came and tells nothing else.

The endpoints are read off the app, so one that is added later is attacked too.
"""

import asyncio
import json
from functools import cache

import gradio as gr
import pytest
from gradio.state_holder import SessionState

import explorer
from explorer.services.model_store import ModelStore
from explorer.services.reference import golden
from explorer.ui.api import Api
from explorer.ui.app import build_app
from explorer.ui.context import AppContext
from explorer.ui.errors import SORRY
from tests.bad_pictures import encoded, photo
from tests.fuzz import changed, check_sentence, places

LOOP = asyncio.Runner()
MODEL = "fsq.caltech_f8_1000"
CORNER = golden(MODEL).codes["codes"][0, :4, :4].tolist()
CODES = {"model": MODEL, "levels": {"codes": {"grid": [4, 4], "codes": CORNER}}}
LONG = "y" * 1_000_000
NESTED = [[[1], 2], "a"]
for _ in range(200):
    NESTED = [NESTED]
HOSTILE = {
    "null": None,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "negative": -1,
    "a fraction": 1.5,
    "70 bits": 2**70,
    "4000 digits": 10**4000,
    "true": True,
    "empty": "",
    "x": "x",
    "1 MB": LONG,
    "half a pair": "\ud800",
    "HTML": '<a href="https://example.com">log in again</a><img src=x>',
    "lines": 'a\n{"status": 200}\x1b[31m\u202e',
    "a path": "/etc/passwd",
    "nested": NESTED,
    "an object": {"a": {"b": [1]}, LONG: LONG},
    "a file": {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
}
EDITS = [
    {"kind": "write", "level": "codes", "cells": [[0, 2]], "codes": [7]},
    {"kind": "replace", "level": "codes", "old": 7, "new": 9},
    {"kind": "set_digit", "level": "codes", "cells": [[3, 1]], "channel": 1, "digit": 2},
    {"kind": "randomize", "level": "codes", "cells": [[4, 2]], "seed": 1},
    {"kind": "sample_marginal", "level": "codes", "cells": [[6, 2]], "seed": 1},
]


@pytest.fixture(scope="module")
def context():
    return AppContext(ModelStore("cpu"), tuple(explorer.available()))


@pytest.fixture(scope="module")
def app(context):
    return build_app(context)


@pytest.fixture(scope="module")
def api(context):
    return Api(context)


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    """Arguments that fit, by endpoint."""
    folder = tmp_path_factory.mktemp("in", numbered=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        (folder / "0").mkdir()
        (folder / "0" / "photo.png").write_bytes(encoded(photo().resize((64, 64)), "PNG"))
        file = {"path": str(folder / "0" / "photo.png"), "meta": {"_type": "gradio.FileData"}}
        yield {
            "models": [],
            "check": [MODEL],
            "encode": [MODEL, file, 64, "whole"],
            "decode": [MODEL, CODES],
            "edit": [MODEL, CODES, EDITS],
            "usage": [MODEL, [file], 64, "square"],
            "code": [MODEL, 3, "codes"],
            "project": [MODEL, "codes", "vectors", "pca", 2],
            "compare": [["ae.caltech_f8", MODEL], file, 64, "square", False],
        }


@cache
def state_of(app):
    """One visitor's state, which takes longer to make than most of the answers here."""
    return SessionState(app)


@cache
def endpoints(app):
    return {function.api_name: function for function in app.fns.values() if function.api_visibility == "public"}


def ask(app, name, arguments):
    """What an endpoint answers, or its error as a sentence."""
    call = app.process_api(endpoints(app)[name], arguments, state_of(app))
    try:
        answer = LOOP.run(call)["data"]
    except gr.Error as error:
        check_sentence(error.message)
        return error.message
    json.dumps(answer, allow_nan=False, default=lambda part: part.model_dump()).encode("utf-8")  # as it is sent
    return answer


def test_all_endpoints_are_known_here_and_take_these_arguments(app, valid):
    assert valid.keys() == endpoints(app).keys()
    for name, arguments in valid.items():
        assert not isinstance(ask(app, name, arguments), str), name


@pytest.mark.parametrize("kind", HOSTILE)
def test_every_argument(app, valid, kind):
    for name, arguments in valid.items():
        for place in range(len(arguments)):
            answer = ask(app, name, [*arguments[:place], HOSTILE[kind], *arguments[place + 1 :]])
            assert "y" * 100 not in str(answer), (name, place)


@pytest.mark.parametrize("kind", [kind for kind in HOSTILE if kind != "1 MB"])
def test_every_part_of_codes_and_edits(api, kind):
    def told(call, *arguments):
        try:
            call(MODEL, *arguments)
        except gr.Error as error:
            check_sentence(error.message)

    for way in places(CODES):
        told(api.decode, changed(CODES, way, HOSTILE[kind]))
    for edit in EDITS:
        for way in places(edit):
            told(api.edit, CODES, [changed(edit, way, HOSTILE[kind])])


def test_long_names_in_codes_and_edits_are_cut(app, valid):
    for codes in (
        {"levels": {LONG: {"codes": CORNER}}},
        {"levels": {LONG: 1}},
        {"levels": {f"level {number}": {"codes": CORNER} for number in range(5000)}},
        {**CODES, "model": LONG},
        {**CODES, "revision": LONG},
        {**CODES, "image_size": [10**4000, 1]},
        {"levels": {"codes": {"grid": [LONG], "codes": CORNER}}},
        {"levels": {"codes": {"codes": [[*CORNER[0][:-1], LONG]]}}},
        LONG,
    ):
        assert "y" * 100 not in ask(app, "decode", [MODEL, codes])
    for edit in ({**EDITS[0], LONG: 1}, {**EDITS[0], "level": LONG}, {"kind": LONG}, {**EDITS[0], "codes": [LONG]}):
        assert "y" * 100 not in ask(app, "edit", [MODEL, CODES, [edit]])


@pytest.mark.parametrize(
    ("endpoint", "place", "value", "words"),
    [
        ("code", 1, 1.5, "code must be a whole number from 0 to 999, not 1.5."),
        ("code", 1, True, "code must be a whole number from 0 to 999, not True."),
        ("encode", 2, 64.4, "size must be a whole number from 8 to 1024, not 64.4."),
        ("project", 4, None, "dims must be a whole number from 2 to 3, not None."),
        ("compare", 4, "x", "equal_bits must be true or false, not 'x'."),
        ("edit", 2, "x", "edits is not JSON"),
        ("edit", 2, [{**EDITS[0], "codes": 7}], "edits[0].codes must be a list, not 7."),
        ("edit", 2, [{**EDITS[0], "codes": [2**70]}], "Code 1180591620717411303424 is out of range"),
        ("edit", 2, [{**EDITS[1], "new": 2**70}], "Code 1180591620717411303424 is out of range"),
        (
            "edit",
            2,
            [{**EDITS[3], "seed": -1}],
            "A seed is a whole number from 0 to 18,446,744,073,709,551,615, not -1.",
        ),
        ("edit", 2, [{**EDITS[0], "cells": [[0, 16]] * 9}], "Name each cell once."),
        ("edit", 2, [{**EDITS[0], "level": "\ud800"}], r"There is no level '\ud800' here"),
    ],
)
def test_an_error_says_what_came_and_what_was_expected(app, valid, endpoint, place, value, words):
    arguments = [*valid[endpoint]]
    arguments[place] = value
    assert words in ask(app, endpoint, arguments)


def test_too_few_arguments_and_files_of_a_wrong_shape_are_answered(app, valid):
    assert "expected model, image, size, how" in ask(app, "encode", [MODEL])
    assert "These are not the arguments of /encode" in ask(app, "encode", [MODEL, "x", 64, "whole"])
    assert "These are not the arguments of /usage" in ask(app, "usage", [MODEL, 5, 64, "whole"])


def test_no_folder_of_the_machine_is_named(app, valid, monkeypatch, tmp_path):
    def broken(*_):
        raise explorer.core.errors.CheckpointError(
            f"{tmp_path}/a folder/reference.npz is missing. See '{tmp_path}/x y/z'."
        )

    monkeypatch.setattr("explorer.ui.api.whole_page", broken)
    assert "z'" in ask(app, "code", valid["code"])


def test_what_was_not_foreseen_is_not_told_but_logged(app, valid, monkeypatch, caplog):
    monkeypatch.setattr("explorer.ui.api.whole_page", lambda *_: {}["a secret"])
    with pytest.raises(gr.Error, match=SORRY[:20]) as raised:
        LOOP.run(app.process_api(endpoints(app)["code"], valid["code"], state_of(app)))
    assert "secret" not in raised.value.message and "a secret" in caplog.text
