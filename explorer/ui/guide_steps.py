"""The steps of the Guide: their titles, sources, and where each leads."""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from latex2mathml.converter import convert

from explorer.ui.components import asset

if TYPE_CHECKING:
    from explorer.guide import Listing


@dataclass(frozen=True)
class Paper:
    """A source, by its arXiv number."""

    cite: str
    arxiv: str


@dataclass(frozen=True)
class Way:
    """A button that sets the page: a tab, and the first of some models that there is; none leaves the model.

    lab: what the Collapse lab is set to, as its view takes it.
    """

    label: str
    tab: str
    models: tuple[str, ...] = ()
    lab: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One step; its text stands in assets/guide/<key>.html, what is live in it in assets/guide/<key>.js."""

    key: str
    title: str
    papers: tuple[Paper, ...]
    ways: tuple[Way, ...]


VQVAE = Paper("van den Oord, Vinyals, Kavukcuoglu 2017: VQ-VAE", "1711.00937")
VAE = Paper("Kingma, Welling 2013: VAE", "1312.6114")
STRAIGHT = Paper("Bengio, Léonard, Courville 2013: straight-through", "1308.3432")
GUMBEL = Paper("Jang, Gu, Poole 2016: Gumbel-softmax", "1611.01144")
DALLE = Paper("Ramesh et al. 2021: DALL-E", "2102.12092")
VQVAE2 = Paper("Razavi, van den Oord, Vinyals 2019: VQ-VAE-2", "1906.00446")
FSQ = Paper("Mentzer, Minnen, Agustsson, Tschannen 2023: FSQ", "2309.15505")
JUKEBOX = Paper("Dhariwal et al. 2020: Jukebox", "2005.00341")
VIT_VQGAN = Paper("Yu et al. 2021: ViT-VQGAN", "2110.04627")
LFQ = Paper("Yu et al. 2023: lookup-free quantization", "2310.05737")
RESIDUAL = Paper("Lee, Kim, Kim, Cho, Han 2022: residual quantization", "2203.01941")
SOUNDSTREAM = Paper("Zeghidour et al. 2021: SoundStream", "2107.03312")
VQGAN = Paper("Esser, Rombach, Ommer 2021: VQGAN", "2012.09841")
MASKGIT = Paper("Chang et al. 2022: MaskGIT", "2202.04200")

VECTORS = "vq_ema.caltech_f8_1024"
GRID = "fsq.caltech_f8_1000"
LOGITS = "gumbel.caltech_f8_1024"
COLLAPSED = "vq.caltech_f8_1024"
LAB = "Collapse lab"
FLOATS = ("vae.caltech_f8", "ae.caltech_f8")
GRIDS = "vqvae2.caltech_f4f8_512"
STAGES = "rvq.caltech_f8_4x256"

TRAINED = {"lab": "points", "plan": {"data": "mixture", "seed": 0}, "run": True}
"""The lab with plain VQ beside FSQ, running."""

STEPS = (
    Step("token", "What a token is", (VQVAE,), (Way("See it for your own picture", "Tokenize"),)),
    Step(
        "latents",
        "Three kinds of latent",
        (VAE, VQVAE),
        (
            Way("Compare floats with codes", "Compare", FLOATS),
            Way("See what rounding costs", "Tokenize", (VECTORS,)),
        ),
    ),
    Step(
        "lookup", "The nearest code vector", (VQVAE,), (Way("See all code vectors on a map", "Codebook", (VECTORS,)),)
    ),
    Step("gradient", "A gradient past the argmin", (STRAIGHT, VQVAE), (Way("Watch it train", LAB, lab=TRAINED),)),
    Step("losses", "Two more losses", (VQVAE, VQVAE2), (Way("Change beta while it trains", LAB, lab=TRAINED),)),
    Step(
        "gumbel",
        "Gumbel-softmax",
        (GUMBEL, DALLE),
        (Way("Look at the runners-up of cells", "Edit", (LOGITS,)),),
    ),
    Step("fsq", "Finite scalar quantization", (FSQ,), (Way("Move the digits of a cell", "Edit", (GRID,)),)),
    Step(
        "collapse",
        "Collapse, and cures",
        (VQVAE2, JUKEBOX, VIT_VQGAN, LFQ, FSQ),
        (
            Way("Watch codes die", LAB, lab=TRAINED),
            Way("See which codes are dead, and why", "Codebook", (COLLAPSED, VECTORS)),
        ),
    ),
    Step(
        "levels",
        "Codes in levels",
        (VQVAE2, SOUNDSTREAM, RESIDUAL),
        (
            Way("Edit coarse and fine codes", "Edit", (GRIDS,)),
            Way("Decode the first stages alone", "Tokenize", (STAGES,)),
        ),
    ),
    Step(
        "prior",
        "Compress, then generate",
        (VQVAE, VQGAN, MASKGIT, DALLE),
        (Way("Sample cells yourself", "Edit", (VECTORS,)),),
    ),
)


def pages(models: Sequence[str], listing: Callable[[str], "Listing"]) -> list[dict[str, Any]]:
    """The steps, [{key, title, body: HTML, papers, ways: [{label, tab, model, lab}]}], for a page with some models."""
    return [
        {
            "key": step.key,
            "title": step.title,
            "body": body(asset(f"guide/{step.key}.html"), listing),
            "papers": [{"cite": paper.cite, "url": f"https://arxiv.org/abs/{paper.arxiv}"} for paper in step.papers],
            "ways": [
                {"label": way.label, "tab": way.tab, "model": _first(way.models, models), "lab": dict(way.lab)}
                for way in step.ways
            ],
        }
        for step in STEPS
    ]


def body(text: str, listing: Callable[[str], "Listing"]) -> str:
    r"""A text of ours with \( \) and \[ \] formulas as MathML, which browsers draw without a library, and listings."""
    text = re.sub(r"\\\((.+?)\\\)", lambda found: _formula(found[1], "inline"), text, flags=re.S)
    text = re.sub(r"\\\[(.+?)\\\]", lambda found: _formula(found[1], "block"), text, flags=re.S)
    return re.sub(r'<div data-listing="(\w+)"></div>', lambda found: listed(listing(found[1])), text)


def _formula(tex: str, display: str) -> str:
    """TeX as MathML; a brace below stretches over what it explains."""
    return convert(html.unescape(tex), display=display).replace(
        "<mo>&#x23DF;</mo>", '<mo stretchy="true">&#x23DF;</mo>'
    )


def listed(found: "Listing") -> str:
    """A listing as HTML, the lines that matter marked."""
    lines = "".join(
        f"<span{' data-marked' if i in found.marked else ''}>{html.escape(line) or ' '}</span>"
        for i, line in enumerate(found.lines)
    )
    return (
        f'<figure class="gv-listing"><figcaption>{found.file}, from line {found.first}</figcaption>'
        f'<pre tabindex="0"><code>{lines}</code></pre></figure>'
    )


def _first(wanted: Sequence[str], there: Sequence[str]) -> str:
    return next((id for id in wanted if id in there), "")
