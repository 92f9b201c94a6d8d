"""Hands and eyes for the Edit tab in a browser."""

import base64
import functools
import hashlib
import json

import numpy as np

from explorer.core.images import read_picture
from tests.browser import test_journeys
from tests.browser.test_journeys import choose_size

PATIENCE = 30_000

state = functools.partial(test_journeys.state, view=".ev")
wait_for = functools.partial(test_journeys.wait_for, view=".ev")

SLOW = """
window.asked = [];
const plainFetch = window.fetch;
window.fetch = async (url, options) => {
  if (!String(url).includes("component_server")) return plainFetch(url, options);
  window.asked.push(String(options.body));
  await new Promise((resolve) => setTimeout(resolve, 250));
  return plainFetch(url, options);
};
"""
"""Run in a page: every call of the Edit view takes a quarter of a second longer, and is noted in `asked`."""


def open_edit(page):
    page.get_by_role("tab", name="Edit").click()
    page.wait_for_selector('.ev[data-ready="yes"]', timeout=PATIENCE)
    page.wait_for_function("document.querySelector('.ev [data-figure=codes] canvas').clientWidth > 0")


def canvas(page, figure="codes"):
    return page.locator(f'.ev [data-figure="{figure}"] canvas')


def tool(page, name):
    page.locator(".ev-tools button", has_text=name).click()


def view(page, name):
    page.locator(".ev-views button", has_text=name).click()


def act(page, name):
    page.locator(f'.ev [data-do="{name}"]').click()


def done(page):
    """Wait until nothing is under way; how many steps there are."""
    wait_for(page, busy="no")
    return int(state(page)["steps"].split("/")[1])


def cell(page, row, column, figure="codes", inset=None):
    """Where a cell is on a figure, as a click's position: its centre, or so many pixels from a corner of it.

    inset: (x, y), counted from the right and lower side where negative.
    """
    rows, columns = map(int, state(page)["grid"].split("x"))
    box = canvas(page, figure).bounding_box()
    width, height = box["width"] / columns, box["height"] / rows
    x, y = inset or (width / 2, height / 2)
    return {"x": column * width + x % width, "y": row * height + y % height}


def select_box(page, top, left, bottom, right):
    tool(page, "box")
    canvas(page).drag_to(canvas(page), source_position=cell(page, top, left), target_position=cell(page, bottom, right))
    wait_for(page, selected=str((bottom - top + 1) * (right - left + 1)))


def choose_size_in_edit(page, size):
    choose_size(page, size)
    wait_for(page, grid=f"{size // 8}x{size // 8}")


def saved(page):
    """The edit as it would be saved: what the codes were, and what was done."""
    with page.expect_download() as download:
        act(page, "save")
    return json.loads(download.value.path().read_text())


def codes(page):
    """Level -> flat list of the codes that the page shows."""
    return page.evaluate("window.explorerEdit.codes()")


def selected(page):
    """Flat indices of the selected cells."""
    return page.evaluate("window.explorerEdit.selected()")


def shown(page):
    """Pixels of the picture as the page has it, at its own size, (H, W, 3) uint8."""
    url = page.evaluate("window.explorerEdit.picture()")
    return read_picture(base64.b64decode(url.split(",")[1])).pixels


def drawn(page, figure):
    """What stands on a canvas of the page, as a text to compare."""
    page.wait_for_timeout(60)  # a frame
    return canvas(page, figure).evaluate("c => c.toDataURL()")


def digest(page):
    """Of codes and picture."""
    text = page.evaluate("JSON.stringify(window.explorerEdit.codes()) + window.explorerEdit.picture()")
    return hashlib.sha256(text.encode()).hexdigest()


def same_but_for_rounding(one, other):
    """Equal, but that a float on the edge between two bytes may fall to either: it hangs on the number of threads."""
    difference = np.abs(one.astype(int) - other)
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3
