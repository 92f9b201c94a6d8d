"""Texts from outside in Chromium: wherever they are shown, HTML in them stays text."""

import base64
import io
import json
import sys
import zlib

import pytest
from PIL import Image
from playwright.sync_api import expect

from explorer.bench.servers import answer, free_port, started
from tests.bad_pictures import photo
from tests.browser.conftest import pages_of
from tests.browser.test_journeys import choose_title
from tests.tiny_app import HTML

pytestmark = pytest.mark.browser
GRID = {"grid": [4, 4], "codes": [[0, 1, 2, 3]] * 4}
PAGE = {"codebook_explorer_page": 1, "model": "tiny.gumbel", "revision": "", "name": "x", "size": 256, "how": "whole"}
MADE_OF_IT = """() => [...document.querySelectorAll("a, img")].filter((part) => /^https:..example\\.com|^x$/.test(
  part.getAttribute("href") ?? part.getAttribute("xlink:href") ?? part.getAttribute("src") ?? "")).length"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The address of an app with a model whose texts are HTML."""
    folder, port = tmp_path_factory.mktemp("tiny_app"), free_port()
    command = [sys.executable, "-m", "tests.tiny_app", "--port", str(port), "--folder", str(folder)]
    with started(command, port) as server:
        answer(server.url)
        yield server.url


@pytest.fixture
def open_page(chromium, url):
    with pages_of(chromium, url) as open:
        yield open


def check_harmless(page):
    assert page.evaluate(MADE_OF_IT) == 0, "a text became a link or a picture"
    assert page.evaluate("window.hostile") is None, "a text became a program"


def check_toast(page, *words):
    toast = page.get_by_test_id("toast-text")
    for one in words:
        toast = toast.filter(has_text=one)
    expect(toast.first).to_be_visible(timeout=30_000)
    assert page.get_by_test_id("toast-text").locator("*").count() == 0, toast.first.inner_html()
    check_harmless(page)


def check_report(page, chromium, file):
    """The report of what a page shows, opened without a network."""
    with page.expect_download() as download:
        page.locator('.sv [data-do="report"]').click()
    download.value.save_as(file)
    context = chromium.new_context(offline=True)
    try:
        report = context.new_page()
        report.goto(file.as_uri())
        expect(report.locator("h1")).to_contain_text('<a href="https://example.com">log in again</a>')
        check_harmless(report)
    finally:
        context.close()


def link(**changes):
    squeeze = zlib.compressobj(wbits=-15)
    data = squeeze.compress(json.dumps({**PAGE, **changes}).encode()) + squeeze.flush()
    return f"#page={base64.urlsafe_b64encode(data).decode().rstrip('=')}"


def test_a_model_in_a_link(open_page):
    check_toast(open_page(query=link(model=HTML)), '<a href="https://example.com">log in again</a>')


def test_an_example_in_a_link(open_page):
    check_toast(open_page(query=link(name=HTML)), "There is no example", "<a href")


def test_a_codes_file(open_page, tmp_path):
    for change, words in [
        ({"model": HTML}, "There is no model '<a href="),
        ({"levels": {HTML: GRID}}, 'These codes have the levels <a href="'),
        ({"image_size": HTML}, "not '<a href="),
    ]:
        (tmp_path / "codes.json").write_text(json.dumps({"model": "tiny.gumbel", "levels": {"codes": GRID}, **change}))
        page = open_page()
        page.set_input_files('input[type=file][accept*="npz"]', tmp_path / "codes.json")
        check_toast(page, words)


def test_a_name_of_a_shared_picture(open_page, chromium, tmp_path):
    page = open_page(query=link(name=HTML, codes={"model": "tiny.gumbel", "levels": {"codes": GRID}}))
    expect(page.locator("#token-view .tv-fact").first).to_have_text("32 × 32", timeout=30_000)
    check_harmless(page)
    check_report(page, chromium, tmp_path / "report.html")


def test_a_name_of_an_upload(open_page, tmp_path):
    picture, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    photo().save(picture, "jpeg", exif=exif)
    page = open_page()
    file = {"name": "<a href=example.com>log in<img src=x>.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()}
    page.locator("#drop input[type=file]").set_input_files(file)
    check_toast(page, "log in", "turned upright")


def test_what_a_config_says(open_page, chromium, tmp_path):
    page = open_page()
    choose_title(page, HTML)
    expect(page.locator("#facts dd", has_text="log in again").first).to_be_visible(timeout=30_000)
    check_harmless(page)
    for tab, ready in (("Edit", ".ev"), ("Codebook", '.cv[data-ready="yes"]'), ("Compare", '.mv[data-ready="yes"]')):
        page.get_by_role("tab", name=tab, exact=True).click()
        page.locator(ready).wait_for(timeout=60_000)
        check_harmless(page)
    page.locator('.mv button[data-model="tiny.hostile"]').click()
    page.locator("#rate .legendtext", has_text="log in again").wait_for(timeout=60_000)
    check_harmless(page)
    check_report(page, chromium, tmp_path / "report.html")
