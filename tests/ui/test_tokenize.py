"""The Tokenize tab without a server: its texts, its payloads, its handlers called as the page calls them."""

import base64
import json
from types import FunctionType

import gradio as gr
import numpy as np
import pytest

from explorer.core.images import encode_file, fit, read_picture, to_unit
from explorer.models import registry
from explorer.services.model_store import ModelStore
from explorer.services.tokenization import Measures
from explorer.ui.app import build_app
from explorer.ui.context import AppContext
from explorer.ui.shared import facts
from explorer.ui.tokenize import TokenizeTab, measures_payload, usage_sentence
from tests.bad_pictures import photo, refused


@pytest.fixture(scope="module")
def context():
    return AppContext(ModelStore("cpu"), tuple(registry.available()))


@pytest.fixture
def tab(context):
    """The tab's handlers with names in place of components, so that updates can be read."""
    found = TokenizeTab(context)
    names = ("view", "session", "model", "summary", "facts", "gallery")
    found.outputs = {name: name for name in names}
    return found


@pytest.fixture
def upload(tmp_path):
    path = tmp_path / "My <b>photo.png"
    path.write_bytes(encode_file(np.asarray(photo())))
    return str(path)


def _value(update):
    return json.loads(update["view"]._constructor_args[0]["value"])


def _codes(payload):
    return np.frombuffer(base64.b64decode(payload["levels"][0]["codes"]), "<i4")


def test_the_page_opens_with_the_golden_picture_and_loads_no_network(context, monkeypatch):
    monkeypatch.setattr(ModelStore, "get", lambda *_: pytest.fail("a network was loaded"))
    session, picture, model, measures = TokenizeTab(context).opening
    assert session.codes["codes"].shape == (1, 32, 32)
    assert np.array_equal(_codes(json.loads(picture)), session.codes["codes"].reshape(-1))
    assert json.loads(model)["id"] == json.loads(measures)["model"] == context.default_model


def test_an_upload_is_encoded_as_the_library_encodes_it(tab, context, upload):
    session = tab.opening[0]
    id = context.default_model
    shown, measured = tab.on_upload(upload, id, 128, "whole", session)
    payload = _value(shown)
    tokenizer = context.store.get(id)
    expected = tokenizer.encode(to_unit(fit(read_picture(upload).pixels, 128))[None]).codes["codes"]
    assert (payload["width"], payload["height"]) == (128, 88)
    assert np.array_equal(_codes(payload), expected.reshape(-1))
    assert shown["session"].codes["codes"].tolist() == expected.tolist()
    assert "My <b>photo" in payload["name"]  # as data; the page sets it as text
    assert "dB" in json.dumps(measured["view"]._constructor_args[0]["measures"])


def test_settings_keep_the_picture(tab, context, upload):
    session = next(tab.on_upload(upload, context.default_model, 128, "whole", tab.opening[0]))["session"]
    shown = next(tab.on_setting(context.models[1], 256, "square", session))
    payload = _value(shown)
    assert payload["model"] == context.models[1] and (payload["width"], payload["height"]) == (256, 256)
    assert shown["session"].source is session.source


@pytest.mark.parametrize("name", refused())
def test_bad_files_are_refused_in_words_and_change_nothing(tab, context, tmp_path, name):
    data, words = refused()[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(gr.Error, match=words):
        list(tab.on_upload(str(tmp_path / name), context.default_model, 256, "whole", tab.opening[0]))


def test_codes_come_back_from_either_file(tab, context, tmp_path):
    session = tab.opening[0]
    page = {
        "model": session.model,
        "revision": registry.spec(session.model).revision,
        "image_size": [256, 256],
        "levels": {"codes": {"grid": [32, 32], "codes": session.codes["codes"][0].tolist()}},
    }
    (tmp_path / "a.json").write_text(json.dumps(page))
    (tmp_path / "a.npz").write_bytes(base64.b64decode(json.loads(tab.codes_as_npz(json.dumps(page)))["npz"]))
    for file in ("a.json", "a.npz"):
        shown = next(tab.on_codes(str(tmp_path / file), session))
        payload = _value(shown)
        assert "original" not in payload
        assert np.array_equal(_codes(payload), session.codes["codes"].reshape(-1))
        with pytest.raises(gr.Error, match="without their picture"):
            list(tab.on_setting(session.model, 128, "whole", shown["session"]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "no.such_model"}, "There is no model"),
        ({"revision": "0123456789ab"}, "another revision"),
        ({"image_size": [8, 8]}, "do not belong together"),
        ({"levels": {"codes": {"codes": [[5000]]}}, "image_size": None}, "out of range"),
        ({"levels": {"top": {"codes": [[1]]}}}, "another model"),
        ({"levels": {}}, "an object with"),
        ({"levels": {"codes": {"codes": [[0] * 200] * 200}}}, "at most 1,024 x 1,024"),
    ],
)
def test_codes_of_something_else_are_refused_in_words(tab, tmp_path, change, words):
    session = tab.opening[0]
    page = {"model": session.model, "revision": "", "levels": {"codes": {"codes": session.codes["codes"][0].tolist()}}}
    (tmp_path / "codes.json").write_text(json.dumps({**page, **change}))
    with pytest.raises(gr.Error, match=words):
        list(tab.on_codes(str(tmp_path / "codes.json"), session))


def test_an_unexpected_error_is_apologised_for_without_its_trace(tab, monkeypatch, caplog):
    monkeypatch.setattr("explorer.ui.tokenize.tokenize", lambda *_: 1 / 0)
    with pytest.raises(gr.Error, match="Something went wrong inside the program"):
        list(tab.on_setting(tab.context.default_model, 128, "whole", tab.opening[0]))
    assert "ZeroDivisionError" in caplog.text


def _measures(**changes):
    figures = {
        "tokens": 1024,
        "bits_per_token": 10.0,
        "bits_per_pixel": 0.15625,
        "bits_per_pixel_entropy_coded": 0.13,
        "distinct": 290,
        "ceiling": 647.3,
        "codebook_size": 1024,
        "psnr": 24.617,
        "ssim": 0.70189,
        "png_ratio": 98.4,
    }
    return Measures(**{**figures, **changes})


def test_figures_carry_unit_and_count(context):
    items = json.loads(measures_payload(registry.spec(context.default_model), _measures()))["items"]
    texts = [f"{item['value']} {item['unit']} {item['label']}" for item in items]
    assert texts[0].startswith("24.62 dB") and texts[1].startswith("0.702")
    assert "1,024" in texts[2] and "10.00 bits" in texts[2]
    assert "290 of up to 647" in texts[5] and "1,024 tokens" in texts[5]
    without = json.loads(
        measures_payload(registry.spec(context.default_model), _measures(psnr=None, ssim=None, png_ratio=None))
    )
    assert len(without["items"]) == 3


def test_facts_that_hold_for_every_level_are_told_once():
    told = facts(registry.spec("vqvae2.caltech_f4f8_512"), "CPU")
    assert told.count("512 × 32") == 1 and "<dt>Codebook, each of 2</dt>" in told
    assert "<dt>Stride, top</dt><dd>8 px" in told and "<dt>Stride, bottom</dt><dd>4 px" in told


def test_collapse_is_not_claimed_from_one_picture():
    assert "says nothing about collapse" in usage_sentence(_measures())
    assert "repeats itself, or the codebook has collapsed" in usage_sentence(_measures(distinct=40))
    assert "collapse" not in usage_sentence(_measures(tokens=16384, ceiling=1024.0))


def test_what_is_copied_for_each_visitor_holds_no_part_of_the_app(context):
    """gradio copies its config for each page that opens; an object of the app in it would be copied, models and all."""

    def others(value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list | tuple):
            return [found for one in value for found in others(one)]
        return [] if isinstance(value, str | int | float | FunctionType | None) else [value]

    assert others(build_app(context).config) == []


def test_the_app_builds_with_named_endpoints_alone(context):
    info = build_app(context).get_api_info()
    names = "models encode decode edit usage project code compare check"
    assert set(info["named_endpoints"]) == {f"/{name}" for name in names.split()}
    assert not info["unnamed_endpoints"]
