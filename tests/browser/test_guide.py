"""The Guide walked through in Chromium: every step shows something live, links open steps, ways set the page."""

import re

import pytest
from playwright.sync_api import expect

from explorer.ui.guide_steps import STEPS

pytestmark = pytest.mark.browser

SEEN = {
    "token": ".gv-code",
    "latents": ".gv-plane",
    "lookup": "[data-code] .gv-winner",
    "gradient": '[data-difference="0"] .gv-winner',
    "losses": "[data-code]",
    "gumbel": "[data-largest] .gv-bar",
    "fsq": '[data-code="108"] .gv-sum',
    "collapse": ".ch-legend li",
    "levels": "[data-errors]",
    "prior": '.gv-pair img[src^="data:"]',
}
"""What has to appear in a step once the server has answered."""


def step(page, key):
    return page.locator(f'.gv-step:has([data-live="{key}"])')


@pytest.mark.parametrize("width", [1280, 390])
def test_the_guide_is_followed_to_the_end(open_page, width):
    page = open_page(width, 844, query="#guide=token")
    for number, (key, seen) in enumerate(SEEN.items(), 1):
        expect(page.locator(".gv")).to_have_attribute("data-step", key)
        expect(step(page, key).locator(seen).first).to_be_visible(timeout=60_000)
        expect(page.locator(".gv-step:visible")).to_have_count(1)
        expect(page.locator(".gv-place")).to_have_text(f"{number} of {len(STEPS)}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), key
        if number < len(STEPS):
            page.locator('[data-turn="1"]').click()
    expect(page.locator('[data-turn="1"]')).to_be_disabled()
    expect(page.locator(".gv-error")).to_have_count(0)


def test_what_is_live_answers(open_page):
    page = open_page(query="#guide=lookup")
    side = step(page, "lookup").locator(".gv-about")
    expect(side).to_have_attribute("data-code", re.compile(r"\d+"), timeout=60_000)
    before = side.get_attribute("data-code")
    cells = step(page, "lookup").locator("canvas")
    cells.click(position={"x": 4, "y": 4})
    expect(side).to_contain_text("row 0, column 0")
    assert side.get_attribute("data-code") != before
    cells.press("ArrowRight")
    expect(side).to_contain_text("row 0, column 1")

    page.locator('.gv-steps [data-key="fsq"]').click()
    fsq = step(page, "fsq")
    fsq.locator("input").nth(2).fill("-3")
    expect(fsq.locator(".gv-sum")).to_have_text("3 · 1 + 1 · 5 + 0 · 25 = 8: code 8 of 125", timeout=30_000)

    page.locator('.gv-steps [data-key="gumbel"]').click()
    gumbel = step(page, "gumbel")
    expect(gumbel.locator("[data-largest]")).to_be_visible(timeout=30_000)
    gumbel.locator("input").fill("1")  # the decimal logarithm of the temperature
    page.wait_for_function("document.querySelector('[data-largest]').dataset.largest < 0.3")
    gumbel.locator("input").fill("-1.5")
    page.wait_for_function("document.querySelector('[data-largest]').dataset.largest > 0.8")

    page.locator('.gv-steps [data-key="losses"]').click()
    losses = step(page, "losses")
    expect(losses.locator("[data-code]")).to_have_attribute("data-code", "3", timeout=30_000)
    losses.locator("canvas").click(position={"x": 60, "y": 250})
    expect(losses.locator("[data-code]")).to_have_attribute("data-code", "1")


def test_a_way_sets_the_model_and_the_tab(open_page):
    page = open_page(height=500, query="#guide=fsq")
    way = step(page, "fsq").locator(".gv-way button")
    way.scroll_into_view_if_needed(timeout=60_000)
    assert page.evaluate("document.querySelector('#main').getBoundingClientRect().top") < 0
    way.click()
    expect(page.locator("#main button[role=tab][aria-selected=true]").first).to_have_text("Edit")
    expect(page.locator("#model input")).to_have_value(re.compile("FSQ"), timeout=30_000)
    expect(page.locator(".ev")).to_have_attribute("data-model", "fsq.caltech_f8_1000", timeout=30_000)
    assert page.evaluate("document.querySelector('#main').getBoundingClientRect().top") >= 0, "it opens in its middle"


def test_a_way_starts_the_lab(open_page):
    page = open_page(query="#guide=gradient")
    step(page, "gradient").locator(".gv-way button").click(timeout=60_000)
    expect(page.locator("#lab-points .lb")).to_have_attribute("data-running", "yes", timeout=60_000)
    page.get_by_role("tab", name="The sweep").click()  # also where another of the lab's tabs was left open
    page.get_by_role("tab", name="Guide").click()
    step(page, "gradient").locator(".gv-way button").click()
    expect(page.locator("#lab-points .lb")).to_be_visible()


def test_all_steps_stand_on_paper(open_page):
    page = open_page(query="#guide=token")
    expect(page.locator(".gv")).to_have_attribute("data-step", "token", timeout=60_000)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    expect(page.locator(".gv-step:visible")).to_have_count(len(STEPS))
    expect(page.locator("#controls")).to_be_hidden()
    expect(page.locator(".gv-steps")).to_be_hidden()
    page.emulate_media(media="screen")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".gv-step:visible")).to_have_count(1)
