"""What the Collapse lab's pages are answered, frame by frame."""

import asyncio
import base64
import json

import numpy as np
import pytest

from explorer.core.strict import to_json
from explorer.lab.plan import Plan, Settings
from explorer.ui import lab_calls
from explorer.ui.lab import STARTS
from explorer.ui.lab_calls import LabCalls
from tests.asynchronous import run

KEY = "0123456789abcdef"


def request(lab="points", **changes) -> dict:
    plan, settings = STARTS[lab]
    sides = [to_json(settings), {**to_json(settings), "cures": ["fsq"]}]
    return {"ask": "frame", "key": KEY, "plan": to_json(plan), "sides": sides, "steps": 0, "since": -1} | changes


def asked(calls: LabCalls, lab="points", **changes) -> dict:
    return json.loads(run(calls.function()(json.dumps(request(lab, **changes)))))


def numbers(text: str, kind=np.int16) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


@pytest.fixture(scope="module")
def calls():
    return LabCalls()


def test_a_page_opens_on_a_prepared_state(calls):
    reply = asked(calls, fresh=True)
    assert reply["step"] == 0 and numbers(reply["data"]).shape == (2048,)
    left, right = reply["sides"]
    assert (left["kind"], right["kind"]) == ("vector", "finite_scalar")
    for side in reply["sides"]:
        assert numbers(side["latents"]).shape == (2048,)
        assert numbers(side["codes"]).shape == numbers(side["decoded"]).shape == (128,)
        step, _, used, _ = side["readings"][0]
        assert step == 0 and used == len(np.unique(numbers(side["indices"], np.uint16)))


def test_readings_come_once(calls):
    asked(calls, fresh=True)
    reply = asked(calls, steps=10, since=0)
    assert reply["step"] <= 10 and "data" not in reply
    while reply["step"] < 10:
        reply = asked(calls, steps=10 - reply["step"], since=0)
    assert [reading[0] for reading in reply["sides"][0]["readings"]] == [5, 10]
    assert asked(calls, since=10)["sides"][1]["readings"] == []


def test_a_run_that_was_put_away_begins_anew_with_all_its_data(calls):
    asked(calls, fresh=True)
    asked(calls, steps=2, since=0)
    calls.runs.drop(KEY)
    reply = asked(calls, steps=2, since=400)
    assert reply["step"] <= 2 and "data" in reply and reply["sides"][0]["readings"][0][0] == 0


def test_a_run_ends(calls, monkeypatch):
    monkeypatch.setattr(lab_calls, "MOST_STEPS", 3)
    asked(calls, fresh=True)
    for _ in range(6):
        reply = asked(calls, steps=5, since=0)
    assert reply["step"] == reply["most"] == 3


def test_pictures_come_as_pictures(calls):
    reply = asked(calls, "pictures", fresh=True)
    for side in reply["sides"]:
        assert side["pictures"].startswith("data:image/webp") and side["sheet"].startswith("data:image/webp")
        assert numbers(side["counts"], np.uint16).sum() == 2048
    assert reply["data"].startswith("data:image/webp")


def test_a_page_that_leaves_takes_its_run_along_even_while_a_frame_is_under_way(calls):
    asked(calls, fresh=True)
    asked(calls, ask="touch")
    assert len(calls.runs) == 1
    lab = calls.function()

    async def leave() -> list[str]:
        return await asyncio.gather(lab(json.dumps(request(steps=1))), lab(json.dumps(request(ask="drop"))))

    frame, dropped = run(leave())
    assert json.loads(frame)["step"] == 1 and json.loads(dropped) == {}
    assert len(calls.runs) == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ask": "everything"}, '"ask"'),
        ({"key": "short"}, '"key"'),
        ({"key": 7}, '"key"'),
        ({"plan": {**to_json(Plan()), "size": 10**9}}, "K is one of"),
        ({"plan": {**to_json(Plan()), "code": "x"}}, "unknown key 'code'"),
        ({"sides": [to_json(Settings())]}, "two sides"),
        ({"sides": [to_json(Settings()), {**to_json(Settings()), "beta": 1e9}]}, "beta lies between"),
        ({"steps": -1}, "0 or more steps"),
        ({"since": "0"}, "must be int"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(calls, changes, words):
    assert words in asked(calls, **changes)["error"]


@pytest.mark.parametrize("text", ["{", "[]", "7", '"frame"', "x" * 70_000])
def test_what_is_no_request_is_refused_in_words(calls, text):
    assert "request to the lab" in json.loads(run(calls.function()(text)))["error"]


def test_where_it_is_full_a_page_is_told_to_wait(calls, monkeypatch):
    monkeypatch.setattr(calls._turns, "_most", 0)
    assert "share this machine" in asked(calls)["full"]
