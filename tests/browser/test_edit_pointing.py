"""Pointing in the Edit tab: mouse, keyboard and fingers hit the cell that they mean, at every size and zoom."""

import numpy as np
import pytest

from explorer.core.images import encode_file
from tests.bad_pictures import photo
from tests.browser import test_journeys
from tests.browser.edit_page import (
    act,
    canvas,
    cell,
    choose_size_in_edit,
    codes,
    open_edit,
    select_box,
    selected,
    state,
    tool,
    view,
    wait_for,
)

pytestmark = pytest.mark.browser
SIZES = [(1440, 900), (1024, 768), (390, 844)]
INSETS = [None, (1, 1), (-1, 1), (1, -1), (-1, -1)]
"""The middle of a cell, and a pixel from each of its corners."""


def open_wide(open_page, width, height, **options):
    """The Edit tab with an uploaded picture that is not square."""
    page = open_page(width, height, **options)
    test_journeys.upload(page, "wide.png", encode_file(np.asarray(photo())))
    test_journeys.wait_for(page, picture="wide")
    open_edit(page)
    wait_for(page, picture="wide")
    return page


def some_cells(page):
    rows, columns = map(int, state(page)["grid"].split("x"))
    assert rows != columns
    return [(0, 0), (rows - 1, columns - 1), (rows // 2, 1), (3, columns - 2), (rows - 2, columns // 3)], columns


@pytest.mark.parametrize("zoom", [0.8, 1.0, 1.5])
def test_hover_and_click_are_exact(open_page, zoom):
    page = open_wide(open_page, 1440, 900, device_scale_factor=zoom)
    tool(page, "cell")
    cells, columns = some_cells(page)
    for width, height in SIZES:
        # What zooming does to a page: fewer, larger CSS pixels.
        page.set_viewport_size({"width": round(width / zoom), "height": round(height / zoom)})
        page.wait_for_timeout(200)
        for figure in ("codes", "picture"):
            canvas(page, figure).scroll_into_view_if_needed()
            for (row, column), inset in zip(cells, INSETS, strict=True):
                position = cell(page, row, column, figure, inset)
                canvas(page, figure).hover(position=position)
                wait_for(page, cell=f"{row},{column}", code=str(codes(page)["codes"][row * columns + column]))
                canvas(page, figure).click(position=position)
                assert selected(page) == [row * columns + column], (width, figure, row, column, inset)


def swipe(page, start, end, figure="codes", steps=8):
    """A finger that goes from one cell of a figure to another; by how many pixels the page then has scrolled."""
    canvas(page, figure).evaluate("c => { c.scrollIntoView({block: 'center'}); }")
    page.wait_for_timeout(100)
    before, box = page.evaluate("scrollY"), canvas(page, figure).bounding_box()
    session, one, other = page.context.new_cdp_session(page), cell(page, *start, figure), cell(page, *end, figure)
    for kind, share in [("Start", 0), *(("Move", (i + 1) / steps) for i in range(steps)), ("End", None)]:
        at = (
            {name: box[name] + (1 - share) * one[name] + share * other[name] for name in "xy"}
            if kind != "End"
            else None
        )
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": [at] if at else []})
        page.wait_for_timeout(16)
    page.wait_for_timeout(300)  # what the page would still scroll
    return abs(page.evaluate("scrollY") - before)


@pytest.mark.parametrize("size", [(390, 844), (844, 390), (768, 1024)])
def test_a_finger_taps_the_cell_under_it(open_page, size):
    page = open_wide(open_page, *size, has_touch=True, is_mobile=True, device_scale_factor=2)
    cells, columns = some_cells(page)
    for name in ("cell", "box"):
        tool(page, name)
        for figure in ("codes", "picture"):
            canvas(page, figure).scroll_into_view_if_needed()
            for (row, column), inset in zip(cells, INSETS, strict=True):
                position, box = cell(page, row, column, figure, inset), canvas(page, figure).bounding_box()
                page.touchscreen.tap(box["x"] + position["x"], box["y"] + position["y"])
                assert selected(page) == [row * columns + column], (name, figure, row, column, inset)


def test_a_finger_draws_boxes_and_strokes_and_the_page_stays_where_it_is(open_page):
    page = open_wide(open_page, 390, 844, has_touch=True, is_mobile=True, device_scale_factor=2)
    _, columns = some_cells(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for figure in ("codes", "picture"):
        tool(page, "box")
        assert swipe(page, (2, 4), (15, 9), figure) == 0
        assert selected(page) == [row * columns + column for row in range(2, 16) for column in range(4, 10)]
        page.locator(".ev-ways button", has_text="add").click()
        swipe(page, (18, 0), (19, 1), figure)
        wait_for(page, selected=str(14 * 6 + 4))
        page.locator(".ev-ways button", has_text="remove").click()
        swipe(page, (2, 4), (2, 9), figure)
        wait_for(page, selected=str(13 * 6 + 4))
        page.locator(".ev-ways button", has_text="new").click()
        tool(page, "brush")
        assert swipe(page, (16, 3), (4, 3), figure, steps=3) == 0  # a fast stroke leaves no gaps
        assert selected(page) == [row * columns + 3 for row in range(4, 17)]


def test_with_tools_that_tap_a_swipe_scrolls_and_selects_nothing(open_page):
    page = open_wide(open_page, 390, 844, has_touch=True, is_mobile=True, device_scale_factor=2)
    tool(page, "box")
    swipe(page, (1, 1), (2, 2))
    before, start = selected(page), codes(page)
    assert len(before) == 4
    for name in ("cell", "same code", "pick"):
        tool(page, name)
        assert swipe(page, (16, 8), (4, 8)) > 50, f"{name}: the page does not scroll"
        assert selected(page) == before and codes(page) == start, name
    view(page, "Before / after")
    canvas(page, "change").evaluate("c => { c.scrollIntoView({block: 'center'}); }")
    box = canvas(page, "change").bounding_box()
    page.touchscreen.tap(box["x"] + 0.75 * box["width"], box["y"] + 20)
    page.locator('.ev canvas[aria-valuenow="75"]').wait_for()


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
    canvas(page, "picture").click(position=cell(page, 9, 9, "picture"))
    page.keyboard.press("Escape")
    wait_for(page, selected="0")
    canvas(page).press("ArrowRight")
    canvas(page).press("ArrowDown")
    canvas(page).press("Space")
    assert selected(page) == [10 * 32 + 10]
    canvas(page).press("Shift+ArrowLeft")
    assert selected(page) == [10 * 32 + 9, 10 * 32 + 10]
    page.locator(".ev-code").fill("5")
    page.locator(".ev-code").press("Enter")
    wait_for(page, steps="1/1", busy="no")
    assert [codes(page)["codes"][at] for at in selected(page)] == [5, 5]
    canvas(page, "picture").click(position=cell(page, 9, 9, "picture"))
    page.keyboard.press("Control+z")  # also where nothing has the focus
    wait_for(page, steps="0/1")
    canvas(page).press("Control+y")
    wait_for(page, steps="1/1")
    canvas(page).press("Control+a")
    wait_for(page, selected="1024")


def test_a_box_that_is_drawn_beyond_the_border_ends_there(open_page):
    page = open_page()
    open_edit(page)
    box, start = canvas(page).bounding_box(), cell(page, 20, 5)
    page.mouse.move(box["x"] + start["x"], box["y"] + start["y"])
    page.mouse.down()
    page.mouse.move(box["x"] - 80, box["y"] + box["height"] + 40)
    page.mouse.up()
    assert selected(page) == [row * 32 + column for row in range(20, 32) for column in range(6)]


def test_a_brush_and_a_large_grid(open_page):
    page = open_page()
    open_edit(page)
    choose_size_in_edit(page, 1024)
    tool(page, "brush")
    canvas(page).drag_to(canvas(page), source_position=cell(page, 100, 20), target_position=cell(page, 100, 90))
    assert selected(page) == [100 * 128 + column for column in range(20, 91)]
    act(page, "random")
    wait_for(page, steps="1/1", busy="no")
    canvas(page).hover(position=cell(page, 127, 127))
    wait_for(page, cell="127,127")
