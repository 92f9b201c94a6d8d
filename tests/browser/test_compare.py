"""The Compare tab in Chromium: pictures side by side with one zoom, a line between two, the table as CSV."""

import csv

import pytest
from playwright.sync_api import expect

from explorer.models import registry
from explorer.ui.compare import FIRST
from tests.browser.test_journeys import choose_title

pytestmark = pytest.mark.browser
MODELS = [registry.spec(id).title for id in registry.available()[:FIRST]]


@pytest.fixture
def page(open_page):
    page = open_page()
    page.get_by_role("tab", name="Compare", exact=True).click()
    expect(page.locator(".mv")).to_have_attribute("data-ready", "yes", timeout=60_000)
    return page


def middle(canvas):
    """The colour in the middle of a canvas."""
    return canvas.evaluate("c => [...c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data].join()")


def test_pictures_maps_and_errors_stand_side_by_side_and_zoom_together(page):
    cards = page.locator(".mv-cards figure")
    expect(cards.locator("h3")).to_have_text(["Original", *MODELS, "JPEG", "WebP"])
    before = [middle(canvas) for canvas in cards.locator("canvas").all()]
    assert len(set(before)) > 1
    box = cards.nth(1).locator("canvas").bounding_box()
    cards.nth(1).locator("canvas").dblclick(position={"x": 0.2 * box["width"], "y": 0.8 * box["height"]})
    expect(page.locator(".mv")).to_have_attribute("data-zoom", "2.00")
    after = [middle(canvas) for canvas in cards.locator("canvas").all()]
    assert all(a != b for a, b in zip(before, after, strict=True))
    cards.nth(0).locator("canvas").press("0")
    expect(page.locator(".mv")).to_have_attribute("data-zoom", "1.00")
    assert [middle(canvas) for canvas in cards.locator("canvas").all()] == before

    page.locator('.mv-views [data-key="map"]').click()
    expect(cards).to_have_count(FIRST)
    page.locator('.mv-views [data-key="error"]').click()
    expect(cards).to_have_count(FIRST + 2)


def test_a_line_divides_two_pictures(page):
    page.locator('.mv-views [data-key="slider"]').click()
    line = page.locator(".mv-compare")
    box = line.bounding_box()
    line.click(position={"x": 0.9 * box["width"], "y": 50})
    expect(line).to_have_attribute("aria-valuenow", "90")
    original = middle(line)
    line.click(position={"x": 0.1 * box["width"], "y": 50})
    decoded = middle(line)
    assert original != decoded
    page.locator(".mv-right").select_option("0")
    assert middle(line) == original
    line.press("ArrowRight")
    expect(line).to_have_attribute("aria-valuenow", "12")


def test_the_table_is_saved_as_csv(page, tmp_path):
    shown = page.locator(".mv-table tbody tr")
    expect(shown).to_have_count(FIRST + 2)
    with page.expect_download() as download:
        page.locator('[data-do="csv"]').click()
    download.value.save_as(tmp_path / "compared.csv")
    rows = list(csv.DictReader((tmp_path / "compared.csv").open()))
    assert [row["title"] for row in rows] == [*MODELS, "JPEG", "WebP"]
    for i, row in enumerate(rows):
        assert f"{float(row['psnr']):.2f}" == shown.nth(i).locator("td").nth(1).inner_text()
    assert rows[0]["tokens"] == "1024" and rows[FIRST]["tokens"] == ""


def test_another_picture_is_compared_when_it_is_chosen_and_too_few_models_are_refused(page):
    first, button = page.locator(".mv-table tbody td").nth(1).inner_text(), page.locator(".mv-models button").first
    pressed = button.element_handle()
    page.locator('.eg [data-name="Coffee"]').click()
    expect(page.locator(".mv-cards figure").first.locator(".tv-fact")).to_have_text("256 × 168 px", timeout=60_000)
    expect(page.locator(".mv")).to_have_attribute("data-ready", "yes", timeout=60_000)
    assert page.locator(".mv-table tbody td").nth(1).inner_text() != first
    assert pressed.evaluate("button => button.isConnected"), "an answer took a button from under a press"
    for _ in range(FIRST - 1):
        page.locator(".mv-models button[aria-pressed=true]").first.click()
    expect(page.locator(".mv .cv-message")).to_contain_text("At least 2 models")
    page.locator(".mv-equal").check()
    expect(page.locator(".mv-cards figcaption").nth(2)).to_contain_text("codes", timeout=60_000)


def test_the_model_of_the_page_is_among_those_compared(open_page):
    title, page = registry.spec(registry.available()[-1]).title, open_page()
    choose_title(page, title)
    page.get_by_role("tab", name="Compare", exact=True).click()
    expect(page.locator(".mv-models button", has_text=title)).to_have_attribute("aria-pressed", "true", timeout=30_000)
    expect(page.locator(".mv-models button[aria-pressed=true]")).to_have_count(FIRST)
