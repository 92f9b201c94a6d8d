"""Texts from outside: never HTML in the page, never a line of their own in a log. In Chromium: tests/browser."""

import ast
import asyncio
import dataclasses
import io
import logging
import re
from html.parser import HTMLParser
from pathlib import Path

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from explorer.analysis.self_test import Check
from explorer.core.errors import CodesError
from explorer.core.quoting import LONGEST, quoted, sentence
from explorer.models import registry
from explorer.plots.rate import rate_figure
from explorer.ui.errors import Page, inform, spoken, warn
from explorer.ui.self_test import checks_table
from explorer.ui.server.logs import OneLine, Printed, guard_logs
from explorer.ui.shared import facts, summary

EXPLORER = Path(registry.__file__).parents[1]
HTML = '<a href="https://example.com">log in again</a><img src=x onerror="alert(1)">'
FORGED = 'x\n{"status": 200}\r\x1b[31m\u2028\u202e\ud800'


def page(error):
    """An app with one event of the page and one endpoint, which both fail."""

    def broken(text):
        raise error

    with Page(analytics_enabled=False) as app:
        text, choice = gr.Textbox(), gr.Dropdown(["a"])
        gr.Button().click(spoken(broken), text, api_visibility="private")
        gr.Button().click(spoken(broken), text, api_name="endpoint")
        gr.Button().click(lambda one: None, choice, api_visibility="private")
    return app


def message(app, number, value="x"):
    with pytest.raises(gr.Error) as raised:
        asyncio.run(app.process_api(app.fns[number], [value], SessionState(app)))
    assert raised.value.print_exception is False
    return raised.value.message


def test_a_message_of_the_page_is_text_and_an_endpoint_answers_as_it_is():
    app = page(CodesError(f"There is no {HTML}."))
    assert "<" not in message(app, 0) and "&lt;a href=" in message(app, 0)
    assert message(app, 1) == f"There is no {HTML}."


def test_what_gradio_says_itself_is_text_too():
    app = page(CodesError("x"))
    assert "&lt;a href=" in message(app, 2, HTML) and "<" not in message(app, 2, HTML)
    assert "\n" not in message(app, 2, FORGED)


@pytest.mark.parametrize(("say", "name"), [(inform, "Info"), (warn, "Warning")])
def test_notes_are_text(monkeypatch, say, name):
    told = []
    monkeypatch.setattr(gr, name, lambda text, **_: told.append(text))
    say(f"{HTML}: turned upright.")
    assert "<" not in told[0] and told[0].endswith("turned upright.")


def test_messages_are_made_in_one_place():
    for file in EXPLORER.rglob("*.py"):
        calls = [
            node.func for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
        ]
        made = {ast.unparse(call) for call in calls} & {"gr.Info", "gr.Warning", "gr.Success", "gr.Blocks"}
        assert not made or file.name == "errors.py" or "bench" in file.parts, f"{file.name} calls {made}"


class Tags(HTMLParser):
    """The tags of an HTML text."""

    def __init__(self, text):
        super().__init__()
        self.found = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)


def test_the_texts_of_a_config_are_text():
    spec = registry.spec("vqvae2.caltech_f4f8_512")
    usage = {HTML: next(iter(spec.evaluation["held_out"]["usage"].values()))}
    texts = dict.fromkeys(("id", "title", "family", "summary", "trained_on", "source", "licence", "sha256"), HTML)
    books = tuple(dataclasses.replace(book, variant=HTML) for book in spec.codebooks)
    books = (books[0], dataclasses.replace(books[1], size=7))
    levels = tuple(dataclasses.replace(level, name=f"{HTML}{number}") for number, level in enumerate(spec.levels))
    evaluation = {**spec.evaluation, "held_out": {"usage": {**usage, "top": next(iter(usage.values()))}}}
    hostile = dataclasses.replace(spec, codebooks=books, levels=levels, evaluation=evaluation, **texts)
    assert Tags(facts(hostile, HTML)).found == {"div", "h2", "dl", "dt", "dd", "small", "code"}
    assert Tags(summary(hostile)).found == {"div"}
    assert Tags(checks_table([Check(HTML, True, HTML)])).found == {"div", "dl", "dt", "dd", "span"}
    figure = rate_figure([(HTML, (1.0, 30.0))], {}, [(HTML, 31.0)])
    assert all("<" not in trace.name and "&lt;a" in trace.name for trace in figure.data)


def test_scripts_of_the_page_make_no_html_of_what_they_are_sent():
    allowed = {"body.innerHTML = step.body;": 1}  # the Guide's own texts
    for file in (EXPLORER / "ui" / "assets").rglob("*.js"):
        for line in file.read_text(encoding="utf-8").splitlines():
            made = re.search(r"(inner|outer)HTML\s*\+?=[^=]|insertAdjacentHTML|document\.write|srcdoc|\beval\(", line)
            assert not made or any(known in line for known in allowed), f"{file.name}: {line.strip()[:100]}"
            inserted = re.search(r"<(p|h\d|td|li|span|div)[^`]*\$\{", line)
            assert not inserted, f"{file.name} puts a value into HTML: {line.strip()[:100]}"
    for file in (EXPLORER / "ui" / "assets").rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert "${" not in text and "{{" not in text, f"{file.name} is a template, which runs what is put into it"


def test_a_log_has_one_line_for_a_record_whatever_it_repeats():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(OneLine("%(message)s"))
    log = logging.Logger("a log")
    log.addHandler(handler)
    log.info("opened %s", FORGED)
    try:
        raise ValueError(FORGED)
    except ValueError:
        log.exception("failed on %s", FORGED)
    first, *rest = stream.getvalue().split("\n")
    assert first == r'opened x\n{"status": 200}\r\x1b[31m\u2028\u202e\ud800'
    assert rest[0].startswith("failed on x") and all(line.startswith("  | ") for line in rest[1:-1]) and len(rest) > 4
    assert all(line.isprintable() for line in (first, *rest))


def test_what_is_printed_is_logged(caplog):
    with caplog.at_level(logging.INFO, "printed"):
        print("id=a\nFORGED", file=Printed())  # no lone surrogate: the test runner could not report it
    assert caplog.messages == ["id=a\nFORGED"]


def test_all_handlers_are_guarded():
    handler = logging.StreamHandler(io.StringIO())
    for name in ("", "uvicorn.error", "gradio"):
        log = logging.getLogger(name)
        log.addHandler(handler)
        try:
            guard_logs()
            assert isinstance(handler.formatter, OneLine), name
        finally:
            log.removeHandler(handler)
            handler.setFormatter(None)
    logging.captureWarnings(False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[Errno 28] No space: '/root/a folder/x.npz'", "[Errno 28] No space: 'x.npz'"),
        ("/home/somebody/checkpoints/a/weights.safetensors is damaged.", "weights.safetensors is damaged."),
        (r"C:\Users\somebody\x.png is gone.", "x.png is gone."),
        ("See /gradio_api/info, https://example.com/a/b and /models.", None),
        ("Give rows/columns, 1/2 or 3 / 4.", None),
        (FORGED, r'x\n{"status": 200}\r\x1b[31m\u2028\u202e\ud800'),
    ],
)
def test_sentences(text, shown):
    assert sentence(text) == (text if shown is None else shown)


LARGE = {
    "a text": "y" * 10**6,
    "a list": ["y" * 10**6] * 1000,
    "an object": {"y" * 10**6: 1},
    "a number": 10**5000,
    "lines": FORGED * 1000,
}


@pytest.mark.parametrize("kind", LARGE)
def test_little_is_repeated(kind):
    assert len(quoted(LARGE[kind])) <= 80 and quoted(LARGE[kind]).isprintable()


def test_a_sentence_has_an_end():
    assert len(sentence("y" * 10**6)) == LONGEST and len(sentence(FORGED * 1000)) == LONGEST
