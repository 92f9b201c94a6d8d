"""Pages: remembered once they were seen open, so many of a visitor, forgotten in time with what they hold released."""

import asyncio
from datetime import datetime, timedelta

import gradio as gr
import pytest

from explorer.ui.server import pages as module
from explorer.ui.server.pages import CLOSED, PAGES_OF_ALL, PAGES_OF_ONE, SILENT, UNREAD, Pages
from explorer.ui.server.refused import Refused
from tests.asynchronous import run

PAGE, VISITOR = "k2j9x0ab1cd", "203.0.113.1"


@pytest.fixture
def held():
    """(pages of an app, the key of its State, what was released)."""
    released = []
    with gr.Blocks(analytics_enabled=False) as blocks:
        state = gr.State("", delete_callback=released.append)
    found = Pages()
    found.set_blocks(blocks.queue())
    return found, state._id, released


def open_page(pages: Pages, id: str, visitor: str = VISITOR, closed: bool = False) -> None:
    with pages.stream(visitor, id, is_page=True, limited=True):
        pages[id].is_closed = closed


def test_an_invented_key_costs_nothing(held):
    pages, state, _ = held
    for number in range(1000):
        pages[f"invented {number}"][state] = "a model"
    assert len(pages.session_data) == len(pages.time_last_used) == 0
    assert pages["invented 1"][state] == ""
    open_page(pages, PAGE)
    pages[PAGE][state] = "a model"
    assert pages[PAGE][state] == "a model"


def test_a_page_is_waited_for_and_an_invented_one_given_up(held):
    pages, _, _ = held

    async def opens_later():
        await asyncio.sleep(0.1)
        open_page(pages, PAGE)

    async def both():
        return await asyncio.gather(pages.wait_until_known(PAGE, 5.0), opens_later())

    assert run(both())[0] is True
    assert run(pages.wait_until_known("invented", 0.1)) is False


def test_one_visitor_cannot_take_the_place_of_others(held):
    pages, state, released = held
    open_page(pages, "of another", "203.0.113.9")
    pages["of another"][state] = "kept"
    for number in range(3 * PAGES_OF_ONE):
        open_page(pages, f"page {number}")
        pages[f"page {number}"][state] = f"model {number}"
    assert len(pages.session_data) == PAGES_OF_ONE + 1 and "of another" in pages
    assert released == [f"model {number}" for number in range(2 * PAGES_OF_ONE)], "the oldest go first, released"


def test_closed_pages_make_room_first(held):
    pages, _, _ = held
    for number in range(PAGES_OF_ONE):
        open_page(pages, f"page {number}", closed=number == PAGES_OF_ONE - 1)
    open_page(pages, "one more")
    assert f"page {PAGES_OF_ONE - 1}" not in pages and "page 0" in pages


def test_all_visitors_together_have_a_bound(held):
    pages, _, _ = held
    for number in range(PAGES_OF_ALL + 50):
        open_page(pages, f"page {number}", f"visitor {number // 20}")
    assert len(pages.session_data) == PAGES_OF_ALL


@pytest.mark.parametrize(("closed", "kept"), [(False, SILENT), (True, CLOSED)])
def test_a_page_is_forgotten_when_its_time_is_over(held, closed, kept):
    pages, state, released = held
    open_page(pages, PAGE)
    pages[PAGE][state] = "a model"
    pages[PAGE].is_closed = closed
    used = pages.time_last_used[PAGE]
    assert pages.forget(used + kept - timedelta(seconds=1)) == 0 and PAGE in pages
    assert pages.forget(used + kept + timedelta(seconds=1)) == 1
    assert PAGE not in pages and PAGE not in pages.time_last_used and released == ["a model"]


def test_a_closed_page_that_is_used_again_is_kept(held):
    pages, _, _ = held
    open_page(pages, PAGE, closed=True)
    pages.time_last_used[PAGE] = datetime.now() - 2 * CLOSED
    pages[PAGE]  # an event of it
    assert pages.forget(datetime.now()) == 0 and PAGE in pages


def test_a_forgotten_page_that_comes_back_begins_anew(held):
    pages, state, _ = held
    open_page(pages, PAGE)
    pages[PAGE][state] = "a model"
    pages.forget(datetime.now() + 2 * SILENT)
    assert pages[PAGE][state] == "" and PAGE in pages


def test_a_visitor_opens_only_so_many_connections(held, monkeypatch):
    monkeypatch.setattr(module, "STREAMS_OF_ONE", 2)
    pages, _, _ = held
    with pages.stream(VISITOR, "a", True, True), pages.stream(VISITOR, "b", True, True):
        with pytest.raises(Refused, match="Too many pages"), pages.stream(VISITOR, "c", True, True):
            pass
        with pages.stream("another", "c", True, True), pages.stream(VISITOR, "d", True, limited=False):
            pass
    with pages.stream(VISITOR, "c", True, True):
        pass


def test_answers_that_nobody_fetches_are_forgotten_and_bounded(held, monkeypatch):
    monkeypatch.setattr(module, "ANSWERS_OF_ONE", 3)
    pages, _, _ = held
    queue = pages.blocks._queue
    for number in range(3):
        pages.check_unread(VISITOR)
        pages.expects(VISITOR, f"call {number}")
        queue.pending_messages_per_session[f"call {number}"] = asyncio.Queue()
        queue.pending_event_ids_session[f"call {number}"] = {f"event {number}"}
    with pytest.raises(Refused, match="not fetched"):
        pages.check_unread(VISITOR)
    pages.check_unread("another")
    with pages.stream(VISITOR, "call 0", False, True):  # fetched
        pages.check_unread(VISITOR)
    queue.event_ids_to_events["event 1"] = object()  # not answered yet
    assert pages.forget_answers(datetime.now()) == 0
    assert pages.forget_answers(datetime.now() + UNREAD + timedelta(seconds=1)) == 1
    assert set(queue.pending_messages_per_session) == {"call 0", "call 1"}


def test_answers_of_an_open_page_do_not_count(held):
    pages, _, _ = held
    with pages.stream(VISITOR, PAGE, is_page=True, limited=True):
        pages.expects(VISITOR, PAGE)
    assert not pages._unread
