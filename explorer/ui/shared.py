"""Shared: what a visitor's page remembers between events, and the words about models that all tabs use."""

import html
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from explorer.core.codes import Codes
from explorer.core.errors import ExplorerError
from explorer.core.images import Fit, fit
from explorer.core.spec import TokenizerSpec
from explorer.models import registry
from explorer.plots.payload import model_payload
from explorer.services.examples import example
from explorer.services.reference import reference
from explorer.services.tokenization import MAX_SIDE

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

    def pixels(self, multiple: int) -> np.ndarray:
        """The picture, fitted to the session's size."""
        return fit(self.picture(), self.size, self.how, multiple)

    def picture(self) -> np.ndarray:
        """The picture as it came, (H, W, 3) uint8; an ExplorerError where there are only codes."""
        if self.loaded:
            raise ExplorerError(
                "These codes came from a file, without their picture, so there is nothing to encode again. "
                "Choose or upload a picture first."
            )
        return example(self.name) if self.source is None else self.source


@lru_cache(maxsize=16)
def model_view(id: str) -> str:
    """The model payload of the canvases."""
    found = reference(id)
    return model_payload(registry.spec(id), found.colours, found.counts, found.swatches)


def summary(spec: TokenizerSpec) -> str:
    """One line under the model's name."""
    return f"<div id='summary'>Bundled · {html.escape(spec.summary)}</div>"


def facts(spec: TokenizerSpec, device: str) -> str:
    """The model's facts as an HTML list; every figure with its unit and its N."""
    rows = []
    variant = (
        spec.codebooks[0].variant if spec.codebooks else f"floats, one set per {spec.multiple} × {spec.multiple} px"
    )
    rows.append(("Quantizer", html.escape(_QUANTIZERS.get(spec.family, spec.family)) + _small(variant)))
    for level in spec.levels:
        book, of = spec.codebook(level.name), f", {level.name}" if len(spec.levels) > 1 else ""
        digits = _small(f"{' x '.join(map(str, book.radices))} levels") if book.implicit else ""
        bound = "every pixel" if level.reach is None else f"pixels up to {level.reach} px around its cell"
        rows.append((f"Codebook{of}", f"{book.size:,} × {book.dim}{digits}"))
        rows.append((f"Stride{of}", f"{level.stride} px per code{_small(f'changes {bound}')}"))
    rows.append(("Parameters", f"{spec.parameters / 1e6:.1f} M"))
    rows.append(("Trained on", html.escape(spec.trained_on.split(" (")[0]) + _small("by this project, from nothing")))
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
    entries = "".join(f"<dt>{term}</dt><dd>{detail}</dd>" for term, detail in rows)
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


def _small(text: str) -> str:
    return f"<small>{html.escape(text)}</small>" if text else ""
