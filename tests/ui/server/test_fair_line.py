"""The fair line: visitors take turns."""

from types import SimpleNamespace

import gradio as gr

from explorer.ui.server.fair_line import FairLine, take_turns


def event(visitor: str, number: int):
    return SimpleNamespace(request=SimpleNamespace(scope={"client": (visitor, 1)}), name=f"{visitor}{number}")


def lined_up(*names: str) -> list[str]:
    line, times = FairLine(), {}
    for name in names:
        times[name] = times.get(name, 0) + 1
        line.append(event(name, times[name]))
    return [one.name for one in line]


def test_whoever_asks_for_much_waits_behind_those_who_ask_for_little():
    assert lined_up("a", "a", "a", "a", "b") == ["a1", "b1", "a2", "a3", "a4"]
    assert lined_up("a", "a", "a", "b", "b", "c") == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_the_order_of_coming_decides_within_a_turn():
    assert lined_up("a", "b", "c") == ["a1", "b1", "c1"]
    assert lined_up("a", "b", "a", "b") == ["a1", "b1", "a2", "b2"]


def test_gradio_keeps_its_lines_in_fair_order():
    take_turns()
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.Button().click(lambda: None, None, None)
    queue = blocks.queue()._queue
    queue.create_event_queue_for_fn(next(iter(blocks.fns.values())))
    [line] = queue.event_queue_per_concurrency_id.values()
    assert isinstance(line.queue, FairLine)
