"""Sharing in Chromium: a link opens the same page elsewhere, a file too, a report opens without the app."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.bad_pictures import photo

pytestmark = pytest.mark.browser
TAB = "#main button[role=tab][aria-selected=true]"


def shown(page):
    return page.locator("#token-view .tv")


def open_link(page, open_page):
    page.locator('.sv [data-do="link"]').click()
    expect(page.locator(".sv")).to_have_attribute("data-link", re.compile("#page="))
    return open_page(query=page.locator(".sv").get_attribute("data-link").split("/", 3)[3])


def test_a_link_opens_model_picture_size_tab_and_code(open_page):
    page = open_page()
    page.locator('.eg [data-name="Coffee"]').click()
    expect(page.locator("#token-view .tv-fact").first).to_have_text("256 × 168", timeout=30_000)
    page.locator("#size label", has_text="128").click()
    expect(page.locator("#token-view .tv-fact").first).to_have_text("128 × 88", timeout=30_000)
    page.get_by_role("tab", name="Codebook", exact=True).click()
    expect(page.locator(".cv")).to_have_attribute("data-ready", "yes", timeout=60_000)
    page.locator(".cv-goto").fill("123")
    page.locator(".cv-goto").press("Enter")
    expect(page.locator(".cv")).to_have_attribute("data-chosen", "123")
    other = open_link(page, open_page)
    expect(other.locator(TAB).first).to_have_text("Codebook")
    expect(other.locator('.eg [aria-pressed="true"]')).to_have_attribute("data-name", "Coffee", timeout=30_000)
    expect(other.locator("#size input:checked")).to_have_value("128")
    expect(other.locator(".cv")).to_have_attribute("data-chosen", "123", timeout=60_000)
    other.get_by_role("tab", name="Tokenize", exact=True).click()
    expect(other.locator("#token-view .tv-fact").first).to_have_text("128 × 88")
    assert "#page" not in other.url


def test_a_picture_of_ones_own_travels_by_its_codes(open_page, tmp_path):
    photo().resize((96, 64)).save(tmp_path / "mine.png")
    page = open_page()
    page.locator("#drop input[type=file]").set_input_files(tmp_path / "mine.png")
    expect(page.locator("#token-view .tv-fact").first).to_have_text("256 × 168", timeout=30_000)
    picture = shown(page).locator('[data-figure="reconstruction"] canvas').evaluate("c => c.toDataURL()")
    other = open_link(page, open_page)
    expect(other.locator("#token-view .tv-fact").nth(1)).to_contain_text("21 × 32", timeout=30_000)
    expect(other.locator("#token-view .tv-empty").first).to_be_visible()
    assert shown(other).locator('[data-figure="reconstruction"] canvas').evaluate("c => c.toDataURL()") == picture
    expect(page.locator(".sv-message")).to_contain_text("not the picture")
    other.get_by_role("tab", name="Compare", exact=True).click()
    expect(other.locator(".mv-caption")).to_contain_text("not the picture itself")
    expect(other.locator("#rate")).to_be_hidden()

    with page.expect_download() as download:
        page.locator('.sv [data-do="file"]').click()
    download.value.save_as(tmp_path / "mine.page.json")
    assert json.loads((tmp_path / "mine.page.json").read_text())["name"] == "mine"
    fresh = open_page()
    with fresh.expect_file_chooser() as chooser:
        fresh.locator("#load-codes").click()
    chooser.value.set_files(tmp_path / "mine.page.json")
    expect(fresh.locator("#token-view .tv-fact").nth(1)).to_contain_text("21 × 32", timeout=30_000)


def test_a_damaged_link_is_said_and_the_page_stays(open_page):
    page = open_page(query="#page=nonsense")
    expect(page.locator(".sv-message")).to_contain_text("damaged")
    expect(page.locator('.eg [aria-pressed="true"]')).to_have_attribute("data-name", "Astronaut")


def test_a_report_opens_offline_and_is_hovered(open_page, chromium, tmp_path):
    page = open_page()
    page.get_by_role("tab", name="Compare", exact=True).click()
    expect(page.locator(".mv")).to_have_attribute("data-ready", "yes", timeout=60_000)
    with page.expect_download() as download:
        page.locator('.sv [data-do="report"]').click()
    download.value.save_as(tmp_path / "report.html")
    context = chromium.new_context(offline=True)
    try:
        report, errors = context.new_page(), []
        report.on("pageerror", lambda error: errors.append(str(error)))
        report.on("requestfailed", lambda request: errors.append(request.url))
        report.goto((tmp_path / "report.html").as_uri())
        expect(report.locator("#pictures figure h3")).to_have_text(["Original", "Token map", "Reconstruction", "Error"])
        report.locator("#pictures canvas").nth(1).hover(position={"x": 3, "y": 3})
        expect(report.locator("#told")).to_have_text(re.compile(r"row 0, column 0: code \d+, \d+ times"))
        expect(report.locator("table").last).to_contain_text("WebP")
        report.set_viewport_size({"width": 390, "height": 844})
        assert report.evaluate("document.documentElement.scrollWidth") <= 390, "a phone scrolls the report sideways"
        assert not errors
    finally:
        context.close()
