"""The Collapse lab in a real browser: a codebook collapses and is cured before one's eyes, and ends with its page."""

import json

import pytest

from explorer.services.sweep import records
from tests.browser import test_journeys

pytestmark = pytest.mark.browser
PATIENCE = 240_000
POINTS, PICTURES, SWEEP = '.lb[data-lab="points"]', '.lb[data-lab="pictures"]', ".wv"


def state(page, lab=POINTS) -> dict:
    return test_journeys.state(page, lab)


def wait(page, condition: str, lab=POINTS) -> dict:
    """Until a condition holds of d, what the lab says of itself as numbers."""
    page.wait_for_function(
        "([lab, condition]) => { const d = {...document.querySelector(lab).dataset};"
        " for (const [k, v] of Object.entries(d)) if (!Number.isNaN(Number(v))) d[k] = Number(v);"
        " return new Function('d', 'return ' + condition)(d); }",
        arg=[lab, condition],
        timeout=PATIENCE,
    )
    return state(page, lab)


def open_lab(open_page, *window, lab=POINTS, **options):
    page = open_page(*window, **options)
    tab = page.get_by_role("tab", name="Collapse lab")
    if tab.count() and tab.first.is_visible():
        tab.first.click()
    else:  # on a phone, behind the dots
        page.locator(".overflow-menu button").first.click()
        page.locator(".overflow-dropdown button", has_text="Collapse lab").click()
    if lab != POINTS:
        page.get_by_role("tab", name="On pictures" if lab == PICTURES else "The sweep").click()
    wait(page, "d.ready === 'yes'", lab)
    return page


def press(page, what, lab=POINTS):
    page.locator(f"{lab} {what}").click()


def test_a_codebook_collapses_and_is_cured_while_it_runs(open_page):
    page = open_lab(open_page)
    assert state(page)["step"] == "0" and int(state(page)["right"]) > 0, "it does not open on a prepared state"
    press(page, ".lb-run")
    wait(page, "d.step >= 60 && d.left <= 8 && d.right >= 20")
    page.locator(f"{POINTS} .lb-conclusion", has_text="The left one has collapsed").wait_for(timeout=PATIENCE)
    press(page, '[data-cure="restart"]')
    wait(page, "d.left >= 32")
    press(page, ".lb-run")
    wait(page, "d.running === 'no'")
    page.wait_for_timeout(300)
    at = int(state(page)["step"])
    page.wait_for_timeout(500)
    assert int(state(page)["step"]) == at, "it does not pause"
    press(page, '[data-do="step"]')
    wait(page, f"d.step === {at + 1}")
    press(page, '[data-do="reset"]')
    wait(page, "d.step === 0 && d.running === 'no'")
    wanted = json.dumps({"lab": "points", "plan": {"data": "ring"}, "beside": "l2", "run": True})
    page.evaluate("(wanted) => dispatchEvent(new CustomEvent('explorer-lab', {detail: wanted}))", wanted)
    wait(page, "d.data === 'ring' && d.step > 0 && d.running === 'yes'")
    assert "l2" in page.locator(f'{POINTS} [data-side="right"] .lb-name').inner_text()


def test_two_pages_have_runs_of_their_own_and_a_closed_one_trains_no_more(open_page):
    first, second = open_lab(open_page), open_lab(open_page)
    press(first, ".lb-run")
    wait(first, "d.step > 0")
    assert state(second)["step"] == "0"
    second.locator(f"{POINTS} .lb-seed").fill("7")
    second.locator(f"{POINTS} .lb-seed").press("Enter")
    second.locator(f"{POINTS} .lb-run").press("Enter")
    wait(second, "d.step > 0 && d.training === 2")
    first.close()
    wait(second, "d.training === 1")


def test_points_are_drawn_on_a_phone(open_page):
    page = open_lab(open_page, 390, 844, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.locator(f"{POINTS} .lb-datas button", has_text="draw").tap()
    pad = page.locator(f"{POINTS} .lb-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    for share in (0.2, 0.5, 0.8):
        page.touchscreen.tap(box["x"] + share * box["width"], box["y"] + share * box["height"])
    pad.press("ArrowLeft")
    pad.press("Space")
    assert "12 points" in page.locator(f"{POINTS} .lb-drawn").inner_text()
    page.locator(f'{POINTS} [data-do="use"]').tap()
    wait(page, "d.data === 'drawn' && d.step === 0")
    press(page, '[data-do="step"]')
    wait(page, "d.step === 1")


def test_pictures_come_back_from_codes(open_page):
    page = open_lab(open_page, lab=PICTURES)
    strip = page.locator(f'{PICTURES} [data-side="left"] [data-figure="pictures"] canvas')
    before = strip.evaluate("c => c.toDataURL()")
    press(page, ".lb-run", PICTURES)
    wait(page, "d.step >= 20 && d.left < 32 && d.right > d.left", PICTURES)
    assert strip.evaluate("c => c.toDataURL()") != before


def test_every_point_of_the_sweep_opens_its_run(open_page):
    page, runs = open_lab(open_page, lab=SWEEP), records()
    told, chart = page.locator(".wv-told"), page.locator('.wv-chart[data-of="used"]')
    for run in runs:
        chart.press("ArrowRight")
        assert state(page, SWEEP)["run"] == f"{run['family']}/{run['size']}/{run['seed']}"
        assert f"{run['held_out']['used']:,} of {run['size']:,} used" in told.inner_text()
        assert page.locator(".wv-curves canvas").count() == 3
    # The largest codebook of plain VQ, pointed at: its dot is the only one in the chart's lower right.
    largest = max((run for run in runs if run["family"] == "vq"), key=lambda run: run["size"])
    box = chart.bounding_box()
    for x, y in ((x, y) for x in range(74, 92, 2) for y in range(50, 90, 3)):
        page.mouse.move(box["x"] + box["width"] * x / 100, box["y"] + box["height"] * y / 100)
        if chart.evaluate("c => c.style.cursor") == "pointer":
            break
    page.mouse.down()
    page.mouse.up()
    assert state(page, SWEEP)["run"] == f"vq/{largest['size']}/{largest['seed']}"
