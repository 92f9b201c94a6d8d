"""What a page asks for just when its stream is closed is answered all the same."""

import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gradio as gr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from explorer.ui.server import streams
from explorer.ui.server.gate import Gate
from explorer.ui.server.pages import Pages
from explorer.ui.server.stop import Work
from explorer.ui.server.streams import Streams

CLOSE = {"type": "http.response.body", "body": b'data: {"msg":"close_stream"}\n\n', "more_body": True}
ACCEPTED = {"type": "http.response.start", "status": 200, "headers": []}


def finished(coroutine: Coroutine) -> Any:
    """Its result. In a thread of its own, because Playwright leaves a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def seconds_until_accepted(asking: str, closing: str, after: float = 0.0) -> float:
    """Between the closing of one page's stream and what another page is told."""

    async def run() -> float:
        sent, loop, known = [], asyncio.get_running_loop(), Streams()

        async def send(message):
            sent.append((message["type"], loop.time()))

        await known.watched(closing, send)(CLOSE)
        await asyncio.sleep(after)
        began = loop.time()
        await known.accepted(asking, send)(ACCEPTED)
        assert [kind for kind, _ in sent] == ["http.response.body", "http.response.start"]
        return sent[1][1] - began

    return finished(run())


def test_a_request_is_accepted_once_the_page_has_heard_that_its_stream_is_closed():
    assert seconds_until_accepted("a", "a") > streams.HOLD - 0.05
    assert seconds_until_accepted("a", "a", after=streams.HOLD) < 0.05
    assert seconds_until_accepted("a", "b") < 0.05


def test_the_gate_watches_streams_and_holds_what_is_accepted():
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.Button().click(lambda: None, None, None)
    routes = [
        Route("/gradio_api/queue/data", lambda _: Response(CLOSE["body"])),
        Route("/gradio_api/queue/join", lambda _: Response(), methods=["POST"]),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(Gate, limits=None, work=Work(), pages=Pages())])
    app.get_blocks = lambda: blocks
    with TestClient(app) as client:
        seconds = {}
        for page in "ab":
            client.get("/gradio_api/queue/data?session_hash=a")
            began = time.monotonic()
            joined = {"session_hash": page, "fn_index": next(iter(blocks.fns)), "data": []}
            assert client.post("/gradio_api/queue/join", json=joined).status_code == 200
            seconds[page] = time.monotonic() - began
    assert seconds["b"] < streams.HOLD - 0.05 < seconds["a"]


def test_words_of_a_visitor_close_nothing():
    async def run() -> Streams:
        known = Streams()

        async def send(message):
            pass

        said = rb'data: {"msg":"process_completed","output":"data: {\"msg\":\"close_stream\""}'
        await known.watched("a", send)({"type": "http.response.body", "body": said, "more_body": True})
        return known

    assert not finished(run())._closed
