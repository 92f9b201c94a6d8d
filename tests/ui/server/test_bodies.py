"""Bodies: bounded in bytes, values, depth and time, for each visitor and for all."""

import asyncio

import pytest

from explorer.ui.server import bodies
from explorer.ui.server.bodies import HELD_OF_ALL, HELD_OF_ONE, Held, Limit, not_silent, parse, read
from explorer.ui.server.refused import Refused
from tests.asynchronous import run


def sent(*parts: bytes, wait: float = 0.0):
    """A `receive` that gives these parts, then waits before each further one, of which there is none."""
    left = list(parts)

    async def receive():
        if not left:
            await asyncio.sleep(60)
        await asyncio.sleep(wait)
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": True}

    return receive


def reading(receive, most=1000, **headers):
    scope = {"type": "http", "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}

    async def reads():
        with Held().account("a visitor") as account:
            return await read(scope, receive, most, account)

    return run(reads())


def test_a_body_that_does_not_go_on_is_given_up(monkeypatch):
    monkeypatch.setattr(bodies, "PATIENCE", 0.2)
    with pytest.raises(Refused, match="too slowly") as refused:
        reading(sent(b'{"data": ['))
    assert refused.value.status == 408


def test_a_body_that_trickles_is_given_up(monkeypatch):
    monkeypatch.setattr(bodies, "PATIENCE", 0.2)
    with pytest.raises(Refused, match="too slowly"):
        reading(sent(*[b"1"] * 100, wait=0.05))


def test_a_size_that_is_only_announced_is_refused_at_once():
    with pytest.raises(Refused, match="larger than") as refused:
        reading(sent(), **{"content-length": "999999999999999999999"})
    assert refused.value.status == 413


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=a", "MULTIPART/mixed", "application/x-www-form-urlencoded"]
)
def test_forms_are_no_json(kind):
    with pytest.raises(Refused, match="JSON only"):
        reading(sent(b"{}"), **{"content-type": kind})


def test_bodies_in_memory_are_counted_for_each_visitor_and_for_all():
    held = Held()
    with held.account("a") as first, held.account("a") as second, held.account("b") as third:
        first.add(HELD_OF_ONE - 10)
        with pytest.raises(Refused, match="from here"):
            second.add(11)
        second.add(10)
        third.add(HELD_OF_ONE)
        assert held.total == 2 * HELD_OF_ONE
    assert held.total == 0
    others = [held.account(f"visitor {number}") for number in range(HELD_OF_ALL // HELD_OF_ONE)]
    for account in others:
        account.__enter__().add(HELD_OF_ONE)
    with held.account("one more") as last, pytest.raises(Refused, match="Many large requests"):
        last.add(HELD_OF_ONE)
    for account in others:
        account.__exit__(None, None, None)
    assert held.total == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{}," * 2000, "too many values"),
        (b"[" * 2000, "too many values"),
        (b'{"a": [' + b"0," * 2000 + b"0]}", "too many values"),
        (b'{"a": ' * 500 + b"1" + b"}" * 500, "nested"),
        (b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}", "nested"),
        (b'{"a": ' + b"[" * bodies.DEEPEST + b"]" * bodies.DEEPEST + b"}", "nested"),
        (b"[1, 2]", "no JSON object"),
        (b'{"a": ' + b"1" * 5000 + b"}", "64 bits"),
        (b"\xff\xfe", "not JSON"),
        (b"", "not JSON"),
    ],
)
def test_what_is_no_request_is_refused_before_anything_is_made_of_it(body, words):
    with pytest.raises(Refused, match=words):
        parse(body, Limit(10**6, 1000))


def test_what_is_within_its_limits_is_taken():
    assert parse(b'{"a": ' + b"[" * 30 + b"]" * 30 + b"}", Limit(10**6, 1000))
    assert len(parse(b'{"a": [' + b"0," * 900 + b"0]}", Limit(10**6, 1000))["a"]) == 901


def test_an_upload_that_falls_silent_is_given_up(monkeypatch):
    monkeypatch.setattr(bodies, "SILENCE", 0.2)
    receive = not_silent(sent(b"first", b"second"))

    async def reads():
        return [(await receive())["type"] for _ in range(3)]

    assert run(reads()) == ["http.request", "http.request", "http.disconnect"]


def test_an_upload_that_trickles_is_given_up(monkeypatch):
    monkeypatch.setattr(bodies, "SILENCE", 0.3)
    monkeypatch.setattr(bodies, "SLOWEST_UPLOAD", 1000)
    receive = not_silent(sent(*[b"1"] * 20, wait=0.1))

    async def reads():
        return [(await receive())["type"] for _ in range(10)]

    assert "http.disconnect" in run(reads())
