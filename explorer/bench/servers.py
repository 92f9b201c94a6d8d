"""Servers in processes of their own: the app as it is started by hand, and a bare gradio page as its peer."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 180.0
"""Seconds until a start counts as failed."""

BARE = """
import sys
import gradio as gr
import torch
with gr.Blocks(analytics_enabled=False) as page:
    gr.Markdown("a bare page")
    if sys.argv[2:] == ["event"]:
        def nothing() -> None: ...
        gr.api(nothing, api_name="nothing")
page.queue().launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), ssr_mode=False, run_history=False,
                    enable_monitoring=False, quiet=True)
"""
"""The peer: one Markdown, torch imported, launched with the app's settings; with "event", a queued no-op too."""

APP, BARE_PAGE = "data:image/png;base64,", "a bare page"
"""What the page's config contains once its first picture, or text, is in it."""


def app_command(port: int) -> list[str]:
    return [sys.executable, "app.py", "--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]


def bare_command(port: int, *options: str) -> list[str]:
    return [sys.executable, "-c", BARE, str(port), *options]


@dataclass(frozen=True)
class Server:
    """url: its address. process: the number of its process."""

    url: str
    process: int


@contextlib.contextmanager
def started(command: list[str], port: int, **environment: str) -> Iterator[Server]:
    """A server just launched, not yet answering; it is stopped on leaving."""
    environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", **environment}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield Server(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answer(url: str, containing: str = "") -> None:
    """Wait for HTTP 200 with a text in it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        refused = contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError)
        with refused, urllib.request.urlopen(url, timeout=10) as response:
            if response.status == 200 and containing in response.read().decode():
                return
        time.sleep(0.02)
    raise RuntimeError(f"{url} did not answer within {PATIENCE:.0f} s.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
