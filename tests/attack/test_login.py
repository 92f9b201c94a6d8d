"""A password: without it nothing answers but the login and what that needs; few are tried; it stands in no log."""

import base64
import logging
import os
import subprocess
import sys

import gradio as gr
import httpx
import pytest
from gradio.routes import App
from gradio_client import Client
from gradio_client.exceptions import AuthenticationError
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

import app as program
from explorer.bench.servers import ROOT, answer, free_port
from explorer.services.limits import LOGIN
from explorer.ui.server.gate import Gate
from explorer.ui.server.health import health_route
from explorer.ui.server.login import LARGEST_LOGIN, OPEN, OPEN_BELOW, STARTED, Login
from explorer.ui.server.mcp_tools import Tools
from explorer.ui.server.pages import Pages, remembering
from explorer.ui.server.stop import Work
from tests.asynchronous import run

USER, PASSWORD = "ann", "a pass:wörd"
RIGHT = {"username": USER, "password": PASSWORD}
WRONG = {"username": USER, "password": "guess"}
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def one() -> int:
    return 1


@pytest.fixture
def small():
    """A client of a small app behind both doors, with a password; and the app."""
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.api(one, api_name="one", queue=False)
    blocks.auth, blocks.auth_message, blocks.theme_css = [(USER, PASSWORD)], None, ""  # as launch() sets them
    pages, tools = Pages(), Tools(None)
    middleware = [Middleware(Login), Middleware(Gate, limits=None, work=Work(), pages=pages)]
    routes = [health_route(Work()), *tools.routes()]
    app = App.create_app(
        blocks, app_kwargs={"middleware": middleware, "routes": routes, "lifespan": remembering(pages)}
    )
    blocks.create_limiter()
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client, app


def places(router):
    """(method, path) of every route that answers, with something in place of what a path leaves open."""
    for route in router.routes:
        if hasattr(route, "original_router"):  # as fastapi keeps a router in another
            yield from places(route.original_router)
            continue
        path = "".join(part.split("}")[-1] for part in f"}}{route.path}".replace("{", "x{").split("{"))
        if isinstance(route, Route):
            yield from ((method, path) for method in sorted(route.methods or ("GET", "POST")))
        elif isinstance(route, Mount):
            yield from (("GET", f"{path}/"), ("POST", f"{path}/"))


def test_no_route_answers_without_a_login_but_those_that_it_needs(small):
    client, app = small
    found = list(places(app))
    assert len(found) > 60 and any("mcp" in path for _, path in found)
    for method, path in found:
        status = client.request(method, path, follow_redirects=False).status_code
        open = method in ("GET", "HEAD") and (path in (*OPEN, STARTED) or path.startswith(OPEN_BELOW))
        if path.startswith("/login") and method == "POST":
            assert status == 422  # no name and no password came
        elif not open:
            assert status == 401, (method, path)


def test_a_login_opens_the_app_and_a_logout_closes_it(small):
    client, _ = small
    assert client.post("/login", data=WRONG).status_code == 400
    assert client.get("/config").status_code == 401
    assert client.post("/login", data=RIGHT).json() == {"success": True}
    assert client.get("/config").status_code == 200
    assert client.post("/gradio_api/run/one", json={"data": []}).json()["data"] == [1]
    client.get("/logout")
    assert client.get("/config").status_code == 401


def test_a_program_may_send_the_password_with_each_request(small):
    client, _ = small
    assert client.get("/config", headers={"Authorization": BASIC}).status_code == 200
    assert client.get("/config").status_code == 401
    for wrong in ("Basic", "Basic x", "Basic " + base64.b64encode(b"nobody:").decode(), "Bearer x"):
        assert client.get("/config", headers={"Authorization": wrong}).status_code == 401


@pytest.mark.parametrize("way", ["form", "header"])
def test_few_passwords_are_tried_from_an_address(small, way):
    client, _ = small
    wrong = {"Authorization": "Basic " + base64.b64encode(b"ann:guess").decode()}

    def attempt():
        return client.post("/login", data=WRONG) if way == "form" else client.get("/config", headers=wrong)

    tried = [attempt().status_code for _ in range(int(LOGIN.most) + 2)]
    assert tried[-2:] == [429, 429] and 429 not in tried[: int(LOGIN.most)]
    assert client.post("/login", data=RIGHT).status_code == 429
    assert int(attempt().headers["retry-after"]) > 0
    client._transport.client = ("another visitor", 1)
    assert client.post("/login", data=RIGHT).status_code == 200


def test_logins_that_succeed_are_not_counted(small):
    client, _ = small
    assert {client.post("/login", data=RIGHT).status_code for _ in range(int(LOGIN.most) + 5)} == {200}


def test_a_long_login_is_not_read(small):
    client, _ = small
    long = {"username": USER, "password": "x" * LARGEST_LOGIN}
    assert client.post("/login", data=long).status_code >= 400


def test_without_a_password_nothing_is_posted_to_the_login():
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.Textbox()
    middleware = [Middleware(Login), Middleware(Gate, limits=None, work=Work(), pages=Pages())]
    with TestClient(App.create_app(blocks, app_kwargs={"middleware": middleware})) as client:
        assert client.post("/login", data=RIGHT).status_code == 404
        assert client.get("/config").status_code == 200


def test_the_password_comes_by_option_or_variable_and_is_never_repeated(monkeypatch, capsys):
    assert program.parse(["--auth", f"{USER}:{PASSWORD}"]).auth == (USER, PASSWORD)
    monkeypatch.setenv(program.AUTH, f"{USER}:{PASSWORD}")
    assert program.parse([]).auth == (USER, PASSWORD)
    assert program.AUTH not in os.environ, "other processes would inherit it"
    for wrong in ("topsecret", ":topsecret", "topsecret:"):
        with pytest.raises(SystemExit):
            program.parse(["--auth", wrong])
        monkeypatch.setenv(program.AUTH, wrong)
        with pytest.raises(SystemExit):
            program.parse([])
    assert "topsecret" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "warned"),
    [
        (["--host", "0.0.0.0"], True),
        (["--host", "192.0.2.1"], True),
        (["--host", "0.0.0.0", "--auth", "a:b"], False),
        (["--host", "127.0.0.1"], False),
        ([], False),
    ],
)
def test_an_open_door_is_said(monkeypatch, caplog, arguments, warned):
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    with caplog.at_level(logging.WARNING):
        program.warn_if_open(program.parse(arguments))
    assert ("no password" in caplog.text and "--auth user:password" in caplog.text) == warned


async def tools_and_answer(url):
    """The names of the MCP tools, and what the tool `code` says of a wrong model."""
    async with (
        streamablehttp_client(f"{url}/gradio_api/mcp/", headers={"Authorization": BASIC}) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        names = [tool.name for tool in (await session.list_tools()).tools]
        found = await session.call_tool("code", {"model": "<b>nobody</b>", "code": 3, "level": ""})
        return names, found.content[0].text


def test_the_program_with_a_password(tmp_path):
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "app.py", "--device", "cpu", "--port", str(port), "--log-requests"]
    environment = {**os.environ, program.AUTH: f"{USER}:{PASSWORD}", "TMPDIR": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    environment.pop("GRADIO_TEMP_DIR", None)
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        answer(f"{url}/health")
        assert httpx.post(f"{url}/gradio_api/call/models", json={"data": []}).status_code == 401
        page = httpx.get(url).text
        assert "auth_required" in page and "token-view" not in page and "caltech" not in page
        with pytest.raises(AuthenticationError):
            Client(url, verbose=False)
        assert Client(url, auth=(USER, PASSWORD), verbose=False).predict(api_name="/models")
        names, said = run(tools_and_answer(url))
        assert "encode" in names and "There is no model '<b>nobody</b>'" in said
        forged = "/gradio_api/custom_component/a%0aFORGED%1b%5b31m/client/x/y"
        assert httpx.get(url + forged, headers={"Authorization": BASIC}).status_code == 404
    finally:
        process.terminate()
        process.wait(30)
    lines = log.read_text().splitlines()
    assert len(lines) > 5 and not any(line.startswith("FORGED") for line in lines)
    assert PASSWORD not in log.read_text() and "guess" not in log.read_text()
