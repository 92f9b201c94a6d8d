"""No request or flood of requests takes the app away from others: it stays small, and answers in a sentence."""

import asyncio
import json
import time
from pathlib import Path

import httpx
import pytest

from explorer.bench.servers import answer, app_command, free_port, started
from tests.asynchronous import run
from tests.attack.intruder import GRADIO, Intruder

POSTS = (
    "call/encode",
    "call/v2/encode",
    "run/encode",
    "api/encode",
    "queue/join",
    "component_server",
    "cancel",
    "reset",
)
BOMBS = {
    "objects": b'{"data": [' + b"{}," * 2_000_000 + b"{}]}",
    "numbers": b'{"data": [' + b"0," * 3_000_000 + b"0]}",
    "lists": b'{"data": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "depth": b'{"data": ' + b"[" * 900 + b"]" * 900 + b"}",
    "keys": b"{" + b",".join(b'"%d": 0' % number for number in range(500_000)) + b"}",
    "text": b'{"data": ["' + b"a" * 80_000_000 + b'"]}',
    "digits": b'{"data": [' + b"1" * 4_000_000 + b"]}",
}


@pytest.mark.parametrize("kind", BOMBS)
@pytest.mark.parametrize("path", [*POSTS, "mcp"])
def test_no_body_is_a_bomb(intruder, path, kind):
    headers = {"Content-Type": "application/json"}
    reply = intruder.http.post(f"{GRADIO}/{path}", content=BOMBS[kind], headers=headers)
    assert 400 <= reply.status_code < 500, (reply.status_code, reply.text[:200])
    assert len(reply.text) < 500 and "Traceback" not in reply.text


@pytest.mark.parametrize("path", POSTS)
def test_nothing_but_uploads_takes_forms(intruder, path):
    reply = intruder.http.post(f"{GRADIO}/{path}", files={"files": ("a.png", b"a" * 1000)}, data={"fn_name": "a"})
    assert reply.status_code == 415


def test_a_page_that_is_not_open_is_told_to_reload(intruder):
    event, (component, function) = intruder.events[0]["id"], intruder.views[0]
    stranger = Intruder(intruder.url, "203.0.113.67")
    assert "Reload the page" in stranger.fire(event, []).text
    assert "Reload the page" in stranger.view(component, function, "").text


class Measured:
    """A server of its own, with limits, and how much memory its process holds."""

    def __init__(self, server):
        self.url, self._process = server.url, Path(f"/proc/{server.process}")

    def megabytes(self, most: bool = False) -> float:
        status = dict(line.split(":\t") for line in (self._process / "status").read_text().splitlines())
        return int(status["VmHWM" if most else "VmRSS"].split()[0]) / 1024

    def health(self) -> dict:
        return httpx.get(f"{self.url}/health", timeout=60).json()


@pytest.fixture(scope="module")
def limited():
    port = free_port()
    with started([*app_command(port), "--limits"], port) as server:
        answer(f"{server.url}/health")
        yield Measured(server)


@pytest.mark.slow
def test_bodies_that_are_never_finished_hold_little(limited):
    before = limited.megabytes()

    async def half(number):
        reading, writing = await asyncio.open_connection("127.0.0.1", int(limited.url.rsplit(":", 1)[1]))
        size = 60_000_000
        head = f"POST {GRADIO}/call/encode HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.{number % 2}\r\n"
        writing.write(f"{head}Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(59):
            writing.write(b" " * 1_000_000)
            try:
                await asyncio.wait_for(writing.drain(), 5)
            except (TimeoutError, ConnectionError):
                break
        return reading, writing

    async def all_of_them():
        halves = await asyncio.gather(*(half(number) for number in range(20)))
        await asyncio.sleep(1)
        held = limited.megabytes()
        for _, writing in halves:
            writing.close()
        return held

    assert run(all_of_them()) - before < 450, "two visitors hold at most 160 MB each, and what is on its way"
    assert limited.health()["ready"]


@pytest.mark.slow
def test_invented_pages_cost_nothing(limited):
    intruder = Intruder(limited.url)
    before, sessions = limited.megabytes(), limited.health()["sessions"]
    component, function = intruder.views[0]

    async def flood():
        headers = {"X-Forwarded-For": "203.0.113.66"}
        limits, patience = httpx.Limits(max_connections=64), httpx.Timeout(120, pool=None)
        async with httpx.AsyncClient(base_url=limited.url, headers=headers, limits=limits, timeout=patience) as http:

            async def one(number):
                page = f"invented{number}"
                body = {"data": "", "component_id": component, "fn_name": function, "session_hash": page}
                if number % 2:
                    body = {"data": ["vq.caltech_f8_1024", 3, ""], "session_hash": page}
                path = "run/code" if number % 2 else "component_server"
                return (await http.post(f"{GRADIO}/{path}", json=body)).status_code

            return await asyncio.gather(*(one(number) for number in range(600)))

    found = run(flood())
    assert set(found) <= {403, 404, 429}, set(found)
    assert limited.health()["sessions"] == sessions
    assert limited.megabytes() - before < 100


@pytest.mark.slow
def test_pages_that_are_opened_by_the_thousand_are_bounded(limited):
    before = limited.megabytes()
    intruder = Intruder(limited.url)
    event = next(event for event in intruder.events if not event["inputs"])

    async def open_and_close(http, number):
        page = f"opened{number}"
        try:
            async with http.stream("GET", f"{GRADIO}/heartbeat/{page}") as stream:
                async for _ in stream.aiter_raw():
                    break
                body = {"data": [], "fn_index": event["id"], "session_hash": page}
                await http.post(f"{GRADIO}/queue/join", json=body)
        except httpx.HTTPError:
            pass

    async def flood():
        headers = {"X-Forwarded-For": "203.0.113.68"}
        async with httpx.AsyncClient(base_url=limited.url, headers=headers, timeout=120) as http:
            for start in range(0, 2_000, 50):
                await asyncio.gather(*(open_and_close(http, start + number) for number in range(50)))

    run(flood())
    assert limited.health()["sessions"] <= 80
    assert limited.megabytes() - before < 150


@pytest.mark.slow
def test_the_page_answers_others_while_bombs_come(limited):
    async def bombs(until):
        headers = {"X-Forwarded-For": "203.0.113.66", "Content-Type": "application/json"}
        async with httpx.AsyncClient(base_url=limited.url, headers=headers, timeout=120) as http:
            sent = 0
            while time.monotonic() < until:
                for bomb in BOMBS.values():
                    try:
                        reply = await http.post(f"{GRADIO}/queue/join", content=bomb)
                        assert reply.status_code < 500, reply.text
                    except httpx.HTTPError:
                        pass
                    sent += 1
            return sent

    async def others(until):
        waits = []
        async with httpx.AsyncClient(base_url=limited.url, timeout=120) as http:
            while time.monotonic() < until:
                began = time.monotonic()
                assert (await http.get("/health")).status_code == 200
                waits.append(time.monotonic() - began)
                await asyncio.sleep(0.1)
        return waits

    async def both():
        until = time.monotonic() + 20
        return await asyncio.gather(bombs(until), others(until))

    sent, waits = run(both())
    assert sent > 10 and len(waits) > 20, (sent, len(waits))
    assert limited.megabytes(most=True) < 1600, json.dumps({"most": limited.megabytes(most=True)})
