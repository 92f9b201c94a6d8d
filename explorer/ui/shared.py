"""Shared: what a visitor's page remembers between events, and the words about models that all tabs use."""

import html
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from explorer.core.codes import Codes
from explorer.core.errors import ExplorerError
from explorer.core.images import Fit
from explorer.core.spec import Level, TokenizerSpec
from explorer.core.tokenizer import Tokenizer
from explorer.models import registry
from explorer.plots.payload import data_url, model_payload
from explorer.services.appearance import swatches_of
from explorer.services.examples import example
from explorer.services.published import OWN
from explorer.services.tokenization import MAX_SIDE
from explorer.ui.context import Store

MOST_LEVELS = 4
"""Levels that the facts list one by one."""
SIZES = (128, 256, 384, 512, MAX_SIDE)
FITS: tuple[tuple[str, Fit], ...] = (("Whole picture", "whole"), ("Centre square", "square"))


@dataclass(frozen=True)
class Session:
    """One visitor's state. source: pixels (H, W, 3) uint8 of an upload; else the example named `name`.

    loaded: the codes came from a file, so that there is no picture to encode again.
    """

    model: str
    name: str
    codes: Codes | None = field(repr=False)
    source: np.ndarray | None = field(default=None, repr=False)
    loaded: bool = False
    size: int = 256
    how: Fit = "whole"

    def pixels(self, spec: TokenizerSpec) -> np.ndarray:
        """The picture, fitted to the session's size, or to the only one that the model takes."""
        return spec.fitted(self.picture(), self.size, self.how)

    def picture(self) -> np.ndarray:
        """The picture as it came, (H, W, 3) uint8; an ExplorerError where there are only codes."""
        if self.loaded:
            raise ExplorerError(
                "These codes came from a file, without their picture, so there is nothing to encode again. "
                "Choose or upload a picture first."
            )
        return example(self.name) if self.source is None else self.source


@lru_cache(maxsize=16)
def model_view(store: Store, id: str) -> str:
    """The model payload of the canvases."""
    found = store.reference(id)
    return model_payload(store.spec(id), found.colours, found.counts, found.swatches)


def unsent_swatches(store: Store, tokenizer: Tokenizer, level: str, codes: np.ndarray) -> dict[str, list[str]]:
    """{swatches: data URLs of what the codes decode to}, [] where they can't be had; {} where the page was sent that
    of every code."""
    if level in store.reference(tokenizer.spec.id).swatches:
        return {}
    pictures = swatches_of(tokenizer, level, codes)
    return {"swatches": [] if pictures is None else [data_url(picture) for picture in pictures]}


def origin(id: str) -> str:
    """Where a model is from, in words."""
    return "Bundled" if registry.has(id) else "Your own" if id.startswith(OWN) else "From the Hub"


def summary(spec: TokenizerSpec) -> str:
    """One line under the model's name."""
    side = f" Takes only {spec.side} × {spec.side} pixels: the centre square." if spec.side else ""
    return f"<div id='summary'>{origin(spec.id)} · {html.escape(spec.summary)}{side}</div>"


def facts(spec: TokenizerSpec, device: str) -> str:
    """The model's facts as an HTML list; every figure with its unit and its N."""
    rows = []
    variant = (
        spec.codebooks[0].variant if spec.codebooks else f"floats, one set per {spec.multiple} × {spec.multiple} px"
    )
    rows.append(("Quantizer", html.escape(_QUANTIZERS.get(spec.family, spec.family)) + _small(variant)))
    if len(spec.levels) <= MOST_LEVELS:
        rows += _of_levels({level.name: _codebook(spec, level) for level in spec.levels})
        rows += _of_levels({level.name: _placed(level) for level in spec.levels})
    else:
        books = ", ".join(f"{book.size:,} × {book.dim}" for book in spec.codebooks)
        grids = [" × ".join(map(str, spec.shape(level.name, spec.side or 0, spec.side or 0))) for level in spec.levels]
        rows.append(("Codebook", books + _small("shared by all levels" if len(spec.codebooks) == 1 else "")))
        rows.append(("Levels", f"{len(grids)}, {grids[0]} to {grids[-1]} codes"))
    rows.append(("Parameters", f"{spec.parameters / 1e6:.1f} M"))
    by = "by this project" if registry.has(spec.id) else ""
    rows.append(("Trained on", html.escape(spec.trained_on.split(" (")[0]) + _small(by)))
    rows.append(("Licence", html.escape(spec.licence)))
    kodak, held_out = spec.evaluation.get("kodak"), spec.evaluation.get("held_out")
    if kodak:
        rows.append(
            (
                "Kodak",
                f"{kodak['psnr']:.2f} dB PSNR"
                + _small(f"SSIM {kodak['ssim']:.3f}; {kodak['pictures']} pictures at {kodak['size']} px"),
            )
        )
    if held_out:
        for name, usage in held_out["usage"].items():
            share = 100 * usage["used"] / usage["size"]
            rows.append(
                (
                    f"Usage, {name}" if len(spec.levels) > 1 else "Usage",
                    f"{share:.1f} % of codes"
                    + _small(
                        f"{usage['tokens']:,} held-out tokens, ceiling {100 * usage['ceiling']:.1f} %; "
                        f"perplexity {usage['perplexity']:,.0f}"
                    ),
                )
            )
    rows.append(("Runs on", html.escape(device)))
    rows.append(("Revision", f"<code>{html.escape(spec.revision)}</code>"))
    entries = "".join(f"<dt>{html.escape(term)}</dt><dd>{detail}</dd>" for term, detail in rows)
    return f"<div class='facts'><h2>About this model</h2><dl>{entries}</dl></div>"


_QUANTIZERS = {
    "vq": "Vector quantization",
    "vq_ema": "Vector quantization, running means, restart of dead codes",
    "gumbel": "Gumbel-softmax",
    "fsq": "Finite scalar quantization",
    "vqgan": "Vector quantization, running means; adversarial training",
    "vqvae2": "Vector quantization on two grids, running means",
    "vq_l2": "Vector quantization on the unit sphere",
    "lfq": "Lookup-free quantization",
    "rvq": "Residual vector quantization, running means",
    "ae": "None: an autoencoder",
    "vae": "None: a variational autoencoder",
}


def _levels(radices: tuple[int, ...]) -> str:
    """How many levels each digit has."""
    if len(set(radices)) == 1 and len(radices) > 6:
        return f"{len(radices)} digits of {radices[0]} levels"
    return f"{' x '.join(map(str, radices))} levels"


def _of_levels(rows: dict[str, tuple[str, str]]) -> list[tuple[str, str]]:
    """Of level -> (term, detail) the rows to show: one where all levels are alike."""
    alike = list(dict.fromkeys(rows.values()))
    if len(alike) > 1:
        return [(f"{term}, {level}", detail) for level, (term, detail) in rows.items()]
    return [(term if len(rows) == 1 else f"{term}, each of {len(rows)}", detail) for term, detail in alike]


def _codebook(spec: TokenizerSpec, level: Level) -> tuple[str, str]:
    """How large the codebook of a level is."""
    book = spec.codebook(level.name)
    return "Codebook", f"{book.size:,} × {book.dim}" + (_small(_levels(book.radices)) if book.implicit else "")


def _placed(level: Level) -> tuple[str, str]:
    """How the codes of a level stand in the picture, and how far one reaches."""
    reach = _small(
        "a code changes " + ("every pixel" if level.reach is None else f"pixels up to {level.reach} px around its cell")
    )
    if level.stride is not None:
        return "Stride", f"{level.stride} px per code{reach}"
    if level.grid is not None:
        return "Grid", f"{level.grid[0]} × {level.grid[1]} codes{reach}"
    return "Codes", f"{level.length:,} in a row{reach}"


def _small(text: str) -> str:
    return f"<small>{html.escape(text)}</small>" if text else ""
