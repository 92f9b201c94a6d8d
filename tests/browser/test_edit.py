"""The Edit tab in a real browser: select, change, undo, replay, and never mix with another session."""

import json
import random

import numpy as np
import pytest

import explorer
from explorer.core.images import encode_file, fit, to_bytes, to_unit
from explorer.services.editing import SavedEdit, replay
from explorer.services.examples import example
from explorer.services.reference import reference
from tests.bad_pictures import photo
from tests.browser.edit_page import (
    PATIENCE,
    SLOW,
    act,
    canvas,
    cell,
    choose_size_in_edit,
    codes,
    digest,
    done,
    drawn,
    open_edit,
    same_but_for_rounding,
    saved,
    select_box,
    selected,
    shown,
    state,
    tool,
    view,
    wait_for,
)
from tests.browser.test_journeys import choose_model, upload

pytestmark = pytest.mark.browser


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
    wait_for(page, steps="0/1", busy="no")
    assert digest(page) == before
    act(page, "redo")
    wait_for(page, steps="1/1", busy="no")
    assert digest(page) == edited
    act(page, "link")
    page.wait_for_function("document.querySelector('.ev').dataset.link", timeout=PATIENCE)
    other = open_page(query=state(page)["link"].split("/", 3)[3])  # opens the tab by itself
    wait_for(other, steps="1/1", picture="Astronaut", busy="no")
    assert saved(other) == saved(page) and codes(other) == codes(page)
    same_but_for_rounding(shown(page), shown(other))


@pytest.mark.parametrize("edits", [40, pytest.param(200, marks=pytest.mark.slow)])
def test_many_edits_undone_and_redone(open_page, edits):
    page, draw = open_page(), random.Random(0)
    open_edit(page)
    choose_size_in_edit(page, 128)
    states = [digest(page)]
    tool(page, "box")
    canvas(page).scroll_into_view_if_needed()
    box = canvas(page).bounding_box()
    while len(states) <= edits:
        # Raw events, where the canvas was at the start: they are fast, and it may not move.
        corner, size = (draw.randrange(16), draw.randrange(16)), draw.choice([0, 0, 1, 3])
        for at, event in ((corner, page.mouse.down), ([min(15, at + size) for at in corner], page.mouse.up)):
            page.mouse.move(
                *(box[side] + (i + 0.5) * box["width"] / 16 for side, i in zip("xy", at[::-1], strict=True))
            )
            event()
        how = draw.choice(["random", "marginal", "paste", "copy", "palette"])
        if how == "palette":
            page.locator(".ev-palette .ev-swatch").nth(draw.randrange(1, 16)).dispatch_event("click")
        elif how != "paste" or len(states) > 20:
            page.locator(f'[data-do="{how}"]').dispatch_event("click")
        if done(page) == len(states):  # else it was no edit, or changed nothing
            states.append(digest(page))
    everything = saved(page)
    canvas(page).focus()
    for at in reversed(range(edits)):
        page.keyboard.press("Control+z")
        wait_for(page, steps=f"{at}/{edits}", busy="no")
        assert digest(page) == states[at], f"step {at} is not what it was"
    for _ in range(edits):
        page.keyboard.press("Control+Shift+z")
    wait_for(page, steps=f"{edits}/{edits}", busy="no")
    assert digest(page) == states[edits] and saved(page) == everything
    page.locator(".ev-history button").nth(17).click()
    wait_for(page, steps=f"17/{edits}", busy="no")
    assert digest(page) == states[17]
    page.locator(".ev-history button").nth(edits).click()
    wait_for(page, steps=f"{edits}/{edits}", busy="no")
    assert digest(page) == states[edits]
    found, tokenizer = SavedEdit.from_dict(everything), explorer.load(everything["start"]["model"], "cpu")
    last = replay(tokenizer.spec, found.start.codes, found.edits, reference(tokenizer.spec.id).counts)[-1]
    assert last["codes"].reshape(-1).tolist() == codes(page)["codes"]
    same_but_for_rounding(to_bytes(tokenizer.decode(last))[0], shown(page))


def test_a_dragged_digit_keeps_up_and_the_last_one_wins(open_page):
    page = open_page()
    choose_model(page, "fsq.caltech_f8_1000")
    open_edit(page)
    select_box(page, 8, 8, 12, 12)
    page.evaluate(SLOW)
    slider = page.locator(".ev-digits input").first
    slider.evaluate("s => { window.moves = 0; s.addEventListener('input', () => { window.moves++; }); }")
    box, pictures = slider.bounding_box(), set()
    page.mouse.move(box["x"] + 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    for share in (1, 0.2, 0.7, 0, 1, 0.4, 0, 0.9, 0.5, 1, 0.1, 1):
        page.mouse.move(box["x"] + 4 + share * (box["width"] - 8), box["y"] + box["height"] / 2, steps=6)
        pictures.add(drawn(page, "picture"))
    assert len(pictures) >= 3, "the picture does not follow while the slider moves"
    page.mouse.up()
    wait_for(page, steps="1/1", busy="no")
    asked = page.evaluate("window.asked.filter((body) => body.includes('set_digit'))")
    assert len(asked) <= page.evaluate("window.moves") / 3, "events that came too late were not dropped"
    assert saved(page)["edits"][-1]["digit"] == 7
    assert " = 7 + " in page.locator(".ev-digits p").inner_text()
    assert page.locator(".ev-history-fact").inner_text() == "step 1 of 1: digit 1 = 7"


def test_undo_waits_for_the_edit_before_it(open_page):
    page = open_page()
    open_edit(page)
    before = digest(page)
    select_box(page, 1, 1, 5, 5)
    act(page, "random")
    wait_for(page, steps="1/1", busy="no")
    edited = digest(page)
    page.evaluate(SLOW)
    act(page, "marginal")
    act(page, "undo")
    act(page, "undo")
    wait_for(page, steps="0/2", busy="no")
    assert digest(page) == before
    act(page, "redo")
    wait_for(page, steps="1/2", busy="no")
    assert digest(page) == edited


def test_an_edit_that_the_server_does_not_answer_changes_nothing(open_page):
    page = open_page()
    open_edit(page)
    before = digest(page)
    select_box(page, 1, 1, 5, 5)
    page.route("**/component_server/**", lambda route: route.abort())
    act(page, "random")
    said(page, "The server did not answer")
    assert digest(page) == before and state(page)["steps"] == "0/0"
    page.unroute("**/component_server/**")
    act(page, "random")
    wait_for(page, steps="1/1", busy="no")
    assert not page.locator(".ev-message").is_visible()


def test_cells_are_picked_replaced_and_taken_by_code(open_page):
    page = open_page()
    open_edit(page)
    start = codes(page)["codes"]
    select_box(page, 4, 4, 5, 6)
    tool(page, "pick")
    canvas(page).click(position=cell(page, 20, 9))
    wait_for(page, steps="1/1", busy="no")
    code = start[20 * 32 + 9]
    assert all(codes(page)["codes"][row * 32 + column] == code for row in (4, 5) for column in (4, 5, 6))
    tool(page, "same code")
    canvas(page).click(position=cell(page, 20, 9))
    same = [at for at, found in enumerate(codes(page)["codes"]) if found == code]
    wait_for(page, selected=str(len(same)))
    assert selected(page) == same and len(same) >= 7
    page.locator(".ev-old").fill(str(code))
    page.locator(".ev-new").fill("9")
    act(page, "replace")
    wait_for(page, steps="2/2", busy="no")
    assert [at for at, found in enumerate(codes(page)["codes"]) if found == 9 and start[at] != 9] == same


def test_a_code_picked_on_the_map_of_the_codebook_is_ready_to_be_set(open_page):
    page = open_page()
    open_edit(page)
    select_box(page, 4, 4, 5, 5)
    page.evaluate('dispatchEvent(new CustomEvent(\'explorer-pick\', { detail: \'{"level": "codes", "code": 77}\' }))')
    page.locator('.ev-palette .ev-swatch[data-code="77"]').first.wait_for()
    act(page, "set")
    wait_for(page, steps="1/1", busy="no")
    assert [codes(page)["codes"][at] for at in selected(page)] == [77] * 4


def test_the_experiments_of_the_fsq_paper(open_page):
    page = open_page()
    choose_model(page, "fsq.caltech_f8_1000")
    open_edit(page)
    before = codes(page)["codes"]
    page.locator(".ev-other").select_option("Coffee")
    act(page, "stitch")
    wait_for(page, steps="1/1", busy="no")
    tokenizer = explorer.load("fsq.caltech_f8_1000", "cpu")
    coffee = tokenizer.encode(to_unit(fit(example("Coffee"), 256, "square"))[None]).codes["codes"].reshape(-1).tolist()
    now = codes(page)["codes"]
    assert now[:512] == before[:512] and np.mean(np.equal(now[512:], coffee[512:])) > 0.99
    act(page, "sample")
    wait_for(page, steps="2/2", busy="no")
    sampled = codes(page)["codes"]
    assert np.mean(np.equal(sampled, now)) < 0.1
    act(page, "fill")
    wait_for(page, steps="3/3", busy="no")
    assert codes(page)["codes"] == [sampled[0]] * 1024


def test_copied_cells_are_pasted_into_another_picture_and_the_first_is_as_it_was_left(open_page):
    page = open_page()
    open_edit(page)
    select_box(page, 2, 3, 4, 7)
    act(page, "copy")
    source = saved(page)["start"]["levels"]["codes"]["codes"]
    act(page, "random")
    wait_for(page, steps="1/1", busy="no")
    left = shown(page)
    page.locator(".eg button").nth(1).click()
    wait_for(page, picture="Cat", grid="21x32", steps="0/0")
    select_box(page, 10, 20, 10, 20)
    act(page, "paste")
    wait_for(page, steps="1/1", busy="no")
    edit = saved(page)["edits"][0]
    assert edit["codes"] == [code for row in source[2:5] for code in row[3:8]]
    assert [run[0] for run in edit["cells"]] == [10 * 32 + 20, 11 * 32 + 20, 12 * 32 + 20]
    select_box(page, 20, 30, 20, 30)
    act(page, "paste")  # what hangs over the border is cut off
    wait_for(page, steps="2/2", busy="no")
    assert (
        saved(page)["edits"][1]["cells"] == [[20 * 32 + 30, 2]] and saved(page)["edits"][1]["codes"] == source[2][3:5]
    )
    page.locator(".eg button").nth(0).click()
    wait_for(page, picture="Astronaut", steps="1/1")
    same_but_for_rounding(shown(page), left)


def test_two_sessions_never_mix_and_a_reload_keeps_the_edit(open_page):
    first, second = open_page(), open_page()
    for page in (first, second):
        open_edit(page)
    untouched = digest(second)
    select_box(first, 0, 0, 5, 5)
    select_box(second, 20, 20, 22, 22)
    for number in (1, 2):
        for page in (first, second):
            act(page, "random")
        for page in (first, second):
            wait_for(page, steps=f"{number}/{number}", busy="no")
    act(second, "reset")
    wait_for(second, steps="0/2", busy="no")
    assert digest(second) == untouched
    act(first, "undo")
    wait_for(first, steps="1/2", busy="no")
    before, edit, kept = shown(first), saved(first), codes(first)
    assert [run[0] // 32 for run in edit["edits"][0]["cells"]] == [0, 1, 2, 3, 4, 5]
    first.reload()
    first.wait_for_selector('.tv[data-ready="yes"]', timeout=PATIENCE)
    open_edit(first)
    wait_for(first, steps="1/2", busy="no")  # what was undone is kept too
    assert saved(first) == edit and codes(first) == kept
    same_but_for_rounding(before, shown(first))


def test_a_picture_chosen_after_a_reload_stays_and_the_kept_edit_waits_for_its_own(open_page):
    page = open_page()
    open_edit(page)
    select_box(page, 0, 0, 5, 5)
    act(page, "random")
    wait_for(page, steps="1/1", busy="no")
    edit = saved(page)
    for _ in range(2):  # it waits over another reload too
        page.reload()
        page.wait_for_selector('.tv[data-ready="yes"]', timeout=PATIENCE)
        page.locator(".eg button").nth(1).click()
        page.wait_for_selector('.tv[data-picture="Cat"]', timeout=PATIENCE)
        open_edit(page)
        page.locator(".ev-message", has_text="Your edit of Astronaut is kept").wait_for(timeout=PATIENCE)
        wait_for(page, picture="Cat", steps="0/0")
    page.locator(".eg button").nth(0).click()
    wait_for(page, picture="Astronaut", steps="1/1", busy="no")
    assert saved(page) == edit


def test_an_edit_that_the_browser_cannot_keep_is_said_to_be_gone(open_page):
    page = open_page()
    page.evaluate(
        "() => { const keep = Storage.prototype.setItem; Storage.prototype.setItem = function (name, text) "
        "{ if (text.length > 100) throw new Error('full'); keep.call(this, name, text); }; }"
    )
    open_edit(page)
    select_box(page, 0, 0, 1, 1)
    act(page, "random")
    wait_for(page, steps="1/1", busy="no")
    page.reload()
    page.wait_for_selector('.tv[data-ready="yes"]', timeout=PATIENCE)
    open_edit(page)
    page.locator(".ev-message", has_text="so it is gone").wait_for(timeout=PATIENCE)
    assert state(page)["steps"] == "0/0"


def test_a_saved_edit_is_opened_by_another_session_though_its_picture_is_unknown_there(open_page, tmp_path):
    page = open_page()
    upload(page, "wide.png", encode_file(np.asarray(photo())))
    open_edit(page)
    wait_for(page, picture="wide")
    select_box(page, 3, 3, 9, 9)
    for number, action in enumerate(("random", "marginal", "fill"), 1):
        act(page, action)
        wait_for(page, steps=f"{number}/{number}", busy="no")
    with page.expect_download() as download:
        act(page, "save")
    download.value.save_as(tmp_path / "wide.edit.json")
    other = open_page()
    open_edit(other)
    other.set_input_files(".ev-load", tmp_path / "wide.edit.json")
    wait_for(other, picture="wide", steps="3/3", busy="no")
    assert codes(other) == codes(page)
    same_but_for_rounding(shown(page), shown(other))
    act(other, "undo")
    act(other, "sample")
    wait_for(other, steps="3/3", busy="no")
    assert codes(other) != codes(page)
    other.set_input_files(".ev-load", tmp_path / "wide.edit.json")  # once more, over what was done since
    other.wait_for_function(
        "(wanted) => JSON.stringify(window.explorerEdit.codes()) === wanted", arg=_json(codes(page))
    )
    wait_for(other, steps="3/3", busy="no")
    wrong = json.loads((tmp_path / "wide.edit.json").read_text())
    wrong["edits"].append({"kind": "replace", "level": "codes", "old": 1, "new": 2000})
    other.set_input_files(
        ".ev-load", {"name": "a.json", "mimeType": "application/json", "buffer": json.dumps(wrong).encode()}
    )
    said(other, "Edit 4 of 4: Code 2000 is out of range")
    assert codes(other) == codes(page) and state(other)["steps"] == "3/3"


def _json(value):
    return json.dumps(value, separators=(",", ":"))


def test_what_changed_influence_and_before_and_after(open_page):
    page = open_page()
    open_edit(page)
    before = drawn(page, "picture")
    select_box(page, 16, 16, 16, 16)
    page.evaluate("Math.random = () => 0.25")  # the code drawn is another than the cell's, every time
    act(page, "random")
    wait_for(page, steps="1/1", busy="no")
    caption = page.locator('.ev [data-figure="change"] figcaption')
    caption.filter(has_text="pixels moved").wait_for(timeout=PATIENCE)
    moved = int(caption.inner_text().split(" of ")[0].replace(",", ""))
    edited = shown(page)
    act(page, "undo")
    wait_for(page, steps="0/1", busy="no")
    assert moved == (edited != shown(page)).any(-1).sum() > 0
    act(page, "redo")
    wait_for(page, steps="1/1", busy="no")
    view(page, "Influence")
    reach = explorer.load("vq_ema.caltech_f8_1024", "cpu").spec.levels[0].reach
    caption.filter(has_text=f"none farther than {reach} px away").wait_for(timeout=PATIENCE)
    assert 64 < int(caption.inner_text().split(" of ")[0].replace(",", "")) <= (8 + 2 * reach) ** 2
    canvas(page).press("Escape")
    view(page, "Before / after")
    canvas(page, "change").press("End")
    assert drawn(page, "change") == before
    canvas(page, "change").press("Home")
    assert drawn(page, "change") == drawn(page, "picture") != before
    box = canvas(page, "change").bounding_box()
    canvas(page, "change").click(position={"x": box["width"] / 4, "y": 50})
    page.locator('.ev canvas[aria-valuenow="25"]').wait_for(timeout=PATIENCE)


def test_nothing_selected_and_damaged_files_and_links_are_said_in_words(open_page):
    page = open_page()
    open_edit(page)
    act(page, "random")
    said(page, "Select some cells first")
    page.set_input_files(".ev-load", {"name": "a.json", "mimeType": "application/json", "buffer": b"{]"})
    said(page, "not JSON")
    edit = saved(page)
    page.evaluate("location.hash = 'edit=nonsense'")
    said(page, "link is damaged")
    edit["edits"] = [{"kind": "replace", "level": "codes", "old": 1, "new": 2000}]
    page.set_input_files(
        ".ev-load", {"name": "a.json", "mimeType": "application/json", "buffer": json.dumps(edit).encode()}
    )
    said(page, "Code 2000 is out of range")
    edit["start"]["revision"] = "0" * 12
    page.set_input_files(
        ".ev-load", {"name": "a.json", "mimeType": "application/json", "buffer": json.dumps(edit).encode()}
    )
    page.locator(".toast-body", has_text="another revision").first.wait_for(timeout=PATIENCE)
    page.locator(".ev-code").fill("2000")
    act(page, "set")
    said(page, "whole numbers from 0 to 1,023")
    select_box(page, 1, 2, 1, 2)
    page.locator(".ev-code").fill(str(codes(page)["codes"][32 + 2]))
    act(page, "set")
    said(page, "Nothing changed")
    assert state(page)["steps"] == "0/0"
    select_box(page, 1, 1, 2, 2)


def said(page, words):
    page.locator(".ev-message", has_text=words).wait_for(timeout=PATIENCE)
