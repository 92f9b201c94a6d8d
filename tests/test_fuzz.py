"""Strange requests to every endpoint, view, event and upload: no server error, no hang, no file of the machine.

A few hundred by default; thousands with -m slow.
"""

import json
import secrets
import socket
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import explorer
from explorer.bench.edit import request_about
from explorer.core.strict import to_json
from explorer.lab.plan import Plan, Settings
from explorer.models import registry
from explorer.services.examples import GOLDEN
from explorer.services.reference import golden
from tests.bad_pictures import encoded, photo
from tests.fuzz import Fuzzed, nearly, strange
from tests.load.visitor import Page

MODEL = explorer.available()[0]
CODES = golden(MODEL).codes
MANY = pytest.param(1000, marks=pytest.mark.slow)
ONE_BY_ONE = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


def given_codes():
    grid = CODES["codes"][0]
    levels = {"codes": {"grid": list(grid.shape), "codes": grid.tolist()}}
    return {"model": MODEL, "revision": registry.spec(MODEL).revision, "levels": levels}


ABOUT = request_about(registry.spec(MODEL), CODES)
WRITE = {"kind": "write", "level": "codes", "cells": [[5, 2]], "codes": [7, 8]}
MAP = {"model": MODEL, "level": "codes", "of": "vectors", "method": "umap", "dims": 2}
FRAME = {
    "ask": "frame",
    "key": "0" * 32,
    "plan": to_json(Plan()),
    "sides": to_json((Settings(), Settings(cures=("fsq",)))),
    "steps": 2,
    "since": -1,
}
ENDPOINTS = {
    "models": [],
    "encode": [MODEL, "FILE", 64, "whole"],
    "decode": [MODEL, given_codes()],
    "edit": [MODEL, given_codes(), [WRITE]],
    "usage": [MODEL, ["FILE"], 64, "square"],
    "code": [MODEL, 3, "codes"],
    "project": [MODEL, "codes", "vectors", "pca", 2],
    "compare": [[MODEL, explorer.available()[1]], "FILE", 64, "square", True],
}
"""Valid arguments; "FILE" stands for an uploaded picture."""
VIEWS = {
    ("token-view", "codes_as_npz"): given_codes(),
    ("edit-view", "edit"): {**ABOUT, "edits": [WRITE]},
    ("edit-view", "replay"): {**ABOUT, "edits": [WRITE]},
    ("edit-view", "stitch"): {**ABOUT, "example": GOLDEN},
    ("edit-view", "neighbours"): {"model": MODEL, "level": "codes", "code": 3},
    ("edit-view", "influence"): {**ABOUT, "level": "codes", "cell": 3},
    ("codebook-view", "map"): MAP,
    ("codebook-view", "stop"): MAP,
    ("codebook-view", "facts"): {"model": MODEL, "level": "codes"},
    ("codebook-view", "code"): {"model": MODEL, "level": "codes", "code": 3},
    ("lab-points", "lab"): FRAME,
    ("guide-view", "lookup"): {"row": 3, "column": 4},
    ("guide-view", "gradient"): {"seed": 0},
    ("guide-view", "pulls"): {"z": [0.1, 0.2], "codebook": [[0, 0], [1, 1]], "beta": 0.25},
    ("guide-view", "gumbel"): {"row": 3, "column": 4, "temperature": 1.0, "seed": 0},
    ("guide-view", "rounded"): {"z": [0.1, 0.2, 0.3]},
    ("guide-view", "stages"): {"stages": 2, "seed": 0},
    ("guide-view", "prior"): {"seed": 0},
}


@pytest.fixture(scope="module")
def secret(tmp_path_factory):
    """A file that the app could read, and nobody was given."""
    path = tmp_path_factory.mktemp("kept") / "secret.txt"
    path.write_text(secrets.token_hex(20))
    return path


@pytest.fixture(scope="module")
def listener():
    """An address of this machine, and the connections that came to it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        came, over = [], threading.Event()

        def listen():
            while not over.is_set():
                try:
                    came.append(server.accept())
                except TimeoutError:
                    continue

        listening = threading.Thread(target=listen)
        listening.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/x.png", came
        over.set()
        listening.join()


@pytest.fixture(scope="module")
def fuzzed(app_url, secret):
    return Fuzzed(app_url, secret.read_text())


@pytest.fixture(scope="module")
def values(secret, listener):
    return strange(str(secret), listener[0])


@pytest.fixture(scope="module")
def page(fuzzed):
    return Page.of(fuzzed.http.get("/config").json())


@pytest.fixture(scope="module")
def file(fuzzed):
    [path] = json.loads(fuzzed.upload("photo.png", encoded(photo(), "png")))
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


@pytest.fixture(autouse=True)
def nothing_was_fetched(listener):
    yield
    assert listener[1] == []


def with_file(arguments, file):
    return json.loads(json.dumps(arguments).replace('"FILE"', json.dumps(file)))


def test_what_is_changed_below_is_valid(fuzzed, page, file):
    for name, arguments in ENDPOINTS.items():
        assert "event: complete" in fuzzed.endpoint(name, with_file(arguments, file)), name
    for (component, function), request in VIEWS.items():
        answer = json.loads(fuzzed.view(page.components[component], function, json.dumps(request)))
        assert "error" not in (json.loads(answer) if answer.startswith("{") else {}), (component, function, answer)


@pytest.mark.parametrize("cases", [8, MANY])
@pytest.mark.parametrize("name", ENDPOINTS)
def test_endpoints(fuzzed, values, file, name, cases):
    @settings(max_examples=cases, **ONE_BY_ONE)
    @given(nearly(with_file(ENDPOINTS[name], file), values))
    def strange_arguments(arguments):
        fuzzed.endpoint(name, arguments)

    strange_arguments()


@pytest.mark.parametrize("cases", [8, MANY])
@pytest.mark.parametrize("view", VIEWS, ids=".".join)
def test_views(fuzzed, values, page, view, cases):
    component, function = view

    @settings(max_examples=cases, **ONE_BY_ONE)
    @given(nearly(VIEWS[view], values).map(json.dumps) | values)
    def strange_request(request):
        fuzzed.view(page.components[component], function, request)

    strange_request()


@pytest.mark.parametrize("cases", [40, MANY])
def test_events_of_the_page(fuzzed, values, page, cases):
    numbers = sorted({event["id"] for event in page.events.values()})
    bodies = st.fixed_dictionaries(
        {"fn_index": st.sampled_from(numbers) | values, "data": st.lists(values, max_size=6), "session_hash": values},
        optional={"event_data": values, "trigger_id": values},
    )

    @settings(max_examples=cases, **ONE_BY_ONE)
    @given(bodies | values)
    def strange_event(body):
        fuzzed.post("/queue/join", body)

    strange_event()


@pytest.mark.parametrize("cases", [20, MANY])
def test_uploads(fuzzed, cases):
    names = st.sampled_from(["../../app.py", "/etc/passwd", "photo.png", "x.npz", "x.pt", "a" * 300]) | st.text()

    @settings(max_examples=cases, **ONE_BY_ONE)
    @given(names, st.binary(max_size=2000))
    def strange_file(name, contents):
        text = fuzzed.upload(name, contents)
        if not text.startswith("["):
            return  # refused
        [path] = json.loads(text)
        assert ".." not in path.split("/")
        answer = fuzzed.endpoint("encode", [MODEL, {"path": path, "meta": {"_type": "gradio.FileData"}}, 64, "whole"])
        assert "event: error" in answer

    strange_file()


@pytest.mark.parametrize("cases", [30, MANY])
def test_files_of_the_machine(fuzzed, secret, cases):
    ways = ["/gradio_api/file=", "/gradio_api/file/", "/file=", "/static/", "/assets/", "/theme.css/", "/"]
    steps = st.lists(
        st.sampled_from(["..", "%2e%2e", ".", "", "%2f", "proc", "self", "root", "etc", "passwd"]), max_size=8
    )
    targets = st.sampled_from([str(secret), "/etc/passwd", "app.py", "explorer/__init__.py"]) | steps.map("/".join)

    @settings(max_examples=cases, **ONE_BY_ONE)
    @given(st.sampled_from(ways), targets)
    def strange_path(way, target):
        text = fuzzed.get(way + target.lstrip("/") if way == "/" else way + target)
        assert "ModelStore" not in text

    strange_path()
