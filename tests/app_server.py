"""The app as a user starts it: `python app.py` in a process of its own, on a free port."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE = 120
"""Seconds until a start counts as failed."""


@contextlib.contextmanager
def running_app(*options: str):
    """The address of a freshly started app; it is stopped on leaving."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "app.py", "--device", "cpu", "--host", "127.0.0.1", "--port", str(port), *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                urllib.request.urlopen(url, timeout=5).read()
                break
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise RuntimeError("the app did not start:\n" + process.communicate()[0][-3000:])
            time.sleep(0.1)
        yield url
        assert process.poll() is None, "the app died:\n" + process.communicate()[0][-3000:]
    finally:
        process.kill()
        process.communicate()
