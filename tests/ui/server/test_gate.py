"""What a visitor may not do, asked of a small app behind the gate, and of the same app without it."""

import contextlib
import http.server
import re
import threading
from pathlib import Path

import gradio as gr
import pytest
import safehttpx
from gradio.routes import App
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from explorer.services.limits import ADDRESS, PAGE, Limits
from explorer.ui.components import PictureInput
from explorer.ui.server import bodies, gate, uploads
from explorer.ui.server.gate import Gate
from explorer.ui.server.pages import Pages, remembering
from explorer.ui.server.stop import Work

API = "/gradio_api/"


@contextlib.contextmanager
def served(guarded: bool = True, limits: Limits | None = None, work: Work | None = None):
    """A client of an app with one endpoint, /bytes_of, that takes a file and no turn in the queue."""

    def bytes_of(path: str, note: dict | None = None) -> int:
        return Path(path).stat().st_size

    def broken(path: str) -> str:
        raise KeyError("a secret of the program")

    with gr.Blocks(analytics_enabled=False) as blocks:
        picture, note, size = PictureInput(type="filepath"), gr.JSON(), gr.Number()
        button = gr.Button()
        button.click(bytes_of, [picture, note], size, api_name="bytes_of", queue=False)
        button.click(broken, picture, size, api_name="broken", queue=False)
    pages = Pages()
    guard = {
        "middleware": [Middleware(Gate, limits=limits, work=work or Work(), pages=pages)],
        "lifespan": remembering(pages),
    }
    app = App.create_app(blocks, app_kwargs=guard if guarded else {})
    blocks.create_limiter()
    blocks.show_error, blocks.max_file_size = False, None  # as launch() sets them
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def client():
    with served() as client:
        yield client


def named(path: str) -> dict:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def ask(client, picture, note=None, **more):
    return client.post(f"{API}run/bytes_of", json={"data": [picture, note], **more})


@pytest.fixture
def host(monkeypatch):
    """(address of an HTTP server on this machine, the requests it got), to gradio as good as any on the internet."""
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            got.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"contents")

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    async def allowed(name: str) -> str:
        return "127.0.0.1"

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(safehttpx, "async_validate_url", allowed)
    yield f"http://127.0.0.1:{server.server_address[1]}", got
    server.shutdown()
    server.server_close()


def fetches(client, address):
    """The answers to every way of asking for a file at an address."""
    yield ask(client, named(f"{address}/picture"))
    yield ask(client, None, {"deep": [{"in": named(f"{address}/note")}]})
    yield ask(client, named(f"{address.replace('http', 'HTTP')}/shouted"))
    yield client.get(f"{API}file={address}/file")
    yield client.head(f"{API}file={address}/head")


def test_no_address_that_a_request_names_is_fetched(client, host):
    address, got = host
    for answer in fetches(client, address):
        assert 400 <= answer.status_code < 500
    assert got == []
    with served(guarded=False) as unguarded:
        for _ in fetches(unguarded, address):
            pass
        assert {"/picture", "/note", "/file", "/head"} <= set(got), "this test has to notice what is fetched"


def test_files_go_only_to_who_brought_them(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    uploads.limit_by_kind()
    with served() as client:  # one of its own, that keeps its files there
        (path,) = client.post(f"{API}upload", files={"files": ("mine.png", b"my picture")}).json()
        assert client.get(f"{API}file={path}").content == b"my picture"
        assert ask(client, named(path)).json()["data"] == [10]
        client._transport.client = ("another visitor", 1)
        for way in (
            f"file={path}",
            f"file=/{path}",
            f"file=/tmp/..{path}",
            f"file=../../../../..{path}",
        ):
            answer = client.get(API + way.replace("..", "%2e%2e"))
            assert answer.status_code == 403 and b"my picture" not in answer.content
        assert ask(client, named(path)).status_code == 403


def test_each_kind_of_upload_has_its_limit_and_leaves_nothing_when_it_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(uploads, "MAX_BYTES", 100_000)
    monkeypatch.setattr(uploads, "MAX_OWN_BYTES", 300_000)
    monkeypatch.setattr(uploads, "SPARE_BYTES", 0)
    uploads.limit_by_kind()
    with served() as client:

        def upload(name, size):
            return client.post(f"{API}upload", files={"files": (name, bytes(size))})

        for name, size, status in [
            ("small.png", 90_000, 200),
            ("large.png", 200_000, 413),
            ("codes.npz", 200_000, 413),
            ("weights.ckpt", 200_000, 200),
            ("weights.safetensors", 400_000, 413),
        ]:
            assert upload(name, size).status_code == status, name
        assert sorted(file.name for file in tmp_path.rglob("*") if file.is_file()) == ["small.png", "weights.ckpt"]
        monkeypatch.setattr(uploads, "SPARE_BYTES", 10**18)
        refused = upload("other.png", 10)
        assert refused.status_code == 400 and "no room" in refused.text


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("call/bytes_of", b'{"data": [', 400),
        ("call/bytes_of", b"[1, 2]", 400),
        ("call/bytes_of", b"\xff\xfe", 400),
        ("call/bytes_of", b"[" * 100_000, 400),
        ("call/bytes_of", b"{}", 422),
        ("call/nobody", b'{"data": []}', 404),
        ("call/v2/bytes_of", b'{"unknown": 1}', 400),
        ("run/nobody", b'{"data": []}', 404),
        ("queue/join", b'{"data": [], "fn_index": 99, "session_hash": "a"}', 404),
        ("queue/join", b'{"data": [], "fn_index": {}, "session_hash": "a"}', 404),
        ("component_server", b'{"data": 1, "component_id": 99, "fn_name": "a", "session_hash": "a"}', 404),
        ("component_server", b'{"data": 1, "component_id": [], "fn_name": "a", "session_hash": "a"}', 404),
        ("component_server", b'{"component_id": "' + b"9" * 5000 + b'"}', 404),
        ("process_recording", b"{}", 404),
        ("../../etc/passwd", b"{}", 404),
    ],
)
def test_nonsense_is_answered_in_a_sentence(client, path, body, status):
    answer = client.post(API + path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert "Traceback" not in answer.text and 'File "' not in answer.text


def test_an_unexpected_error_tells_nothing_of_the_program(client):
    answer = client.post(f"{API}run/broken", json={"data": [None]})
    assert "secret" not in answer.text and "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["run/broken", "cancel", "component_server", "mcp", "queue/join"])
def test_a_request_that_is_too_long_is_not_read(client, monkeypatch, path):
    monkeypatch.setattr(gate, "OF_INPUTS", ())
    monkeypatch.setattr(gate, "OF_OTHERS", 5_000)
    monkeypatch.setattr(gate, "LARGEST", dict.fromkeys(gate.LARGEST, bodies.Limit(10_000)))
    assert client.post(f"{API}{path}", content=b" " * 10_001).status_code == 413
    assert client.post(f"{API}{path}", content=iter([b" " * 1000] * 11)).status_code == 413
    assert client.post(f"{API}{path}", content=iter([b" " * 1000] * 5)).status_code == 400


def test_who_asks_too_often_is_told_how_long_to_wait():
    now = [0.0]
    with served(limits=Limits(lambda: now[0])) as client:
        answers = [ask(client, None, session_hash="a page").status_code for _ in range(int(PAGE.most) + 3)]
        assert answers.count(429) == 3 and answers[-3:] == [429] * 3
        refused = ask(client, None, session_hash="a page")
        assert refused.headers["retry-after"] == "1" and "Try again in 1 s" in refused.json()["detail"]
        now[0] += 1
        assert ask(client, None, session_hash="a page").status_code != 429


def test_nobody_fills_the_line_of_all():
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.Button().click(lambda: None, None, None, api_name="nothing")
    pages = Pages()
    guard = Middleware(Gate, limits=Limits(), work=Work(), pages=pages)
    app = App.create_app(blocks, app_kwargs={"middleware": [guard], "lifespan": remembering(pages)})
    with TestClient(app) as client:  # nothing takes from its queue

        def join(page):
            return client.post(f"{API}queue/join", json={"data": [], "fn_index": 0, "session_hash": page}).status_code

        assert [join("a page") for _ in range(PAGE.waiting + 1)] == [200] * PAGE.waiting + [429]
        others = [join(f"page {number}") for number in range(ADDRESS.waiting)]
        assert others == [200] * (ADDRESS.waiting - PAGE.waiting) + [429] * PAGE.waiting
        client._transport.client = ("another visitor", 1)
        assert join("page of another") == 200


def test_nothing_begins_while_the_program_stops():
    work = Work()
    with served(work=work) as client:
        work.stopping = True
        assert ask(client, None).status_code == 503
        assert client.post(f"{API}upload", files={"files": ("a.png", b"a")}).status_code == 503
        assert client.get("/config").status_code == 200


OPEN = {
    "GET": {
        "/",
        "/assets/{path:path}",
        "/config",
        "/config/",
        "/favicon.ico",
        "/gradio_api/app_id",
        "/gradio_api/app_id/",
        "/gradio_api/call/v2/{api_name}/{event_id}",
        "/gradio_api/call/{api_name}/{event_id}",
        "/gradio_api/file={path_or_url:path}",
        "/gradio_api/heartbeat/{session_hash}",
        "/gradio_api/info",
        "/gradio_api/info/",
        "/gradio_api/openapi.json",
        "/gradio_api/queue/data",
        "/gradio_api/startup-events",
        "/gradio_api/theme.css",
        "/gradio_api/upload_progress",
        "/logout",
        "/robots.txt",
        "/static/{path:path}",
        "/theme.css",
    },
    "POST": {
        "/gradio_api/api/{api_name}",
        "/gradio_api/api/{api_name}/",
        "/gradio_api/call/v2/{api_name}",
        "/gradio_api/call/v2/{api_name}/",
        "/gradio_api/call/{api_name}",
        "/gradio_api/call/{api_name}/",
        "/gradio_api/cancel",
        "/gradio_api/component_server",
        "/gradio_api/component_server/",
        "/gradio_api/queue/join",
        "/gradio_api/reset",
        "/gradio_api/reset/",
        "/gradio_api/run/{api_name}",
        "/gradio_api/run/{api_name}/",
        "/gradio_api/upload",
    },
}
"""The routes of gradio that the page and programs need. A new one stays closed until the gate names it."""


def test_routes_of_gradio_are_closed_but_for_those_that_are_needed():
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.Button().click(lambda: None, None, None, api_name="nothing")
    reached, pages = {"GET": set(), "POST": set()}, Pages()

    class Reached:
        """In place of gradio: takes down what the gate lets through."""

        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            if scope["type"] == "http":
                reached[scope["method"]].add(dict(scope["headers"])[b"route"].decode())
                await PlainTextResponse("reached")(scope, receive, send)
            else:
                await self.app(scope, receive, send)

    middleware = [Middleware(Gate, limits=None, work=Work(), pages=pages), Middleware(Reached)]
    app = App.create_app(blocks, app_kwargs={"middleware": middleware, "lifespan": remembering(pages)})
    routes = [route for route in _all(app.router) if isinstance(route, Route)]
    assert len(routes) > 60, "gradio lists its routes elsewhere now"
    with TestClient(app) as client:
        client.headers = {}
        for route in routes:
            path = re.sub(r"\{[^}]*\}", "nothing", route.path)
            for method in {"GET", "POST"} & route.methods:
                body = {"data": [], "fn_index": 0, "component_id": next(iter(blocks.blocks)), "session_hash": "a"}
                with pages.stream("testclient", "a", is_page=True, limited=False):
                    client.request(method, path, json=body if method == "POST" else None, headers={"route": route.path})
    # files are handed out only from the folder of uploads, which the tests above ask for
    assert reached["GET"] == OPEN["GET"] - {"/gradio_api/file={path_or_url:path}"}
    assert reached["POST"] == OPEN["POST"]


def _all(router):
    """Every route below a router; FastAPI keeps one that was included as it was."""
    for route in router.routes:
        yield route
        inner = getattr(route, "original_router", route)
        if hasattr(inner, "routes"):
            yield from _all(inner)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT"])
def test_no_other_method_is_let_in(client, method):
    assert client.request(method, f"{API}run/bytes_of").status_code == 405


def test_what_only_a_page_asks_for_needs_an_open_page(monkeypatch):
    monkeypatch.setattr(gate, "OPENING_UNSEEN", 0.2)
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.Button().click(lambda: None, None, None, api_visibility="private")
    pages = Pages()
    guard = Middleware(Gate, limits=Limits(), work=Work(), pages=pages)
    app = App.create_app(blocks, app_kwargs={"middleware": [guard], "lifespan": remembering(pages)})
    with TestClient(app) as client:
        asked = {"data": [], "fn_index": 0, "session_hash": "a page"}
        assert "Reload the page" in client.post(f"{API}queue/join", json=asked).json()["detail"]
        view = {"data": "", "component_id": next(iter(blocks.blocks)), "fn_name": "a", "session_hash": "a page"}
        assert "Reload the page" in client.post(f"{API}component_server", json=view).json()["detail"]
        assert not pages.session_data
        with pages.stream("testclient", "a page", is_page=True, limited=True):
            assert client.post(f"{API}queue/join", json=asked).status_code == 200


def test_a_page_that_was_just_sent_is_given_longer_to_open(monkeypatch):
    monkeypatch.setattr(gate, "OPENING_UNSEEN", 0.0)
    monkeypatch.setattr(gate, "OPENING", 0.3)
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.Button().click(lambda: None, None, None, api_visibility="private")
    waits, pages = [], Pages()

    async def waited(id, seconds):
        waits.append(seconds)
        return False

    pages.wait_until_known = waited
    guard = Middleware(Gate, limits=None, work=Work(), pages=pages)
    app = App.create_app(blocks, app_kwargs={"middleware": [guard], "lifespan": remembering(pages)})
    with TestClient(app) as client:
        asked = {"data": [], "fn_index": 0, "session_hash": "a page"}
        client.post(f"{API}queue/join", json=asked)
        client.get("/config")
        client.post(f"{API}queue/join", json=asked)
    assert waits == [0.0, 0.3]
