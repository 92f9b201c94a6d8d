"""What is asked for last is what is shown, whatever arrives late or out of turn."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from explorer.core.images import encode_file
from explorer.models import registry
from tests.browser.test_journeys import MODELS, canvas, choose_model, choose_title, middle_of, state, wait_for
from tests.conftest import WITHOUT_CODES

pytestmark = pytest.mark.browser


def open_tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()


def test_of_two_quick_choices_the_second_is_shown(open_page):
    page = open_page()
    for name in ("Cat", "Coffee"):
        page.locator(f'.eg [data-name="{name}"]').click()
    wait_for(page, picture="Coffee")
    for id in MODELS[1:3]:
        choose_title(page, registry.spec(id).title)
    wait_for(page, model=MODELS[2])
    expect(page.locator('.eg [aria-pressed="true"]')).to_have_attribute("data-name", "Coffee")


def test_colours_stay_those_that_were_chosen_when_the_model_changes(open_page):
    page = open_page()
    page.locator(".tv-modes button", has_text="rarity").click()
    choose_model(page, MODELS[1])
    expect(page.locator(".tv-modes button", has_text="rarity")).to_have_attribute("aria-checked", "true")
    expect(page.locator(".tv-legend-high").first).to_contain_text("bits")


@pytest.mark.parametrize("id", WITHOUT_CODES)
def test_a_pinned_cell_does_not_outlive_its_grid(open_page, id):
    page = open_page()
    canvas(page).click(position=middle_of(page, 3, 4, (32, 32)))
    wait_for(page, pinned="3,4")
    page.mouse.move(2, 2)
    choose_model(page, id)
    wait_for(page, pinned="")
    expect(page.locator("#token-view .tv-tip")).to_be_hidden()


def test_two_pictures_stay_apart_when_the_others_arrive_after_them(open_page):
    page = open_page(height=650)
    open_tab(page, "Compare")
    page.locator(".mv-views button", has_text="before / after").click()
    expect(page.locator(".mv")).to_have_attribute("data-ready", "yes", timeout=60_000)
    page.locator('.eg [data-name="Cat"]').click()
    expect(page.locator(".mv-left")).to_contain_text("256 × 168 px", timeout=60_000)
    expect(page.locator(".mv")).to_have_attribute("data-ready", "yes", timeout=60_000)
    assert [page.locator(f".mv-{side}").input_value() for side in ("left", "right")] == ["0", "1"]
    box = page.locator(".mv-compare").bounding_box()
    assert box["width"] / box["height"] == pytest.approx(256 / 168, rel=0.01)


def test_pictures_that_are_being_counted_do_not_paint_over_what_is_asked_next(open_page):
    page, random = open_page(), np.random.default_rng(0)
    open_tab(page, "Codebook")
    expect(page.locator("#usage-figures")).to_contain_text("751,616 tokens", timeout=30_000)
    page.locator("#usage-source").get_by_text("My pictures").click()
    files = [
        {
            "name": f"{i}.png",
            "mimeType": "image/png",
            "buffer": encode_file(random.integers(0, 256, (256, 256, 3), "u1")),
        }
        for i in range(40)
    ]
    page.set_input_files("#usage-files input[type=file]", files)
    expect(page.locator("#usage-figures")).to_contain_text(re.compile(r"tokens of \d+ pictures"), timeout=30_000)
    page.locator("#usage-source").get_by_text("Held-out pictures").click()
    expect(page.locator("#usage-figures")).to_contain_text("751,616 tokens", timeout=30_000)
    page.wait_for_timeout(2_000)
    expect(page.locator("#usage-figures")).to_contain_text("751,616 tokens")


def test_a_code_chosen_before_edit_was_ever_opened_is_the_one_it_opens_with(open_page):
    page = open_page()
    open_tab(page, "Codebook")
    page.locator(".cv-table tbody button").nth(3).click()
    code = state(page, ".cv")["chosen"]
    page.get_by_role("button", name="Use in Edit").click()
    expect(page.locator(".ev-palette-fact")).to_contain_text(f"nearest to {int(code):,}", timeout=30_000)
    assert page.locator(".ev-code").input_value() == code
