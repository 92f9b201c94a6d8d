"""What people do, in a real browser: open, upload, point, click, switch, save, load, and do it all wrong."""

import json

import numpy as np
import pytest

import explorer
from explorer.core.images import encode_file, fit, read_picture, to_bytes, to_unit
from explorer.models import registry
from explorer.services.reference import golden
from tests.bad_pictures import phone_photo, photo, refused
from tests.conftest import WITHOUT_CODES

pytestmark = pytest.mark.browser
MODELS = explorer.available()
PATIENCE = 30_000


def state(page, view="#token-view .tv") -> dict:
    return page.evaluate("(view) => ({...document.querySelector(view).dataset})", view)


def wait_for(page, view="#token-view .tv", **wanted):
    page.wait_for_function(
        "([view, wanted]) => Object.entries(wanted).every(([k, v]) => document.querySelector(view)?.dataset[k] === v)",
        arg=[view, wanted],
        timeout=PATIENCE,
    )


def canvas(page, figure="codes"):
    return page.locator(f'[data-figure="{figure}"] canvas')


def middle_of(page, row, column, grid, figure="codes"):
    """The position of a cell's centre on a figure, for hover and click."""
    box = canvas(page, figure).bounding_box()
    return {"x": (column + 0.5) * box["width"] / grid[1], "y": (row + 0.5) * box["height"] / grid[0]}


def upload(page, name, data):
    page.set_input_files("#drop input[type=file]", {"name": name, "mimeType": "image/png", "buffer": data})


def choose_title(page, title):
    """Choose a model by its title in the list, and go on at once."""
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name=title, exact=True).click()


def choose_model(page, id):
    """Choose a shipped model, and wait until its codes are shown."""
    choose_title(page, registry.spec(id).title)
    wait_for(page, model=id)


def choose_size(page, size):
    page.locator("#size").get_by_text(str(size), exact=True).click()


def codes_of(id, data, size=256):
    pixels = fit(read_picture(data).pixels, size)
    return explorer.load(id, "cpu").encode(to_unit(pixels)[None]).codes["codes"][0]


def test_the_page_opens_with_a_tokenized_picture(open_page):
    page = open_page()
    assert state(page)["model"] == MODELS[0] and state(page)["grid"] == "32x32"
    assert page.locator(".tv-measures > div").count() == 6
    assert "1,024 tokens" in page.locator(".tv-sentence").inner_text()
    colours = canvas(page).evaluate(
        "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size"
    )
    assert colours > 100, "the token map shows hardly any colour"


def test_pointing_at_a_cell_tells_its_code_and_lights_it_everywhere(open_page):
    page = open_page()
    codes = golden(MODELS[0]).codes["codes"][0]
    before = canvas(page, "original").evaluate("c => c.toDataURL()")
    canvas(page).hover(position=middle_of(page, 9, 17, (32, 32)))
    wait_for(page, cell="9,17", code=str(codes[9, 17]))
    tip = page.locator(".tv-tip").inner_text()
    assert f"code {codes[9, 17]:,}" in tip and "row 9, column 17" in tip
    assert "of 1,024" in tip and "reference set" in tip and "runner-up" in tip
    page.wait_for_timeout(100)
    assert canvas(page, "original").evaluate("c => c.toDataURL()") != before, "the original does not light up"
    canvas(page, "reconstruction").hover(position=middle_of(page, 20, 3, (32, 32)))
    wait_for(page, cell="20,3", code=str(codes[20, 3]))


def test_an_uploaded_phone_photo_is_upright_not_square_and_read_exactly(open_page):
    page = open_page()
    data = phone_photo((1600, 1200))
    upload(page, "phone.jpg", data)
    wait_for(page, picture="phone", grid="32x24")
    codes = codes_of(MODELS[0], data)
    for row, column in [(0, 0), (31, 23), (31, 0), (13, 7)]:
        canvas(page).hover(position=middle_of(page, row, column, (32, 24)))
        wait_for(page, cell=f"{row},{column}", code=str(codes[row, column]))
    assert "turned upright" in page.locator(".toast-body").first.inner_text()


@pytest.mark.parametrize("window", [(1680, 1000), (1024, 768), (390, 844)])
def test_clicks_land_on_the_cell_under_them_at_every_size(open_page, window):
    page = open_page(*window)
    rng = np.random.default_rng(window[0])
    for row, column in [(0, 0), (0, 31), (31, 31), *rng.integers(0, 32, (6, 2)).tolist()]:
        for figure in ("original", "codes"):
            page.keyboard.press("Escape")
            canvas(page, figure).click(position=middle_of(page, row, column, (32, 32), figure))
            wait_for(page, pinned=f"{row},{column}")
            canvas(page, figure).click(position=middle_of(page, row, column, (32, 32), figure))
            wait_for(page, pinned="")


def test_zoomed_in_clicks_are_exact_too(open_page):
    page = open_page()
    canvas(page).dblclick(position=middle_of(page, 8, 8, (32, 32)))  # doubles the zoom around that point
    box = canvas(page).bounding_box()
    size = box["width"] / 16
    canvas(page).click(position={"x": (8.5 / 32) * box["width"] + 2 * size, "y": (8.5 / 32) * box["height"] + size})
    wait_for(page, pinned="9,10")


def test_the_keyboard_reaches_every_cell(open_page):
    page = open_page()
    canvas(page).focus()
    for key in ["ArrowDown"] * 3 + ["ArrowRight"] * 2:
        page.keyboard.press(key)
    wait_for(page, cell="3,2")
    page.keyboard.press("Enter")
    wait_for(page, pinned="3,2")
    page.keyboard.press("Escape")
    wait_for(page, pinned="", cell="")


def test_the_legend_can_be_read_back(open_page):
    page = open_page()
    bars = page.locator(".tv-histogram")
    bars.click(position={"x": 4, "y": 100})
    counts = np.bincount(golden(MODELS[0]).codes["codes"].reshape(-1))
    wait_for(page, lit=str(counts.max()))
    for mode in ("rarity", "distance", "margin", "count here"):
        page.locator(".tv-modes button", has_text=mode).click()
        page.locator(".tv-legend-bar").hover(position={"x": 2, "y": 7})  # the smallest value has a cell
        page.wait_for_function("Number(document.querySelector('.tv').dataset.lit) > 0")


def test_switching_the_model_keeps_the_picture(open_page):
    page = open_page()
    data = encode_file(np.asarray(photo()))
    upload(page, "mine.png", data)
    wait_for(page, picture="mine", model=MODELS[0])
    choose_model(page, MODELS[1])
    assert state(page)["picture"] == "mine"
    codes = codes_of(MODELS[1], data)
    canvas(page).hover(position=middle_of(page, 5, 6, (21, 32)))
    wait_for(page, cell="5,6", code=str(codes[5, 6]))
    assert "digits" in page.locator(".tv-tip").inner_text()
    assert "Finite scalar" in page.locator(".facts").inner_text()


def test_a_model_is_checked_and_one_without_codes_offers_no_check(open_page):
    page = open_page()
    button, table = page.locator("#check-model"), page.locator("#checks .checks")
    button.click()
    table.wait_for(timeout=PATIENCE)
    assert table.locator(".held").count() == 7 and table.locator(".broken").count() == 0
    choose_model(page, WITHOUT_CODES[0])
    button.wait_for(state="hidden")
    table.wait_for(state="hidden")
    choose_model(page, MODELS[0])
    button.wait_for()


def test_size_and_fit_change_the_grid(open_page):
    page = open_page()
    page.locator(".eg button").nth(1).click()
    wait_for(page, picture="Cat", grid="21x32")
    page.get_by_text("Centre square").click()
    wait_for(page, grid="32x32")
    choose_size(page, 128)
    wait_for(page, grid="16x16")


def test_bad_files_are_explained_and_nothing_is_lost(open_page):
    page = open_page()
    page.locator(".eg button").nth(2).click()
    wait_for(page, picture="Coffee")
    before = state(page)
    for name in ("empty.png", "text.png", "bomb.png", "program.png"):
        data, words = refused()[name]
        upload(page, name, data)
        page.locator(".toast-body", has_text=words).first.wait_for(timeout=PATIENCE)
        assert state(page)["picture"] == before["picture"] and state(page)["grid"] == before["grid"]
    choose_size(page, 128)  # the session is alive and still holds the picture
    wait_for(page, picture="Coffee", grid="11x16")


def test_saved_codes_come_back(open_page, tmp_path):
    page = open_page()
    for kind in ("json", "npz"):
        with page.expect_download() as download:
            page.locator(f'[data-save="{kind}"]').click()
        download.value.save_as(tmp_path / f"saved_{kind}.{kind}")
    saved = json.loads((tmp_path / "saved_json.json").read_text())
    assert saved["levels"]["codes"]["codes"] == golden(MODELS[0]).codes["codes"][0].tolist()
    choose_model(page, MODELS[1])
    for kind in ("json", "npz"):
        page.set_input_files('input[type=file][accept*="npz"]', tmp_path / f"saved_{kind}.{kind}")
        wait_for(page, picture=f"saved_{kind}", model=MODELS[0], grid="32x32")
    assert page.locator('[data-figure="original"] .tv-empty').is_visible()
    choose_size(page, 128)
    page.locator(".toast-body", has_text="without their picture").first.wait_for(timeout=PATIENCE)
    page.wait_for_function("document.querySelector('#size input:checked').value === '256'", timeout=PATIENCE)


def test_what_is_decoded_from_the_coarse_level_alone_is_what_is_saved(open_page):
    id, page = "vqvae2.caltech_f4f8_512", open_page()
    choose_model(page, id)
    page.locator(".tv-partial button", has_text="top").first.click()
    assert page.locator('[data-figure="error"] .tv-fact').inner_text().startswith("of all levels together")
    with page.expect_download() as download:
        page.locator('[data-save="reconstruction"]').click()
    coarse = explorer.load(id, "cpu").decode_levels(golden(id).codes, ["top"])
    saved = read_picture(download.value.path().read_bytes()).pixels.astype(int)
    assert np.abs(saved - to_bytes(coarse)[0]).max() <= 1


def test_a_pinned_cell_tells_the_page_its_code_also_in_the_next_picture(open_page):
    page = open_page()
    page.evaluate("window.addEventListener('explorer-code', (event) => { window.shared = JSON.parse(event.detail); })")
    canvas(page).first.click(position=middle_of(page, 3, 4, (32, 32)))
    upload(page, "mine.png", encode_file(np.asarray(photo().resize((256, 256)))))
    wait_for(page, picture="mine", grid="32x32")
    shared = page.evaluate("window.shared.code")
    assert str(shared) == state(page)["code"]


def test_a_second_tap_closes_the_card(open_page):
    page = open_page(390, 844, has_touch=True, is_mobile=True)
    place = middle_of(page, 5, 5, (32, 32), "original")
    canvas(page, "original").first.tap(position=place)
    page.wait_for_function("document.querySelector('#token-view .tv').dataset.cell")
    canvas(page, "original").first.tap(position=place)
    page.wait_for_function("!document.querySelector('#token-view .tv').dataset.cell")


def test_two_visitors_never_see_each_other(open_page):
    first, second = open_page(), open_page()
    first.locator(".eg button").nth(1).click()
    second.locator(".eg button").nth(3).click()
    wait_for(first, picture="Cat")
    wait_for(second, picture="Rocket")
    choose_size(first, 384)
    choose_model(second, MODELS[1])
    wait_for(first, picture="Cat", model=MODELS[0], grid="32x48")
    wait_for(second, picture="Rocket", model=MODELS[1], grid="21x32")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(open_page, theme):
    page = open_page(390, 844, f"?__theme={theme}", has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    canvas(page).tap(position=middle_of(page, 4, 5, (32, 32)))
    wait_for(page, pinned="4,5")
    box = page.locator(".tv-tip").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    text = page.evaluate("getComputedStyle(document.querySelector('.tv')).color")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = [sum(map(int, colour[colour.index("(") + 1 : -1].split(",")[:3])) for colour in (text, ground)]
    assert (brightness[0] > brightness[1]) == (theme == "dark")
