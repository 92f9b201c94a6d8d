"""The page's own components: the linked canvases, the example gallery, a picture input that decodes nothing."""

import base64
import html
import json
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from functools import cache, partial
from pathlib import Path

import gradio as gr
from gradio.components.image import ImageData

from explorer.core.errors import PictureError
from explorer.core.picture_files import PictureFile
from explorer.services.examples import EXAMPLES, Example, thumbnails
from explorer.services.temporary import ensure

ASSETS = Path(__file__).parent / "assets"
TOKEN_PARTS = ("state", "drawing", "words", "pointing", "saving", "view")
"""The script of the Tokenize view, in the order in which its parts stand."""
EDIT_PARTS = ("state", "steps", "saved", "drawing", "panels", "pointing", "view")
"""The script of the Edit view, in the order in which its parts stand."""
CODEBOOK_PARTS = ("state", "drawing", "words", "code", "export", "pointing")
"""The script of the Codebook view, in the order in which its parts stand."""
COMPARE_PARTS = ("state", "pictures", "table")
"""The script of the Compare view, in the order in which its parts stand."""
GUIDE_PARTS = (
    "parts",
    "token",
    "latents",
    "lookup",
    "gradient",
    "losses",
    "gumbel",
    "fsq",
    "collapse",
    "levels",
    "prior",
    "turning",
)
"""The script of the Guide: what its steps share, what is live in each, and how one turns to another."""
LAB_PARTS = ("state", "words", "curves", "{lab}", "controls")
"""The script of a lab, in the order in which its parts stand."""
MAX_BYTES = 50 * 2**20
"""Largest upload in bytes, but for weights."""
WEIGHTS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
"""What the names of a checkpoint's files end with."""


@cache
def asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def scripts(*names: str) -> str:
    """Scripts of assets/ in one scope, one after the other."""
    return "".join(asset(f"{name}.js") for name in names)


class View(gr.HTML):
    """A view of our own, whose properties are never events.

    gradio takes every name that js_on_load quotes for an event, and would put what it makes of a property of that name,
    with the whole app in tow, into the config that it copies for each visitor.
    """

    def __init__(self, value: str | None = "", **props):
        super().__init__(value, apply_default_css=False, **props)

    def __getattr__(self, name: str):
        if name in self.__dict__.get("props", {}):
            raise AttributeError(name)
        return super().__getattr__(name)


class TokenView(View):
    """The Tokenize view. value: a picture payload; model: a model payload; measures: figures; listed: [{id, title}]
    of all models to choose from, for the other views; all JSON strings."""

    def __init__(self, value: str | None = None, *, codes_as_npz: Callable[[str], str] | None = None, **props):
        super().__init__(
            value,
            html_template=asset("token_view.html"),
            js_on_load=scripts("canvas", "codes", *(f"token_{part}" for part in TOKEN_PARTS)),
            server_functions=[codes_as_npz] if codes_as_npz else None,
            **props,
        )


class EditView(View):
    """The Edit view. It shows what the TokenView on the page shows; value: a saved edit that it asks to open."""

    def __init__(self, calls: Sequence[Callable[[str], str]], **props):
        super().__init__(
            "",
            html_template=asset("edit_view.html"),
            js_on_load=scripts("canvas", "codes", "squeeze", *(f"edit_{part}" for part in EDIT_PARTS)),
            server_functions=list(calls),
            examples=json.dumps([example.name for example in EXAMPLES]),
            **props,
        )


class CodebookView(View):
    """The Codebook view of the model that the page shows. value: {model, level, at_most} whose statistics it asks for
    by the event `asked`, as JSON."""

    def __init__(self, calls: Sequence[Callable[[str], str]], **props):
        super().__init__(
            "",
            html_template=asset("codebook_view.html"),
            js_on_load=scripts("canvas", "codes", "still", *(f"codebook_{part}" for part in CODEBOOK_PARTS)),
            server_functions=list(calls),
            **props,
        )


class CompareView(View):
    """The Compare view of the picture that the page shows. models: {id, title} to choose from; chosen: ids at first;
    value: {models, equal_bits, picture} that it asks for by the event `asked`; result: what was found, both as JSON."""

    def __init__(
        self, value: str = "", *, models: Sequence[dict[str, str]] = (), chosen: Sequence[str] = (), result="", **props
    ):
        super().__init__(
            value,
            html_template=asset("compare_view.html"),
            js_on_load=scripts("canvas", *(f"compare_{part}" for part in COMPARE_PARTS)),
            models=json.dumps(list(models)),
            chosen=json.dumps(list(chosen)),
            result=result,
            **props,
        )


class ShareView(View):
    """Buttons that share what the page shows. value: a shared page, as JSON, that it asks for by the event `open`."""

    def __init__(self, **props):
        super().__init__(
            "",
            html_template=asset("share_view.html"),
            js_on_load=scripts("canvas", "codes", "squeeze", "still", "share", "share_report"),
            **props,
        )


class GuideView(View):
    """The Guide. value: the id of a model that it asks for by the event `go`."""

    def __init__(self, calls: Sequence[Callable[[str], str]], **props):
        super().__init__(
            "",
            html_template=asset("guide_view.html"),
            js_on_load=scripts("canvas", "codes", "chart", *(f"guide/{part}" for part in GUIDE_PARTS)),
            server_functions=list(calls),
            **props,
        )


class LabView(View):
    """One of the Collapse lab's two labs, "points" or "pictures"; given: what its page starts from, a JSON string.

    call: its one server function, asked for frames.
    """

    def __init__(self, lab: str, given: str, call: Callable[[str], Awaitable[str]], **props):
        super().__init__(
            "",
            html_template=asset("lab_view.html"),
            js_on_load=scripts("canvas", "chart", *(f"lab_{part.format(lab=lab)}" for part in LAB_PARTS)),
            server_functions=[call],
            given=given,
            **props,
        )


class SweepView(View):
    """The collapse sweep. sweep: {runs, claimed} as JSON."""

    def __init__(self, sweep: str, **props):
        super().__init__(
            "",
            html_template=asset("sweep_view.html"),
            js_on_load=scripts("canvas", "chart", "sweep"),
            sweep=sweep,
            **props,
        )


class ExampleGallery(View):
    """Thumbnails to pick an example picture from. value: the name of the one that is shown, "" for none."""

    def __init__(self, value: str = "", **props):
        buttons = "".join(_example_button(example) for example in EXAMPLES)
        template = (
            f'<div class="eg" role="group" aria-label="Example pictures">{buttons}</div><p class="eg-credit"></p>'
        )
        super().__init__(value, html_template=template, js_on_load=_GALLERY_JS, **props)


def _example_button(example: Example) -> str:
    name, credit = html.escape(example.name), html.escape(example.credit)
    picture = base64.b64encode(thumbnails()[example.name]).decode()
    return (
        f'<button type="button" data-name="{name}" data-credit="{credit}" title="{name}: {credit}">'
        f'<img alt="{name}" src="data:image/jpeg;base64,{picture}"></button>'
    )


_GALLERY_JS = """
const buttons = [...element.querySelectorAll("button")], credit = element.querySelector(".eg-credit");
function mark() {
  let shown = "";
  for (const button of buttons) {
    const chosen = button.dataset.name === props.value;
    button.setAttribute("aria-pressed", String(chosen));
    if (chosen) shown = button.dataset.credit;
  }
  credit.textContent = shown;
}
for (const button of buttons) {
  button.addEventListener("click", () => { props.value = button.dataset.name; mark(); trigger("pick"); });
}
watch("value", mark);
mark();
"""


class PictureInput(gr.Image):
    """An image input that hands over the uploaded file as it is.

    gradio's own preprocessing opens the file with Pillow before any limit could be checked, drops
    alpha and clips 16 bits; `explorer.core.images.read_picture` does all that, safely.
    """

    def get_block_name(self) -> str:
        return "image"

    def preprocess(self, payload: ImageData | None) -> str | None:
        if payload is None:
            return None
        if payload.url and payload.url.startswith("data:"):
            stored = _stored(payload.url)
            self.temp_files.add(stored)  # for gradio to remove in time
            return stored
        if payload.path is None:
            raise gr.Error("No picture came with this request: upload one, or give a file.", print_exception=False)
        return payload.path


def _stored(url: str) -> str:
    """The file that a data URL carries."""
    try:
        data = base64.b64decode(url.partition(",")[2], validate=True)
    except ValueError as error:
        raise gr.Error("This data URL is not valid base64.", print_exception=False) from error
    if len(data) > MAX_BYTES:
        raise gr.Error(f"This picture is larger than {MAX_BYTES >> 20} MB.", print_exception=False)
    folder = Path(gr.utils.get_upload_folder())
    try:
        ensure(folder)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".upload", delete=False) as file:
            file.write(data)
    except OSError as error:
        raise gr.Error(
            "There is no room for pictures at the moment. Try again later.", print_exception=False
        ) from error
    return file.name


def picture_bytes(path: str | None) -> bytes:
    """The bytes of an uploaded file."""
    if not path:
        raise PictureError("No picture came with this request: upload one, or give a file.")
    file = Path(path)
    if not file.is_file():
        raise PictureError("The uploaded file is gone. Upload it again.")
    if file.stat().st_size > MAX_BYTES:
        raise PictureError(f"This file is larger than {MAX_BYTES >> 20} MB. Make it smaller first.")
    return file.read_bytes()


def uploaded_files(paths: Sequence[str]) -> list[PictureFile]:
    """Uploaded files as those of a data set, read one by one when they are asked for."""
    return [PictureFile(Path(path).name, 0, partial(picture_bytes, path)) for path in paths]
