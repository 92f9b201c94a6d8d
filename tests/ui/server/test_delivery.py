"""Delivery: pages travel compressed, browsers keep what never changes and run nothing that is not the page's."""

import gzip
import re

import httpx
import pytest

from explorer.ui.server.delivery import FOREVER, HASHED
from tests.attack.intruder import GRADIO, Intruder

GZIP = {"Accept-Encoding": "gzip"}


@pytest.mark.parametrize("path", ["/", "/config"])
def test_the_page_travels_compressed(app_url, path):
    with httpx.stream("GET", app_url + path, headers=GZIP) as reply:
        packed = b"".join(reply.iter_raw())
    assert reply.headers["content-encoding"] == "gzip"
    assert len(packed) < 0.6 * len(gzip.decompress(packed))


def test_what_never_changes_is_kept_and_the_page_is_not(app_url):
    page = httpx.get(app_url)
    scripts = [path.removeprefix(".") for path in re.findall(r'src="(\.?/assets/[^"]+\.js)"', page.text)]
    assert scripts and all(HASHED.match(path) for path in scripts)
    assert {httpx.get(app_url + path).headers["cache-control"] for path in scripts} == {FOREVER}
    assert "cache-control" not in page.headers
    assert httpx.get(f"{app_url}/assets/nothing-AbCd1234.js").headers.get("cache-control") != FOREVER


@pytest.mark.parametrize("path", ["/", "/config", "/health", f"{GRADIO}/info", "/nothing", "/assets/nothing.js"])
def test_no_answer_is_taken_for_another_kind(app_url, path):
    reply = httpx.get(app_url + path)
    assert reply.headers["x-content-type-options"] == "nosniff" and reply.headers["referrer-policy"] == "same-origin"


def test_the_page_runs_and_shows_only_what_comes_from_here(app_url):
    policy = httpx.get(app_url).headers["content-security-policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == "'self'" and parts["object-src"] == "'none'" and parts["base-uri"] == "'self'"
    assert "http" not in policy, "only a Space names other sites"


def test_an_upload_is_shown_and_never_run(app_url):
    intruder = Intruder(app_url)
    path = intruder.upload(b"<script>alert(1)</script>", "page.html")
    reply = intruder.http.get(f"{GRADIO}/file={path}")
    assert reply.status_code == 200 and "sandbox" in reply.headers["content-security-policy"]
    assert "default-src 'none'" in reply.headers["content-security-policy"]
