"""Check this model: the self-test of the model that the page shows, as a table."""

import html
from collections.abc import Sequence

import gradio as gr

from explorer.analysis.self_test import Check
from explorer.services.checking import check
from explorer.ui.context import AppContext
from explorer.ui.errors import spoken
from explorer.ui.shared import Session


class SelfTest:
    """The button below the model's facts, and what it found."""

    def __init__(self, context: AppContext):
        self.context = context

    def build(self, session: gr.State, facts: gr.HTML) -> None:
        """Lay it out; another model's facts take the table away, and the button where there are no codes to check."""
        run = gr.Button("Check this model", size="sm", elem_id="check-model")
        found = gr.HTML(apply_default_css=False, elem_id="checks")
        common = {"api_visibility": "private", "concurrency_id": "check", "concurrency_limit": 1}
        run.click(self.on_check, session, found, show_progress_on=run, **common)
        facts.change(self.on_facts, session, [run, found], queue=False, api_visibility="private")

    @spoken
    def on_facts(self, session: Session) -> tuple:
        """Of the model that is shown now: its button, and no table yet."""
        return gr.update(visible=bool(self.context.store.spec(session.model).levels)), ""

    @spoken
    def on_check(self, session: Session) -> str:
        """The table of the model that is shown."""
        return checks_table(check(self.context.store.get(session.model)))


def checks_table(rows: Sequence[Check]) -> str:
    """A line per check, as HTML."""
    lines = "".join(
        f"<dt><span class='{'held' if row.holds else 'broken'}'>{'holds' if row.holds else 'fails'}</span> "
        f"{html.escape(row.what)}</dt><dd>{html.escape(row.found)}</dd>"
        for row in rows
    )
    return f"<div class='checks' role='status'><dl>{lines}</dl></div>"
