"""The Compare tab: one picture through several models, and through JPEG and WebP in as many bytes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from explorer.analysis.codecs import Coded, rate_curve
from explorer.core.untrusted_json import read_object
from explorer.plots.palette import hashed_colours
from explorer.plots.payload import data_url, error_picture, near_square
from explorer.plots.rate import rate_figure
from explorer.services.comparison import (
    Compared,
    check_models,
    compared,
    figures_of,
    figures_of_file,
    files_within,
    plan,
)
from explorer.ui.components import CompareView
from explorer.ui.context import AppContext
from explorer.ui.errors import spoken
from explorer.ui.shared import Session

TITLE = "Compare"
FIRST = 3
"""Models that are chosen when the tab is first opened."""


@dataclass(frozen=True)
class Wanted:
    """What the view asks for. equal_bits: every model is run at the size where its codes cost what the first's do."""

    models: tuple[str, ...] = ()
    equal_bits: bool = False

    @classmethod
    def read(cls, text: str) -> "Wanted":
        given = read_object(text, "This request")
        return cls(tuple(map(str, given.get("models", ()))), bool(given.get("equal_bits", False)))


class CompareTab:
    """The tab's layout and handlers."""

    def __init__(self, context: AppContext):
        self.context = context

    def build(self, session: gr.State) -> None:
        """Lay out the tab."""
        models = [{"id": id, "title": self.context.store.spec(id).title} for id in self.context.models]
        with gr.Column(elem_id="compare"):
            view = CompareView(models=models, chosen=[model["id"] for model in models[:FIRST]], elem_id="compare-view")
            plot = gr.Plot(show_label=False, elem_id="rate")
        view.asked(
            self.on_asked,
            [view, session],
            [view, plot],
            trigger_mode="always_last",
            concurrency_id="compare",
            concurrency_limit=1,
            show_progress="hidden",
            api_visibility="private",
        )

    @spoken
    def on_asked(self, text: str, session: Session) -> Iterator[tuple]:
        """The picture of the page through the wanted models, one after the other; last the formats and the figure."""
        wanted = Wanted.read(text)
        check_models(wanted.models)
        specs = [self.context.store.spec(id) for id in wanted.models]
        made = plan(specs, session.picture(), session.size, session.how, wanted.equal_bits)
        original, rated = made.original, made.rated
        page: dict[str, Any] = {
            "asked": text,
            "name": session.name,
            "original": {"picture": data_url(original), "width": original.shape[1], "height": original.shape[0]},
            "rated": rated.title if rated else "",
            "models": [],
            "formats": [],
        }
        found: list[Compared] = []
        for spec, size in zip(specs, made.sizes, strict=True):
            yield gr.update(result=json.dumps({**page, "waiting": spec.title})), gr.skip()
            found.append(compared(self.context.store.get(spec.id), size, original))
            colours = self.context.store.reference(spec.id).colours
            page["models"].append(_shown(found[-1], original, colours))
        page["formats"] = [_shown_file(coded, original) for coded in files_within(original, made.bits)]
        yield gr.update(result=json.dumps(page)), _figure(found, original)


def _shown(one: Compared, original: np.ndarray, colours: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What the view is sent of one model; colours: (K, 3) per level."""
    level = one.spec.levels[-1].name if one.spec.levels else ""
    return {
        **figures_of(one, original.shape[0] * original.shape[1]),
        "picture": data_url(one.pixels),
        "error": data_url(error_picture(original, one.pixels), 90),
        "map": data_url(_token_map(one, level, colours)) if level else "",
        "level": level if len(one.spec.levels) > 1 else "",
    }


def _shown_file(one: Coded, original: np.ndarray) -> dict[str, Any]:
    return {
        **figures_of_file(one, original),
        "picture": data_url(one.pixels),
        "error": data_url(error_picture(original, one.pixels), 90),
        "map": "",
    }


def _token_map(one: Compared, level: str, colours: Mapping[str, np.ndarray]) -> np.ndarray:
    """A pixel per cell in the colour of its code, (h, w, 3) uint8."""
    codes = one.found.codes[level][0]
    codes = codes if codes.ndim == 2 else codes.reshape(near_square(codes.size))
    return colours[level][codes] if level in colours else hashed_colours(one.spec.codebook(level).size)[codes]


def _figure(found: Sequence[Compared], original: np.ndarray):
    pixels = original.shape[0] * original.shape[1]
    rated = [(one.spec.title, (one.bits / pixels, one.psnr)) for one in found if one.bits]
    curves = {
        name: [(8 * coded.bytes / pixels, coded.psnr) for coded in rate_curve(original, codec)]
        for codec, name in (("jpeg", "JPEG"), ("webp", "WebP"))
    }
    return rate_figure(rated, curves, [(one.spec.title, one.psnr) for one in found if not one.bits])
