"""The Edit tab in a real browser: select, change, undo, replay, and never mix with another session."""

import base64
import functools
import hashlib
import json
import random
import re

import numpy as np
import pytest

import explorer
from explorer.core.images import read_picture, to_bytes
from tests.bad_pictures import photo
from tests.browser import test_journeys
from tests.browser.test_journeys import choose_model, choose_size, upload

pytestmark = pytest.mark.browser
PATIENCE = 30_000


state = functools.partial(test_journeys.state, view=".ev")
wait_for = functools.partial(test_journeys.wait_for, view=".ev")


def canvas(page, figure="codes"):
    return page.locator(f'.ev [data-figure="{figure}"] canvas')


def open_edit(page):
    page.get_by_role("tab", name="Edit").click()
    page.wait_for_selector('.ev[data-ready="yes"]', timeout=PATIENCE)
    page.wait_for_function("document.querySelector('.ev [data-figure=codes] canvas').clientWidth > 0")


def cell(page, row, column, figure="codes"):
    """Where a cell's centre is on a figure, for clicks and drags."""
    rows, columns = map(int, state(page)["grid"].split("x"))
    box = canvas(page, figure).bounding_box()
    return {"x": (column + 0.5) * box["width"] / columns, "y": (row + 0.5) * box["height"] / rows}


def select_box(page, top, left, bottom, right):
    page.locator(".ev-tools button", has_text="box").click()
    canvas(page).drag_to(canvas(page), source_position=cell(page, top, left), target_position=cell(page, bottom, right))
    wait_for(page, selected=str((bottom - top + 1) * (right - left + 1)))


def act(page, name):
    page.locator(f'.ev [data-do="{name}"]').click()


def saved(page):
    """The edit as it would be saved: what the codes were, and what was done."""
    with page.expect_download() as download:
        act(page, "save")
    return json.loads(download.value.path().read_text())


def shown(page):
    """Pixels of the picture as the page shows it, at its own size, (H, W, 3) uint8."""
    url = page.evaluate("window.explorerEdit.picture()")
    return read_picture(base64.b64decode(url.split(",")[1])).pixels


def digest(page):
    return hashlib.sha256(shown(page).tobytes()).hexdigest()


def same_but_for_rounding(one, other):
    """Equal, but that a float on the edge between two bytes may fall to either: it hangs on the number of threads."""
    difference = np.abs(one.astype(int) - other)
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3


def test_box_palette_undo_and_a_link_that_replays_in_a_new_browser(open_page):
    page = open_page()
    open_edit(page)
    before = digest(page)
    select_box(page, 10, 12, 15, 18)
    page.locator(".ev-palette .ev-swatch").nth(3).click()
    wait_for(page, steps="1/1", busy="no")
    edited = digest(page)
    assert edited != before
    act(page, "undo")
    wait_for(page, steps="0/1")
    assert digest(page) == before
    act(page, "redo")
    wait_for(page, steps="1/1")
    assert digest(page) == edited
    act(page, "link")
    page.wait_for_function("document.querySelector('.ev').dataset.link", timeout=PATIENCE)
    link = state(page)["link"]
    other = open_page(query=link.split("/", 3)[3])
    open_edit(other)
    wait_for(other, steps="1/1", picture="Astronaut", busy="no")
    assert saved(other) == saved(page)
    same_but_for_rounding(shown(page), shown(other))


def test_two_hundred_edits_undone_and_redone(open_page):
    page = open_page()
    open_edit(page)
    choose_size_in_edit(page, 128)
    before, draw = digest(page), random.Random(0)
    page.locator(".ev-tools button", has_text="cell").click()
    for _ in range(200):
        canvas(page).click(position=cell(page, draw.randrange(16), draw.randrange(16)))
        act(page, draw.choice(["random", "marginal"]))
        wait_for(page, busy="no")
    done = int(state(page)["steps"].split("/")[0])
    assert done > 190  # a draw may hit the code that stands there already
    after = digest(page)
    edit = saved(page)
    tokenizer = explorer.load(edit["start"]["model"], "cpu")
    for left in reversed(range(done)):
        act(page, "undo")
        wait_for(page, steps=f"{left}/{done}")
    assert digest(page) == before
    for number in range(1, done + 1):
        act(page, "redo")
        wait_for(page, steps=f"{number}/{done}")
    assert digest(page) == after
    from explorer.services.editing import SavedEdit, replay
    from explorer.services.reference import reference

    found = SavedEdit.from_dict(edit)
    codes = replay(tokenizer.spec, found.start.codes, found.edits, reference(tokenizer.spec.id).counts)[-1]
    same_but_for_rounding(to_bytes(tokenizer.decode(codes))[0], shown(page))


def choose_size_in_edit(page, size):
    choose_size(page, size)
    wait_for(page, grid=f"{size // 8}x{size // 8}")


@pytest.mark.parametrize(("width", "zoom"), [(1440, 1.0), (900, 0.8), (390, 1.5)])
def test_hover_and_click_are_exact(open_page, width, zoom):
    page = open_page(width=width)
    upload(page, "wide.png", photo_bytes())
    test_journeys.wait_for(page, picture="wide")
    open_edit(page)
    page.evaluate("(zoom) => { document.body.style.zoom = zoom; }", zoom)
    page.wait_for_timeout(300)
    rows, columns = map(int, state(page)["grid"].split("x"))
    assert rows != columns
    for row, column in [(0, 0), (rows - 1, columns - 1), (rows // 2, 1), (3, columns - 2)]:
        for figure in ("codes", "picture"):
            canvas(page, figure).scroll_into_view_if_needed()
            canvas(page, figure).hover(position=exact(page, row, column, rows, columns, figure))
            wait_for(page, cell=f"{row},{column}")


def exact(page, row, column, rows, columns, figure):
    width, height = page.evaluate(
        "(figure) => { const c = document.querySelector(`.ev [data-figure=${figure}] canvas`); "
        "const r = c.getBoundingClientRect(); return [r.width, r.height]; }",
        figure,
    )
    return {"x": (column + 0.5) * width / columns, "y": (row + 0.5) * height / rows}


def photo_bytes():
    from explorer.core.images import encode_file

    return encode_file(np.asarray(photo()))


def test_keyboard_and_modifiers(open_page):
    page = open_page()
    open_edit(page)
    select_box(page, 4, 4, 6, 6)
    page.keyboard.down("Shift")
    canvas(page).drag_to(canvas(page), source_position=cell(page, 10, 10), target_position=cell(page, 11, 11))
    page.keyboard.up("Shift")
    wait_for(page, selected="13")
    page.keyboard.down("Alt")
    canvas(page).drag_to(canvas(page), source_position=cell(page, 4, 4), target_position=cell(page, 4, 6))
    page.keyboard.up("Alt")
    wait_for(page, selected="10")
    canvas(page).press("Escape")
    wait_for(page, selected="0")
    canvas(page).press("ArrowRight")
    canvas(page).press("Space")
    wait_for(page, selected="1")
    page.locator(".ev-code").fill("5")
    page.locator(".ev-code").press("Enter")
    wait_for(page, steps="1/1", busy="no")
    canvas(page).press("Control+z")
    wait_for(page, steps="0/1")
    canvas(page).press("Control+Shift+z")
    wait_for(page, steps="1/1")


def test_fsq_digits_keep_up_and_the_last_one_wins(open_page):
    page = open_page()
    choose_model(page, "fsq.caltech_f8_1000")
    open_edit(page)
    select_box(page, 8, 8, 12, 12)
    slider = page.locator(".ev-digits input").first
    box = slider.bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2, steps=25)
    page.mouse.up()
    page.wait_for_function(
        "document.querySelector('.ev').dataset.steps === '1/1' && document.querySelector('.ev').dataset.busy === 'no'"
    )
    assert saved(page)["edits"][-1]["digit"] == 7
    assert re.search(r"^7 \+ ", page.locator(".ev-digits p").inner_text())


def test_copied_cells_are_pasted_into_another_picture(open_page):
    page = open_page()
    open_edit(page)
    select_box(page, 2, 3, 4, 7)
    act(page, "copy")
    source = saved(page)["start"]["levels"]["codes"]["codes"]
    page.locator(".eg button").nth(1).click()
    wait_for(page, picture="Cat", steps="0/0")
    select_box(page, 10, 20, 10, 20)
    act(page, "paste")
    wait_for(page, steps="1/1", busy="no")
    edit = saved(page)["edits"][0]
    assert edit["codes"] == [code for row in source[2:5] for code in row[3:8]]
    assert [run[0] for run in edit["cells"]] == [10 * 32 + 20, 11 * 32 + 20, 12 * 32 + 20]


def test_two_sessions_never_mix_and_a_reload_keeps_the_edit(open_page):
    first, second = open_page(), open_page()
    for page in (first, second):
        open_edit(page)
    select_box(first, 0, 0, 5, 5)
    act(first, "random")
    wait_for(first, steps="1/1", busy="no")
    assert state(second)["steps"] == "0/0"
    select_box(second, 20, 20, 22, 22)
    act(second, "random")
    wait_for(second, steps="1/1", busy="no")
    edited = digest(first)
    assert edited != digest(second)
    before, edit = shown(first), saved(first)
    first.reload()
    first.wait_for_selector('.tv[data-ready="yes"]', timeout=PATIENCE)
    open_edit(first)
    wait_for(first, steps="1/1", busy="no")
    assert saved(first) == edit
    same_but_for_rounding(before, shown(first))


def test_nothing_selected_and_damaged_files_are_said_in_words(open_page):
    page = open_page()
    open_edit(page)
    act(page, "random")
    assert "Select some cells first" in page.locator(".ev-message").inner_text()
    page.set_input_files(".ev-load", {"name": "a.json", "mimeType": "application/json", "buffer": b"{]"})
    page.wait_for_function("document.querySelector('.ev-message').textContent.includes('not JSON')")
    assert state(page)["steps"] == "0/0"
    select_box(page, 1, 1, 2, 2)
