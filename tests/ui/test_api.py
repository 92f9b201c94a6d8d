"""The endpoints over HTTP with gradio_client: equal to the library bit for bit, errors in words."""

import base64
import copy
import json
import urllib.error
import urllib.request
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import explorer
from explorer.adapters.catalogue import entries
from explorer.analysis.codebook_map import MapKey, placed_by
from explorer.analysis.edits import Edit, apply
from explorer.analysis.projection import pca
from explorer.analysis.usage import figures
from explorer.core.codes_file import CodesFile
from explorer.core.images import fit, read_picture, to_bytes, to_unit
from explorer.core.strict import from_json
from explorer.models import registry
from explorer.services.model_store import ModelStore
from explorer.services.reference import reference, reference_usage
from explorer.ui.api import Api
from explorer.ui.context import AppContext
from tests.bad_pictures import accepted, photo, refused
from tests.conftest import CODED, WITHOUT_CODES

MODELS = explorer.available()


@pytest.fixture(scope="module")
def client(app_url):
    return Client(app_url, verbose=False)


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "photo.png"
    photo().save(path)
    return path


@pytest.fixture(scope="module")
def encoded(client, picture):
    return client.predict(model=MODELS[0], image=handle_file(picture), api_name="/encode")


def test_models_are_described(client):
    found = client.predict(api_name="/models")
    assert [model["id"] for model in found] == [*MODELS, *entries()]
    for model in found[len(MODELS) :]:
        assert model["downloaded"] is False and model["megabytes"] > 0 and model["licence_link"].startswith("https")
    for model in found[: len(MODELS)]:
        assert bool(model["levels"]) == (model["id"] in CODED)
        spec = registry.spec(model["id"])
        sizes = [(spec.codebook(level.name).size, level.stride) for level in spec.levels]
        assert [(level["codebook_size"], level["stride"]) for level in model["levels"]] == sizes
        if sizes:
            assert sum(size for size, _ in sizes) >= 512 and sizes[0][1] == 8
        assert model["evaluation"]["kodak"]["pictures"] == 24


@pytest.mark.parametrize("id", CODED)
def test_encode_json_decode_equals_the_library_bit_for_bit(client, picture, id):
    answer = client.predict(model=id, image=handle_file(picture), api_name="/encode")
    file = client.predict(model=id, codes=json.loads(json.dumps(answer)), api_name="/decode")
    tokenizer = explorer.load(id, device="cpu")
    pixels = fit(read_picture(picture).pixels, 256)
    codes = tokenizer.encode(to_unit(pixels)[None]).codes
    assert CodesFile.from_dict(answer).codes == codes
    assert np.array_equal(read_picture(file).pixels, to_bytes(tokenizer.decode(codes)[0]))
    assert answer["image_size"] == [168, 256] and answer["metrics"]["psnr"] > 20
    assert {name: level["grid"] for name, level in answer["levels"].items()} == {
        name: list(codes[name].shape[1:]) for name in codes
    }
    assert answer["metrics"]["tokens"] == sum(codes[name].size for name in codes) >= 21 * 32


@pytest.mark.parametrize("name", refused())
def test_bad_pictures_are_refused_in_words(client, tmp_path, name):
    data, words = refused()[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(AppError, match=words):
        client.predict(model=MODELS[0], image=handle_file(tmp_path / name), api_name="/encode")


@pytest.mark.parametrize("name", accepted())
def test_odd_pictures_are_encoded(client, tmp_path, name):
    data, grid = accepted()[name]
    (tmp_path / name).write_bytes(data)
    answer = client.predict(model=MODELS[0], image=handle_file(tmp_path / name), api_name="/encode")
    assert tuple(answer["levels"]["codes"]["grid"]) == grid


def test_bad_arguments_are_refused_in_words(client, picture):
    for arguments, words in [
        ({"model": "nobody"}, "There is no model 'nobody'"),
        ({"size": 100}, "not a multiple of 8"),
        ({"size": 100_000}, "from 8 to 1024"),
        ({"how": "sideways"}, '"whole" or "square"'),
        ({"image": None}, "No picture came"),
    ]:
        given = {"model": MODELS[0], "image": handle_file(picture), **arguments}
        with pytest.raises(AppError, match=words):
            client.predict(**given, api_name="/encode")


def test_bad_codes_are_refused_in_words(client, encoded):
    def changed(**changes):
        value = copy.deepcopy(encoded)
        value["levels"]["codes"].update(changes)
        return value

    rows = encoded["levels"]["codes"]["codes"]
    for codes, words in [
        (changed(codes=[[5000]], grid=[1, 1]), "out of range"),
        (changed(codes=[[-1]], grid=[1, 1]), "must lie between 0"),
        (changed(codes=[[0.5]], grid=[1, 1]), "fractions"),
        (changed(codes=[["x"]], grid=[1, 1]), "must be integers"),
        (changed(codes=[*rows[:-1], rows[-1][:-1]]), "ragged"),
        (changed(grid=[9, 9]), "says its grid is"),
        ({}, "an object with"),
        ([1, 2], "an object with"),
        ({"levels": {"codes": {"codes": [[0] * 200] * 200}}}, "at most 1,024 x 1,024"),
    ]:
        with pytest.raises(AppError, match=words):
            client.predict(model=MODELS[0], codes=codes, api_name="/decode")
    with pytest.raises(AppError, match=f"were made by {MODELS[0]}, not by {MODELS[1]}"):
        client.predict(model=MODELS[1], codes=encoded, api_name="/decode")


def test_nan_in_raw_json_is_refused_and_the_server_lives(client, app_url, encoded):
    codes = {"levels": {"codes": {"grid": [1, 1], "codes": [[float("nan")]]}}}
    body = json.dumps({"data": [MODELS[0], codes]})
    request = urllib.request.Request(
        f"{app_url}/gradio_api/call/decode", body.encode(), {"Content-Type": "application/json"}
    )
    try:
        event = json.load(urllib.request.urlopen(request, timeout=30))["event_id"]
        answer = urllib.request.urlopen(f"{app_url}/gradio_api/call/decode/{event}", timeout=30).read().decode()
        assert "NaN" in answer and "event: error" in answer
    except urllib.error.HTTPError as error:
        assert 400 <= error.code < 500
    assert client.predict(api_name="/models")


def test_endpoints_are_mcp_tools(app_url):
    tools = json.load(urllib.request.urlopen(f"{app_url}/gradio_api/mcp/schema", timeout=30))
    names = {tool["name"] for tool in tools}
    assert any(name.endswith("encode") for name in names) and any(name.endswith("decode") for name in names)
    described = next(tool for tool in tools if tool["name"].endswith("encode"))
    assert "integer codes" in described["description"]


def test_pages_of_the_app_name_no_other_host(app_url):
    page = urllib.request.urlopen(app_url, timeout=30).read().decode()
    for host in ("fonts.googleapis", "cdn.", "cdnjs", "unpkg", "jsdelivr"):
        assert host not in page


def test_an_edit_through_the_api_is_the_edit_in_process(client, encoded):
    grid = encoded["levels"]["codes"]["grid"]
    edits = [
        {"kind": "write", "level": "codes", "cells": [[0, 3], [10, 1]], "codes": [7]},
        {"kind": "randomize", "level": "codes", "cells": [[20, 5]], "seed": 4},
        {"kind": "replace", "level": "codes", "old": 7, "new": 9},
    ]
    after, png = client.predict(model=MODELS[0], codes=encoded, edits=edits, api_name="/edit")
    tokenizer, expected = explorer.load(MODELS[0], "cpu"), CodesFile.from_dict(encoded).codes
    for edit in from_json(tuple[Edit, ...], edits):
        expected = apply(edit, tokenizer.spec, expected, {})
    assert CodesFile.from_dict(after).codes == expected and after["levels"]["codes"]["grid"] == grid
    assert np.array_equal(read_picture(Path(png)).pixels, to_bytes(tokenizer.decode(expected))[0])
    for wrong, words in [
        ([{"kind": "magic"}], "'kind' is one of"),
        ([edits[0], {**edits[2], "new": 10**6}], "Edit 2 of 2: Code 1000000 is out of range"),
        ([{"kind": "write", "level": "codes", "cells": [[0, 10**9]], "codes": [1]}], "no run of cells"),
        ({"kind": "write"}, "edits must be a list"),
    ]:
        with pytest.raises(AppError, match=words):
            client.predict(model=MODELS[0], codes=encoded, edits=wrong, api_name="/edit")


def test_a_codebook_is_placed_on_a_map(client):
    found = client.predict(model=MODELS[0], of="swatches", dims=3, api_name="/project")
    tokenizer = explorer.load(MODELS[0], device="cpu")
    size = tokenizer.spec.codebooks[0].size
    assert found["codes"] == list(range(size))
    points = np.array(found["points"])
    assert points.shape == (size, 3) and np.abs(points).max() <= 1
    expected = pca(placed_by(tokenizer, MapKey("codes", "swatches")), 3).points
    assert np.allclose(points, expected, atol=1e-3)
    with pytest.raises(AppError, match="choose vectors or swatches"):
        client.predict(model=MODELS[0], of="colours", api_name="/project")


def test_a_code_tells_what_is_known_of_it(client):
    id = "fsq.caltech_f8_1000"
    found = client.predict(model=id, code=321, api_name="/code")
    tokenizer, counts = explorer.load(id, device="cpu"), reference(id).counts["codes"]
    assert (found["model"], found["revision"], found["level"]) == (id, tokenizer.spec.revision, "codes")
    assert np.array_equal(found["vector"], tokenizer.vectors("codebook", np.array([321]))[0])
    assert found["digits"] == [321 % 8, 321 // 8 % 5, 321 // 40 % 5, 321 // 200]
    assert (found["count"], found["tokens"]) == (counts[321], counts.sum())
    assert 322 in found["near"] and 321 not in found["near"]
    swatch = read_picture(base64.b64decode(found["swatch"].split(",")[1])).pixels
    assert np.abs(swatch.astype(int) - reference(id).swatches["codes"][321]).max() <= 1
    for arguments, words in [({"code": 1000}, "from 0 to 999"), ({"level": "top"}, "top"), ({"code": None}, "999")]:
        with pytest.raises(AppError, match=words):
            client.predict(**{"model": id, "code": 1, **arguments}, api_name="/code")


def test_models_are_compared_on_a_picture(client, picture):
    answer = client.predict(models=MODELS[:2], image=handle_file(picture), equal_bits=True, api_name="/compare")
    assert [row["model"] for row in answer["models"]] == MODELS[:2] and answer["image_size"] == [168, 256]
    assert [row["title"] for row in answer["formats"]] == ["JPEG", "WebP"]
    encoded = client.predict(model=MODELS[0], image=handle_file(picture), api_name="/encode")
    assert answer["models"][0]["psnr"] == encoded["metrics"]["psnr"]
    for wrong, words in [
        ({"models": MODELS[:1]}, "2 to 6 models"),
        ({"models": ["nobody", MODELS[0]]}, "There is no model 'nobody'"),
        ({"models": "{}"}, "list of model ids"),
        ({"size": 100_000}, "from 8 to 1024"),
    ]:
        with pytest.raises(AppError, match=words):
            client.predict(**{"models": MODELS[:2], "image": handle_file(picture), **wrong}, api_name="/compare")


@pytest.mark.parametrize("id", CODED)
def test_usage_without_pictures_is_that_of_the_held_out_ones(client, id):
    answer = client.predict(model=id, images=None, api_name="/usage")
    assert (answer["model"], answer["source"], answer["unreadable"]) == (id, "held-out pictures", [])
    assert answer["levels"].keys() == reference(id).counts.keys()
    for name, level in answer["levels"].items():
        counts = reference(id).counts[name]
        assert level["counts"] == counts.tolist() and level["tokens"] == counts.sum()
        assert level["tokens"] % (answer["pictures"] * 1024) == 0  # cells at stride 8, four times as many at 4
        assert level == json.loads(json.dumps(figures(reference_usage(id)[name])))


@pytest.mark.parametrize("id", WITHOUT_CODES)
def test_models_of_floats_are_compared_and_else_refused_in_words(client, picture, id):
    image = handle_file(picture)
    for endpoint, given in {
        "encode": {"image": image},
        "usage": {"images": [image]},
        "project": {},
        "code": {"code": 1},
        "check": {},
    }.items():
        with pytest.raises(AppError, match="it keeps floats"):
            client.predict(model=id, **given, api_name=f"/{endpoint}")
    row, other = client.predict(models=[id, CODED[0]], image=image, api_name="/compare")["models"]
    assert row["psnr"] > other["psnr"] and row["floats"] == 32 * 21 * 32
    assert row["bits_per_pixel"] is None and row["tokens"] == 0


def test_usage_of_pictures_counts_what_encode_gives(client, picture, tmp_path):
    (tmp_path / "words.png").write_text("no picture")
    small = tmp_path / "small.png"
    photo().resize((90, 60)).save(small)
    files = [handle_file(path) for path in (picture, tmp_path / "words.png", small)]
    answer = client.predict(model=MODELS[0], images=files, size=128, how="whole", api_name="/usage")
    level = answer["levels"]["codes"]
    encoded = [
        client.predict(model=MODELS[0], image=handle_file(path), size=128, how="whole", api_name="/encode")
        for path in (picture, small)
    ]
    grids = [np.ravel(each["levels"]["codes"]["codes"]) for each in encoded]
    assert level["counts"] == np.bincount(np.concatenate(grids), minlength=level["size"]).tolist()
    assert max(level["incidence"]) == 2 and answer["pictures"] == level["pictures"] == 2
    assert [(bad["file"], bad["why"][:25]) for bad in answer["unreadable"]] == [
        ("words.png", "This file is not a pictur")
    ]
    assert 0 <= level["unseen_mass"]["low"] < level["unseen_mass"]["value"] < level["unseen_mass"]["high"] <= 1
    assert "says nothing about collapse" in level["conclusion"]


def test_usage_refuses_more_files_than_it_counts_at_once(picture):
    api = Api(AppContext(ModelStore("cpu"), tuple(MODELS)))
    with pytest.raises(gr.Error, match="at most 256"):
        api.usage(MODELS[0], [str(picture)] * 257)


def test_usage_refuses_in_words(client, picture, tmp_path):
    (tmp_path / "words.png").write_text("no picture")
    for arguments, words in [
        ({"model": "nobody", "images": None}, "There is no model 'nobody'"),
        ({"images": [handle_file(tmp_path / "words.png")]}, "None of these files can be read. words.png"),
        ({"size": 100}, "not a multiple of 8"),
        ({"how": "sideways"}, '"whole" or "square"'),
    ]:
        given = {"model": MODELS[0], "images": [handle_file(picture)], **arguments}
        with pytest.raises(AppError, match=words):
            client.predict(**given, api_name="/usage")
