"""The program as it is started: its health, what of the machine it hands out, and how it stops."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

import explorer
from explorer.bench.servers import ROOT, answer, app_command, free_port
from tests.bad_pictures import encoded, photo

MODEL = explorer.available()[0]
SET_BY_IT = ("FORWARDED_ALLOW_IPS", "SPACE_ID", "HF_HUB_DISABLE_TELEMETRY", "GRADIO_ANALYTICS_ENABLED")


def request(url: str, body: dict | None = None, address: str = "", **headers: str) -> tuple[int, bytes]:
    """(status, answer); address: where a proxy on this machine, which is believed, says that it comes from."""
    headers |= {"Content-Type": "application/json"} | ({"X-Forwarded-For": address} if address else {})
    data = json.dumps(body).encode() if body is not None else None
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as found:
            return found.status, found.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def upload(url: str, name: str, contents: bytes, address: str = "") -> str:
    """The path that the server gave an uploaded file."""
    mark = "--------mark"
    head = f'--{mark}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={mark}"} | (
        {"X-Forwarded-For": address} if address else {}
    )
    asked = urllib.request.Request(
        f"{url}/gradio_api/upload", head + contents + f"\r\n--{mark}--\r\n".encode(), headers
    )
    with urllib.request.urlopen(asked, timeout=60) as found:
        return json.load(found)[0]


@pytest.mark.parametrize(
    ("space", "proxy", "believed"),
    [
        ({"SPACE_ID": "name/space"}, "10.20.30.40", "203.0.113.9"),
        ({"SPACE_ID": "name/space"}, "198.51.100.7", "198.51.100.7"),
        ({}, "10.20.30.40", "10.20.30.40"),
    ],
)
def test_who_asks_is_told_by_the_proxy_of_a_space_and_by_nobody_else(space, proxy, believed):
    program = "import app, json, os; print(json.dumps(dict(os.environ)))"
    started = {name: value for name, value in os.environ.items() if name not in SET_BY_IT}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=started | space, capture_output=True, text=True, check=True)
    set_by_it = json.loads(done.stdout)
    assert set_by_it["HF_HUB_DISABLE_TELEMETRY"] == "1" and set_by_it["GRADIO_ANALYTICS_ENABLED"] == "False"

    async def client_of(request):
        return PlainTextResponse(request.client.host)

    trusted = set_by_it.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")  # as uvicorn takes it
    asked = TestClient(ProxyHeadersMiddleware(Starlette(routes=[Route("/", client_of)]), trusted), client=(proxy, 1))
    forged = {"X-Forwarded-For": "192.0.2.66, 203.0.113.9, 10.9.9.9"}  # the visitor wrote the first
    assert asked.get("/", headers=forged).text == believed


def test_health(app_url):
    deadline = time.monotonic() + 120
    while (status := request(f"{app_url}/health"))[0] == 503 and time.monotonic() < deadline:
        assert json.loads(status[1])["ready"] is False
        time.sleep(0.2)
    assert status[0] == 200
    found = json.loads(status[1])
    assert found.pop("sessions") >= 0
    assert found == {"version": explorer.__version__, "models": explorer.available(), "ready": True}


@pytest.mark.parametrize(
    "file", ["/etc/passwd", "app.py", f"{ROOT}/app.py", f"{ROOT}/checkpoints/{MODEL}/config.json", "/proc/self/environ"]
)
def test_no_file_of_the_machine_is_handed_out(app_url, file):
    ways = [f"gradio_api/file={file}", f"file={file}", f"gradio_api/file/{file}", f"static/..%2f..{file}"]
    ways += [f"assets/%2e%2e/%2e%2e/%2e%2e{file}", f"svelte/..%2f..%2f..%2f..{file}", f"gradio_api/proxy={file}"]
    for way in ways:
        status, found = request(f"{app_url}/{way}")
        assert 400 <= status < 500 and b"root:" not in found and b"argparse" not in found, way
    named = {"path": file, "meta": {"_type": "gradio.FileData"}}
    for endpoint, data in [("encode", [MODEL, named, 256, "whole"]), ("usage", [MODEL, [named], 256, "square"])]:
        status, found = request(f"{app_url}/gradio_api/call/{endpoint}", {"data": data})
        assert status == 403 and b"not uploaded from here" in found and file.encode() not in found


def test_an_upload_is_handed_out_to_nobody_else(app_url):
    path = upload(app_url, "mine.png", b"my picture", "203.0.113.9")
    assert request(f"{app_url}/gradio_api/file={path}", address="203.0.113.9") == (200, b"my picture")
    assert request(f"{app_url}/gradio_api/file={path}", address="203.0.113.10")[0] == 403


def test_it_stops_when_what_was_begun_is_done_and_leaves_nothing(tmp_path):
    port, log = free_port(), tmp_path / "log"
    environment = {name: value for name, value in os.environ.items() if name != "GRADIO_TEMP_DIR"}
    environment |= {"TMPDIR": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    with log.open("w") as out:
        command = [*app_command(port), "--log-requests"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        answer(f"{url}/health")
        assert Path(upload(url, "left.png", b"left")).is_relative_to(tmp_path)
        image = "data:image/png;base64," + base64.b64encode(encoded(photo(), "PNG")).decode()
        given = {"url": image, "meta": {"_type": "gradio.FileData"}}
        body = {"data": [MODEL, given, 768, "whole"]}
        events = [json.loads(request(f"{url}/gradio_api/call/encode", body)[1])["event_id"] for _ in range(4)]
        process.send_signal(signal.SIGTERM)
        streams = [urllib.request.urlopen(f"{url}/gradio_api/call/encode/{event}", timeout=60) for event in events]
        assert all(b"event: complete" in stream.read() for stream in streams)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("codebook-explorer")] == []
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert [line["status"] for line in lines if line["route"] == "/gradio_api/call/encode" and line["method"] == "POST"]
    assert "127.0.0.1" not in json.dumps(lines) and "left.png" not in log.read_text()
