"""The Codebook tab: the map of all codes, what each one means, which are dead and why."""

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from explorer.analysis.positions import perplexity_by_position
from explorer.analysis.usage import Usage, by_level, conclusion, entropy, merged, rarefaction
from explorer.core.errors import ExplorerError
from explorer.core.tokenizer import KeepsCounters
from explorer.core.untrusted_json import read_object
from explorer.models import registry
from explorer.plots.usage import position_figure, rank_figure, rarefaction_figure
from explorer.services.occurrences import occurrences_of
from explorer.services.reference import reference_usage
from explorer.services.scan import scan
from explorer.ui.calls import plain_function
from explorer.ui.codebook_calls import CodebookCalls
from explorer.ui.components import CodebookView, uploaded_files
from explorer.ui.context import AppContext
from explorer.ui.errors import spoken
from explorer.ui.shared import Session

TITLE = "Codebook"
REFERENCE, PICTURE, UPLOADED = "reference", "picture", "uploaded"
SOURCES = (("Held-out pictures", REFERENCE), ("This picture", PICTURE), ("My pictures", UPLOADED))
UNCOUNTED = (
    "Held-out pictures were counted for bundled models alone, so nothing is known here of which codes this one uses. "
    "Choose “This picture”, or count “My pictures”."
)
AT_ONCE = 4
"""Uploaded pictures between two updates of the figures."""


@dataclass(frozen=True)
class Asked:
    """What the view wants statistics of: a level of a model; codes seen at most `at_most` times count as dead."""

    model: str = ""
    level: str = ""
    at_most: int = 0

    @classmethod
    def read(cls, text: str) -> "Asked":
        given = read_object(text, "This request")
        return cls(str(given.get("model", "")), str(given.get("level", "")), int(given.get("at_most", 0)))


@dataclass(frozen=True, eq=False)  # as a gr.State, every new one is a change
class Counted:
    """Usage per level of a model over pictures that were uploaded, and which of them were unreadable, and why."""

    model: str = ""
    usage: dict[str, Usage] = field(default_factory=dict, repr=False)
    unreadable: tuple[str, ...] = ()


class CodebookTab:
    """The tab's layout and handlers."""

    def __init__(self, context: AppContext):
        self.context, self.calls = context, CodebookCalls(context)

    def build(self, session: gr.State) -> None:
        """Lay out the tab."""
        calls = (self.calls.map, self.calls.stop, self.calls.facts, self.calls.code)
        uploaded = gr.State(Counted())
        with gr.Row(elem_id="codebook"):
            with gr.Column(scale=3, min_width=320):
                view = CodebookView([plain_function(call) for call in calls], elem_id="codebook-view")
            with gr.Column(scale=2, min_width=300, elem_id="codebook-statistics"):
                source = gr.Radio(SOURCES, value=REFERENCE, show_label=False, elem_id="usage-source")
                with gr.Column(visible=False) as upload:
                    files = gr.File(
                        file_count="multiple", file_types=["image"], height=120, show_label=False, elem_id="usage-files"
                    )
                    stop = gr.Button("Stop counting", size="sm")
                figures = gr.HTML(apply_default_css=False, elem_id="usage-figures")
                gr.HTML(
                    _heading("Codes found", "expected in so many tokens; dashed: even use"), apply_default_css=False
                )
                grown = gr.Plot(show_label=False, elem_id="rarefaction")
                gr.HTML(
                    _heading("Usage by rank", "share of tokens, log scale; dashed: even use"), apply_default_css=False
                )
                rank = gr.Plot(show_label=False, elem_id="rank")
                with gr.Column(visible=False, elem_id="variety") as variety:
                    gr.HTML(
                        _heading("Variety by place", "perplexity of the codes in each part of the held-out pictures"),
                        apply_default_css=False,
                    )
                    places = gr.Plot(show_label=False)
        common = {"show_progress": "hidden", "api_visibility": "private"}
        shown, given = [figures, grown, rank, variety, places], [view, source, session, uploaded]
        for asked in (view.asked, source.input, uploaded.change):
            asked(self.on_asked, given, shown, trigger_mode="always_last", **common)
        source.input(lambda chosen: gr.update(visible=chosen == UPLOADED), source, upload, queue=False, **common)
        counting = files.upload(self.on_files, [files, view, session], uploaded, **common)
        stop.click(None, cancels=[counting], queue=False, api_visibility="private")

    @spoken
    def on_asked(self, text: str, source: str, session: Session, uploaded: Counted):
        """Figures, rarefaction and rank plot of what the view shows, counted over the chosen source."""
        asked = Asked.read(text)
        if not asked.model:
            return (gr.skip(),) * 5
        if source == UPLOADED:
            return self._uploaded(asked, uploaded)
        if source == REFERENCE and not registry.has(asked.model):
            notes = [UNCOUNTED, *self._counters(asked)]
            return "".join(map(_sentence, notes)), None, None, gr.update(visible=False), None
        if source == REFERENCE:
            return self._shown(asked, reference_usage(asked.model), places=_places(asked))
        if session.codes is None or session.model != asked.model:
            raise ExplorerError("The picture of this page was coded by another model. Choose the picture again.")
        return self._shown(asked, by_level(self.context.store.spec(asked.model), session.codes))

    @spoken
    def on_files(self, paths: Sequence[str] | None, text: str, session: Session) -> Iterator[Counted]:
        """Count the codes of uploaded pictures; what was counted before a stop stays.

        Every count that is new is a question of its own (`on_asked`), so that the figures grow along with it
        where they are looked at, and nowhere else.
        """
        asked = Asked.read(text)
        if not paths or not asked.model:
            return
        tokenizer, total = self.context.store.get(asked.model), Counted(asked.model)
        for batch in scan(tokenizer, uploaded_files(paths), session.size, session.how, AT_ONCE):
            total = Counted(
                asked.model,
                merged(total.usage, batch.usage),
                total.unreadable + tuple(f"{name}: {why}" for name, why in batch.unreadable),
            )
            yield total

    def _uploaded(self, asked: Asked, uploaded: Counted) -> tuple:
        if uploaded.model != asked.model or not uploaded.usage:
            why = f" None could be read. {uploaded.unreadable[0]}" if uploaded.unreadable else ""
            note = f"Choose pictures above: their codes are counted with this model, at the size set at the left.{why}"
            return _sentence(note), None, None, gr.update(visible=False), None
        return self._shown(asked, uploaded.usage, uploaded.unreadable)

    def _shown(
        self,
        asked: Asked,
        levels: Mapping[str, Usage],
        unreadable: Sequence[str] = (),
        places: go.Figure | None = None,
    ) -> tuple:
        usage = levels[asked.level]
        notes = [conclusion(usage), *self._counters(asked)]
        if unreadable:
            notes.append(f"{len(unreadable)} could not be read, the first is {unreadable[0]}")
        curve = rarefaction(usage.counts)
        return (
            strip(usage, asked.at_most) + "".join(_sentence(note) for note in notes) + levels_table(levels),
            rarefaction_figure(curve.tokens, curve.used, curve.ceiling),
            rank_figure(usage.shares),
            gr.update(visible=places is not None),
            places,
        )

    def _counters(self, asked: Asked) -> list[str]:
        """What the checkpoint counted itself while it was trained, in words."""
        tokenizer = self.context.store.get(asked.model)
        found = tokenizer.counters(asked.level) if isinstance(tokenizer, KeepsCounters) else {}
        return [
            f"The checkpoint's counter ({what}): {np.count_nonzero(counts >= 0.01):,} of {len(counts):,} codes used at "
            f"least once in 100 batches, spread as over {2 ** entropy(counts):,.0f} equally likely ones."
            for what, counts in found.items()
        ]


def strip(usage: Usage, at_most: int) -> str:
    """The figures, as HTML."""
    mass, possible = usage.unseen_mass, usage.possible
    over = f" of {usage.pictures:,} picture{'s' if usage.pictures > 1 else ''}" if usage.pictures else ""
    dead = len(usage.dead(at_most))
    unseen = (
        (
            _percent(mass.value),
            "%",
            f"of tokens are of codes not seen yet (Good–Turing; {_percent(mass.low)} to {_percent(mass.high)})",
        ),
        (
            f"{possible.value:,.0f}",
            "",
            f"codes can occur, or more (Chao1; {possible.low:,.0f} to {possible.high:,.0f})",
        ),
    )
    cells = (
        (
            f"{usage.used:,}",
            f"of {usage.size:,}",
            f"codes used in {usage.tokens:,} tokens{over}; ceiling {100 * usage.ceiling:.1f} %",
        ),
        (f"{dead:,}", "", "dead: never seen" if not at_most else f"dead: seen at most {at_most:,} times"),
        (f"{usage.perplexity:,.0f}", "", f"perplexity; {usage.entropy:.2f} bits per token"),
        *(unseen if usage.pictures != 1 else ()),  # pictures are compared for it, and one has nothing to compare
        (f"{usage.size and 100 * usage.used / usage.size:.1f}", "%", "used share; read it beside the ceiling"),
    )
    items = "".join(
        f"<div><b>{value} <small>{unit}</small></b><span>{html.escape(label)}</span></div>"
        for value, unit, label in cells
    )
    return f"<div class='tv cv-strip-figures'><div class='tv-measures'>{items}</div></div>"


def _percent(share: float) -> str:
    """Two digits that tell, never an exponent of ten for what is large."""
    return f"{100 * share:.0f}" if share >= 0.1 else f"{100 * share:.2g}"


def _places(asked: Asked) -> go.Figure | None:
    """How varied the codes are in each part of the held-out pictures, where that was recorded."""
    seen = occurrences_of(asked.model, asked.level)
    return position_figure(perplexity_by_position(seen.positions)) if seen else None


def levels_table(levels: Mapping[str, Usage]) -> str:
    """Usage by level, as HTML; nothing of a single one."""
    if len(levels) < 2:
        return ""
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{usage.used:,} of {usage.size:,}</td>"
        f"<td>{100 * usage.ceiling:.1f} %</td><td>{usage.perplexity:,.0f}</td><td>{usage.tokens:,}</td></tr>"
        for name, usage in levels.items()
    )
    heads = "".join(f"<th>{head}</th>" for head in ("level", "used", "ceiling", "perplexity", "tokens"))
    return f"<div class='tv cv-table'><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"


def _heading(title: str, note: str) -> str:
    return f"<div class='tv'><div class='tv-head'><h3>{title}</h3><span class='tv-fact'>{note}</span></div></div>"


def _sentence(text: str) -> str:
    return f"<div class='tv'><p class='tv-sentence'>{html.escape(text)}</p></div>"
