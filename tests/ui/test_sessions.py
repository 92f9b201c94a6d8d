"""Sessions: forgotten in time, with what they hold released, and not before."""

from datetime import datetime, timedelta

import gradio as gr
import pytest
from gradio.state_holder import StateHolder

from explorer.ui.sessions import CALL, CLOSED, SILENT, forget

PAGE, CALLED = "k2j9x0ab1cd", "0123456789abcdef0123456789abcdef"


@pytest.fixture
def held():
    """(sessions of an app, the key of its State, what was released)."""
    released = []
    with gr.Blocks(analytics_enabled=False) as blocks:
        state = gr.State("", delete_callback=released.append)
    blocks.state_session_capacity = 100
    holder = StateHolder()
    holder.set_blocks(blocks)
    return holder, state._id, released


@pytest.mark.parametrize(
    ("id", "closed", "kept"),
    [(PAGE, False, SILENT), (PAGE, True, CLOSED), (CALLED, False, CALL), (CALLED, True, CLOSED)],
)
def test_a_session_is_forgotten_when_its_time_is_over(held, id, closed, kept):
    holder, state, released = held
    holder[id][state] = "a model"
    holder[id].is_closed = closed
    used = holder.time_last_used[id]
    assert forget(holder, used + kept - timedelta(seconds=1)) == 0 and id in holder
    assert forget(holder, used + kept + timedelta(seconds=1)) == 1
    assert id not in holder and id not in holder.time_last_used and released == ["a model"]


def test_a_closed_page_that_is_used_again_is_kept(held):
    holder, _, _ = held
    holder[PAGE].is_closed = True
    holder.time_last_used[PAGE] = datetime.now() - 2 * CLOSED
    holder[PAGE]  # an event of it
    assert forget(holder, datetime.now()) == 0 and PAGE in holder
