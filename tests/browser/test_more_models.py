"""More models, as a person finds them: what is said before a download, offline, when it is cancelled, and after it."""

import threading
import time

import pytest

from explorer.adapters.catalogue import entries
from explorer.bench.servers import free_port
from explorer.core.errors import DownloadError
from explorer.models import registry
from explorer.services.model_store import ModelStore
from explorer.ui import more_models
from explorer.ui.app import build_app, launch_options
from explorer.ui.context import AppContext
from tests.browser.conftest import pages_of
from tests.browser.test_journeys import choose_title
from tests.published import ABSENT, TITOK, catalogue, downloaded, id_of  # noqa: F401


@pytest.fixture(scope="module")
def hub_url(downloaded):  # noqa: F811
    app = build_app(AppContext(ModelStore("cpu"), tuple(registry.available())))
    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, server_port=free_port(), **launch_options())
    yield url.rstrip("/")
    app.close()


@pytest.fixture
def page(chromium, hub_url):
    with pages_of(chromium, hub_url) as open_page:
        page = open_page(1280, 1000)
        page.locator("#more-models > button").first.click()
        page.locator("#hub-entry input").click()
        page.get_by_role("option", name="Absent").click()
        page.wait_for_selector("#hub-card dl")
        yield page


def shown_model(page):
    return page.locator("#token-view .tv").get_attribute("data-model")


def test_size_and_licence_stand_there_before_and_offline_is_said_within_five_seconds(page, monkeypatch):
    card, found = page.locator("#hub-card"), catalogue()[ABSENT]
    assert "12 MB" in card.inner_text() and "stride 8 px" in card.inner_text()
    assert card.get_by_role("link", name=found.licence).get_attribute("href") == found.licence_link
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    before = shown_model(page)
    page.locator("#hub-download").click()
    page.wait_for_selector("#hub-status:has-text('reached from here')", timeout=5000)
    page.locator('#examples [data-name="Coffee"]').click()
    page.wait_for_selector('#token-view .tv[data-picture="Coffee"]')
    assert shown_model(page) == before


def test_a_download_shows_how_far_it_is_and_is_cancelled(page, monkeypatch):
    ended = threading.Event()

    def endless(entry, progress, cancelled):
        while not cancelled():
            progress("a.safetensors", 3_000_000, 12_000_000)
            time.sleep(0.02)
        ended.set()
        raise DownloadError("cancelled")

    monkeypatch.setattr(more_models, "download", endless)
    page.locator("#hub-download").click()
    page.wait_for_selector("#hub-status:has-text('3 MB of 12 MB') progress[value]")
    page.locator("#hub-cancel").click()
    page.wait_for_selector("#hub-status:has-text('Cancelled')")
    page.wait_for_selector("#hub-cancel", state="hidden")
    assert ended.wait(5) and shown_model(page) == registry.available()[0]


def test_a_downloaded_model_is_the_pages_model_in_every_tab(page):
    choose_title(page, f"{entries()[id_of(TITOK)].title} · Hub")
    page.wait_for_selector(f'#token-view .tv[data-model="{id_of(TITOK)}"]')
    assert "laid out here in reading order" in page.locator("#token-view .tv-codes-caption").inner_text()
    page.get_by_role("tab", name="Edit").click()
    page.wait_for_selector(f'.ev[data-ready="yes"][data-model="{id_of(TITOK)}"]')
    page.locator('.ev [data-figure="codes"] canvas').click(position={"x": 20, "y": 20})
    page.locator(".ev-palette button").nth(1).click()
    page.wait_for_selector('.ev[data-steps="1/1"][data-busy="no"]')
    page.get_by_role("tab", name="Compare").click()
    page.wait_for_selector(f'.mv-models [data-model="{id_of(TITOK)}"]')
