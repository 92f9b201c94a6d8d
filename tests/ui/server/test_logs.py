"""The log of requests: a line each that says what happened, and nothing about whom or what with."""

import json
import logging

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from explorer.ui.server.logs import RequestLog, route


@pytest.fixture
def client():
    async def answer(request):
        return PlainTextResponse(b"four", 418 if await request.body() else 200)

    app = RequestLog(Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])]))
    return TestClient(app, client=("203.0.113.9", 5))


def test_a_request_is_one_line_of_json_without_contents_or_address(client, caplog):
    with caplog.at_level(logging.INFO, "explorer.requests"):
        client.post("/gradio_api/call/encode?who=me", content=b"my picture")
        client.get("/gradio_api/file=/tmp/folder/my-holiday.png")
    first, second = (json.loads(line) for line in caplog.messages)
    assert (first["method"], first["route"], first["status"]) == ("POST", "/gradio_api/call/encode", 418)
    assert (first["bytes_in"], first["bytes_out"]) == (10, 4) and first["milliseconds"] > 0
    assert second["route"] == "/gradio_api/file" and second["visitor"] == first["visitor"]
    for secret in ("203.0.113.9", "my picture", "holiday", "who=me"):
        assert secret not in caplog.text


def test_nothing_is_logged_unless_asked_for(client, caplog):
    with caplog.at_level(logging.WARNING, "explorer.requests"):
        assert client.get("/").text == "four"
    assert not caplog.messages


def test_visitors_are_told_apart_only_within_a_run():
    one, other = RequestLog(None), RequestLog(None)
    assert one.visitor("203.0.113.9") != one.visitor("203.0.113.10")
    assert one.visitor("203.0.113.9") != other.visitor("203.0.113.9")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/", "/"),
        ("/gradio_api/queue/join", "/gradio_api/queue/join"),
        ("/gradio_api/heartbeat/k2j9x0", "/gradio_api/heartbeat"),
        ("/gradio_api/call/encode/0123abc", "/gradio_api/call/encode"),
        ("/gradio_api/call/v2/decode", "/gradio_api/call/decode"),
        ("/assets/index-1.js", "/assets/index-1.js"),
        ('/gradio_api/call/a"b\n{c}', "/gradio_api/call/abc"),
    ],
)
def test_routes(path, said):
    assert route(path) == said
