"""The Compare tab's handler: what the view is sent, model by model."""

import base64
import json

import numpy as np
import pytest

import explorer
from explorer.core.images import read_picture
from explorer.plots.rate import rate_figure
from explorer.services.examples import GOLDEN
from explorer.services.model_store import ModelStore
from explorer.services.reference import golden, reference
from explorer.ui.compare import CompareTab, Wanted
from explorer.ui.context import AppContext
from explorer.ui.shared import Session

MODELS = tuple(explorer.available()[:2])


@pytest.fixture(scope="module")
def tab():
    return CompareTab(AppContext(ModelStore("cpu"), MODELS))


def asked(**changes):
    return json.dumps({"models": MODELS, "equal_bits": False, "picture": "x", **changes})


def pixels(url):
    return read_picture(base64.b64decode(url.split(",")[1])).pixels


def test_models_come_one_after_the_other_and_the_formats_last(tab):
    updates = list(tab.on_asked(asked(), Session(MODELS[0], GOLDEN, None)))
    states = [json.loads(update["result"]) for update, _ in updates]
    assert [len(state["models"]) for state in states] == [0, 1, 2]
    assert [state.get("waiting", "") != "" for state in states] == [True, True, False]
    last, figure = states[-1], updates[-1][1]
    assert [entry["model"] for entry in last["models"]] == list(MODELS) and last["asked"] == asked()
    assert [entry["title"] for entry in last["formats"]] == ["JPEG", "WebP"] and len(figure.data) == 4
    for entry, id in zip(last["models"], MODELS, strict=True):
        assert np.abs(pixels(entry["picture"]).astype(int) - golden(id).reconstruction).max() <= 1  # of another machine
        codes = golden(id).codes["codes"][0]
        assert np.array_equal(pixels(entry["map"]), reference(id).colours["codes"][codes])
        assert 20 < entry["psnr"] < 40 and entry["distinct"] == len(np.unique(codes))
    for entry in last["formats"]:
        assert entry["bytes"] <= last["models"][0]["bytes"]


def test_a_model_without_codes_is_a_line_over_all_bits_with_a_name_of_its_own():
    figure = rate_figure([("a", (0.2, 25.0))], {"JPEG": [(0.1, 20.0), (2.0, 30.0)]}, [("b", 32.4), ("c", 32.5)])
    lines = {trace.name: trace for trace in figure.data}
    assert list(lines) == ["JPEG", "a", "b", "c"] and len({lines[name].line.color for name in "bc"}) == 2
    assert list(lines["b"].x) == [0.1, 2.0] and list(lines["b"].y) == [32.4, 32.4]
    alone = rate_figure([], {}, [("b", 32.4)])
    assert alone.data[0].x[0] < alone.data[0].x[1]


def test_models_of_as_many_bits_are_outlines_of_different_shapes():
    figure = rate_figure([(name, (0.156, 24.9)) for name in "abcdef"], {}, [])
    symbols = {trace.marker.symbol for trace in figure.data}
    assert len(symbols) == 6 and all(symbol.endswith("-open") for symbol in symbols)


def test_what_can_not_be_compared_is_refused_in_words(tab):
    for text, session, words in [
        (asked(models=MODELS[:1]), Session(MODELS[0], GOLDEN, None), "2 to 6 models"),
        (asked(models=[*MODELS, "nobody"]), Session(MODELS[0], GOLDEN, None), "There is no model 'nobody'"),
        (asked(), Session(MODELS[0], "codes.npz", None, loaded=True), "came from a file, without their picture"),
    ]:
        with pytest.raises(Exception, match=words):
            list(tab.on_asked(text, session))


def test_what_is_wanted_is_read_from_text():
    assert Wanted.read("") == Wanted() and Wanted.read(asked(equal_bits=True)) == Wanted(MODELS, True)
