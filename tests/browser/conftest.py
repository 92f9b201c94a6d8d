"""A headless Chromium that notes every request which leaves this machine, and every error of the page."""

import contextlib
import os
import shutil

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium():
    """The browser; its absence skips the tests, or fails them where REQUIRE_BROWSER=1 says it must be there."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("REQUIRE_BROWSER=1, but Chromium or playwright is missing")
        pytest.skip("needs Chromium and playwright")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, app_url):
    """Opens the app in a new browser session: open_page(width, height, query, **context options) -> Page."""
    with pages_of(chromium, app_url) as open:
        yield open


@contextlib.contextmanager
def pages_of(chromium, app_url):
    """`open_page` for the app at an address; its pages may not fail, nor ask for anything from elsewhere."""
    contexts, outside, errors = [], [], []

    def open(width=1440, height=900, query="", **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda told: errors.append(told.text) if "Content Security Policy" in told.text else None)
        page.on(
            "request",
            lambda request: (
                outside.append(request.url) if not request.url.startswith((app_url, "data:", "blob:")) else None
            ),
        )
        page.goto(f"{app_url}/{query}")
        page.wait_for_selector('.tv[data-ready="yes"]:visible', timeout=30_000)
        return page

    try:
        yield open
    finally:
        for context in contexts:
            context.close()
    assert not outside, f"requests left this machine: {outside}"
    assert not errors, f"errors in the page: {errors}"
