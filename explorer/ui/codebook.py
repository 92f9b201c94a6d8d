"""The Codebook tab: the map of all codes, what each one means, which are dead and why."""

import json
from dataclasses import dataclass

import gradio as gr
import numpy as np

from explorer.analysis.usage import Usage, sampling_ceiling
from explorer.core.errors import ExplorerError
from explorer.models import registry
from explorer.plots.usage import rank_figure, rarefaction_figure
from explorer.services.reference import reference
from explorer.ui.calls import plain_function
from explorer.ui.codebook_calls import CodebookCalls
from explorer.ui.components import CodebookView
from explorer.ui.context import AppContext
from explorer.ui.errors import spoken
from explorer.ui.shared import Session

TITLE = "Codebook"
SOURCES = (("Held-out pictures", "reference"), ("This picture", "picture"))


@dataclass(frozen=True)
class Asked:
    """What the view wants statistics of: a level of a model; codes seen at most `at_most` times count as dead."""

    model: str
    level: str
    at_most: int = 0


class CodebookTab:
    """The tab's layout and handlers."""

    def __init__(self, context: AppContext):
        self.calls = CodebookCalls(context)

    def build(self, session: gr.State) -> None:
        """Lay out the tab."""
        calls = (self.calls.map, self.calls.stop, self.calls.facts, self.calls.code)
        with gr.Row(elem_id="codebook"):
            with gr.Column(scale=3, min_width=320):
                view = CodebookView([plain_function(call) for call in calls], elem_id="codebook-view")
            with gr.Column(scale=2, min_width=300, elem_id="codebook-statistics"):
                source = gr.Radio(SOURCES, value="reference", show_label=False, elem_id="usage-source")
                figures = gr.HTML(apply_default_css=False, elem_id="usage-figures")
                gr.HTML(
                    _heading("Codes found as tokens grow", "dashed: an evenly used codebook"), apply_default_css=False
                )
                rarefaction = gr.Plot(show_label=False, elem_id="rarefaction")
                gr.HTML(_heading("Usage by rank", "share of tokens, log scale; dashed: even"), apply_default_css=False)
                rank = gr.Plot(show_label=False, elem_id="rank")
        common = {
            "outputs": [figures, rarefaction, rank],
            "trigger_mode": "always_last",
            "show_progress": "hidden",
            "api_visibility": "private",
        }
        view.asked(self.on_asked, [view, source, session], **common)
        source.input(self.on_asked, [view, source, session], **common)

    @spoken
    def on_asked(self, text: str, source: str, session: Session):
        """Figures, rarefaction and rank plot of what the view shows, counted over the chosen source."""
        asked = Asked(**{key: value for key, value in json.loads(text).items() if key != "picture"})
        usage = counted(asked, source, session)
        at = np.unique(np.geomspace(1, max(2, usage.tokens), 80).round().astype(np.int64))
        even = np.array([usage.size * sampling_ceiling(usage.size, int(n)) for n in at])
        return (
            strip(usage, asked),
            rarefaction_figure(at, even, even),
            rank_figure(np.sort(usage.counts)[::-1] / max(1, usage.tokens)),
        )


def counted(asked: Asked, source: str, session: Session) -> Usage:
    """The counts of a source: the shipped reference, or the picture of the session."""
    spec = registry.spec(asked.model)
    size = spec.codebook(asked.level).size
    if source == "reference":
        return Usage(reference(asked.model).counts[asked.level])
    if session.codes is None or session.model != asked.model:
        raise ExplorerError("The picture of this page was coded by another model. Choose it again.")
    return Usage.of(session.codes[asked.level], size)


def strip(usage: Usage, asked: Asked) -> str:
    """The three figures and the sentence, as HTML."""
    cells = (
        (
            f"{usage.used:,}",
            f"of {usage.size:,}",
            f"codes used; ceiling {100 * usage.ceiling:.1f} % for {usage.tokens:,} tokens",
        ),
        (f"{usage.perplexity:,.1f}", "", "perplexity: as many evenly used codes"),
        (f"{usage.chao1:,.0f}", "", "codes in reach (Chao1)"),
    )
    items = "".join(
        f"<div><b>{value} <small>{unit}</small></b><span>{label}</span></div>" for value, unit, label in cells
    )
    return f"<div class='tv cv-strip-figures'><div class='tv-measures'>{items}</div></div>"


def _heading(title: str, note: str) -> str:
    return f"<div class='tv'><div class='tv-head'><h3>{title}</h3><span class='tv-fact'>{note}</span></div></div>"
