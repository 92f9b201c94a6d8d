"""The Tokenize tab: a picture, its codes, what they decode to, and where that fails."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from explorer.core.codes_file import CodesFile
from explorer.core.errors import CodesError, JsonError
from explorer.core.images import Fit, fit, read_picture
from explorer.core.spec import TokenizerSpec
from explorer.core.untrusted_json import read_json
from explorer.models import registry
from explorer.plots.payload import picture_payload
from explorer.services.editing import SavedEdit, replay
from explorer.services.examples import EXAMPLES, GOLDEN, example
from explorer.services.reference import reference
from explorer.services.shared_page import MARK, SharedPage
from explorer.services.tokenization import (
    LONGEST,
    Measures,
    Tokenized,
    belongs,
    decode,
    measure,
    tokenize,
    tokenized_golden,
)
from explorer.ui.calls import answered, plain_function
from explorer.ui.components import EditView, GuideView, ShareView, TokenView, picture_bytes
from explorer.ui.context import AppContext
from explorer.ui.errors import inform, spoken, warn
from explorer.ui.server.uploads import remove_upload
from explorer.ui.shared import FITS, SIZES, Session, facts, model_view, summary

TITLE = "Tokenize"
MAX_CODES_BYTES = 20 * 2**20
CHOICES = ("model", "gallery")
"""The controls that say which model and which example are shown."""


@dataclass(frozen=True)
class Controls:
    """The sidebar's components that the tab listens to and writes to."""

    model: gr.Dropdown
    summary: gr.HTML
    gallery: gr.HTML
    upload: gr.Image
    size: gr.Radio
    how: gr.Radio
    load_codes: gr.UploadButton
    view: TokenView
    edit_view: EditView
    guide_view: GuideView
    share_view: ShareView
    facts: gr.HTML
    session: gr.State
    arrivals: list
    """Events after which another model may have been chosen."""


def view_payload(found: Tokenized, name: str) -> str:
    """What the canvases are sent for one tokenized picture."""
    return picture_payload(
        found.spec, found.codes, found.reconstruction, found.original, found.rankings, name, found.partial
    )


def measures_payload(spec: TokenizerSpec, found: Measures) -> str:
    """The figures of the strip, formatted with unit and label, and the sentence below the bars."""
    items = []
    if found.psnr is not None:
        items.append(_item(f"{found.psnr:.2f}", "dB", "PSNR; higher is closer"))
    if found.ssim is not None and found.ssim == found.ssim:
        items.append(_item(f"{found.ssim:.3f}", "", "SSIM; 1 is identical"))
    if not found.tokens:
        items.append(_item(f"{found.floats:,}", "", "floats kept of the picture, no codes"))
        return _measures(spec, found, items, _NO_CODES)
    items.append(_item(f"{found.tokens:,}", "", f"codes, {found.bits_per_token:.2f} bits each"))
    coded = f"entropy-coded with {'reference' if registry.has(spec.id) else 'its own'} statistics"
    items.append(
        _item(f"{found.bits_per_pixel:.3f}", "bits per pixel", f"{found.bits_per_pixel_entropy_coded:.3f} {coded}")
    )
    if found.png_ratio is not None:
        items.append(_item(f"1 : {found.png_ratio:,.0f}", "", "against the PNG of this picture"))
    items.append(
        _item(
            f"{found.distinct:,}",
            f"of up to {found.ceiling:,.0f}",
            f"distinct codes; expected ceiling for {found.tokens:,} tokens",
        )
    )
    return _measures(spec, found, items, usage_sentence(found, registry.has(spec.id)))


_NO_CODES = (
    "This model keeps floats, not codes: there is no codebook to look into, nothing to count and nothing that could "
    "collapse. It is here for comparison: what the same network can do when nothing is rounded."
)


def _measures(spec: TokenizerSpec, found: Measures, items: list[dict[str, str]], sentence: str) -> str:
    psnr = f"{found.psnr:.2f} dB" if found.psnr is not None else ""
    return json.dumps({"model": spec.id, "psnr": psnr, "items": items, "sentence": sentence})


def usage_sentence(found: Measures, counted: bool = True) -> str:
    """What one picture may and may not say about the codebook; counted: whether the model's facts tell of many."""
    could = min(found.ceiling, found.codebook_size)
    opening = (
        f"This picture uses {found.distinct:,} of {found.codebook_size:,} codes. Even if all were equally likely, "
        f"{found.tokens:,} tokens would show only about {could:,.0f}"
    )
    if not counted:
        return f"{opening}, and pictures repeat themselves. The Codebook tab counts more pictures."
    if found.distinct < could / 4:
        return (
            f"{opening}. It shows far fewer: it repeats itself, or the codebook has collapsed. The usage under "
            "“About this model”, over many pictures, tells which."
        )
    if could < 0.99 * found.codebook_size:
        return f"{opening}, so one picture says nothing about collapse; the usage under “About this model” counts many."
    return (
        f"{opening}; pictures repeat themselves, so the usage under “About this model”, over many, is the fair figure."
    )


def _item(value: str, unit: str, label: str) -> dict[str, str]:
    return {"value": value, "unit": unit, "label": label}


class TokenizeTab:
    """The tab's handlers. Each yields updates by component: `outputs` holds those by name."""

    def __init__(self, context: AppContext):
        self.context = context

    @cached_property
    def opening(self) -> tuple[Session, str, str, str]:
        """What the page opens with, from disk alone: session, picture, model and measures payloads."""
        id = self.context.default_model
        found = tokenized_golden(id)
        session = Session(id, GOLDEN, found.codes)
        measures = measures_payload(found.spec, measure(found, reference(id).counts))
        return session, view_payload(found, session.name), model_view(self.context.store, id), measures

    @answered
    def codes_as_npz(self, request: dict[str, Any]) -> dict[str, str]:
        """Codes as in a .json file -> {npz: the .npz file in base64}."""
        codes = CodesFile.from_dict(request)
        self.context.store.spec(codes.model).check_codes(codes.codes)
        return {"npz": base64.b64encode(codes.to_npz()).decode()}

    @spoken
    def on_upload(self, path: str | None, model: str, size: int, how: Fit, session: Session) -> Iterator[dict]:
        """A new picture from a file, the webcam or the clipboard."""
        if path is None:
            return
        picture = read_picture(picture_bytes(path), longest=LONGEST)
        name = Path(path).stem[:60] or "upload"
        if picture.notes:
            inform(f"{name}: {', '.join(picture.notes)}.")
        source = _limited(picture.pixels)
        yield from self._tokenized(Session(model, name, session.codes, source, size=size, how=how), ("gallery",))

    @spoken
    def on_example(self, name: str, model: str, size: int, how: Fit, session: Session) -> Iterator[dict]:
        """One of the example pictures."""
        yield from self._tokenized(Session(model, name, session.codes, size=size, how=how), ())

    @spoken
    def on_setting(self, model: str, size: int, how: Fit, session: Session) -> Iterator[dict]:
        """Another model, size or fit for the same picture."""
        yield from self._tokenized(replace(session, model=model, size=size, how=how), ())

    @spoken
    def on_arrival(self, model: str, size: int, how: Fit, session: Session) -> Iterator[dict]:
        """A model that was downloaded or opened, where one was."""
        if model != session.model:
            yield from self.on_setting(model, size, how, session)
        else:
            yield self._updates(session=session)  # an event that says nothing would empty the page

    @spoken
    def on_model(self, model: str, session: Session) -> Iterator[dict]:
        """Another model, asked for by another tab; of codes without a picture the page goes back to the first one."""
        if model != session.model:
            name = {"name": GOLDEN, "loaded": False} if session.loaded else {}
            yield from self._tokenized(replace(session, model=model, **name))
        else:
            yield self._updates(session=session)

    @spoken
    def on_codes(self, path: str | None, session: Session) -> Iterator[dict]:
        """Codes from a file, decoded by the model that made them."""
        if path is None:
            return
        data = _taken(Path(path))
        if MARK.encode() in data[:200]:
            yield from self._opened(shared_page(data.decode("utf-8", "replace")), session)
            return
        codes = CodesFile.read(data)
        id = codes.model or session.model
        found = decode(self.context.store.get(id), codes)
        name = Path(path).name.split(".")[0][:60]
        yield from self._shown(
            replace(session, model=id, name=name, codes=found.codes, source=None, loaded=True), found
        )

    @spoken
    def on_saved_edit(self, text: str, session: Session) -> Iterator[dict]:
        """What a saved edit starts from; the Edit view then replays its steps."""
        _check_length(text)
        try:
            saved = SavedEdit.from_dict(read_json(text, "This saved edit", largest=MAX_CODES_BYTES))
        except JsonError:
            raise
        except (ValueError, KeyError, TypeError) as error:
            raise CodesError(f"This is no saved edit: {error}.") from error
        spec = self.context.store.spec(saved.start.model)
        belongs(spec, saved.start)
        replay(spec, saved.start.codes, saved.edits, reference(spec.id).counts)  # refused whole, or not at all
        found = decode(self.context.store.get(saved.start.model), saved.start)
        session = replace(session, model=spec.id, name=saved.name, codes=found.codes, source=None, loaded=True)
        size = max(found.reconstruction.shape[:2])
        how, original = _fitted_example(saved, size, spec)
        if original is not None and size in SIZES:
            session = replace(session, loaded=False, size=size, how=how)
            yield self._updates(size=size, how=how)
        yield from self._shown(session, replace(found, original=original))

    @spoken
    def on_page(self, text: str, session: Session) -> Iterator[dict]:
        """A page that was shared: an example picture coded anew, or the codes of another picture."""
        yield from self._opened(shared_page(text), session)

    def _opened(self, page: SharedPage, session: Session) -> Iterator[dict]:
        spec = self.context.store.spec(page.model)
        if page.codes is not None:
            found = decode(self.context.store.get(spec.id), page.codes)
            yield from self._shown(
                replace(session, model=spec.id, name=page.name, codes=found.codes, source=None, loaded=True), found
            )
            return
        if page.revision != spec.revision:
            warn(f"This was shared with another revision of {spec.id}; its codes may differ from what is shown.")
        example(page.name)  # refused in words where there is none
        yield self._updates(size=page.size, how=page.how)
        opened = Session(spec.id, page.name, session.codes, size=page.size, how=page.how)
        yield from self._tokenized(opened)

    def settings_of(self, session: Session) -> tuple[str, int, Fit]:
        """What the controls stand at for a session; shown again after an event that failed."""
        return session.model, session.size, session.how

    def _tokenized(self, session: Session, following: Sequence[str] = CHOICES) -> Iterator[dict]:
        tokenizer = self.context.store.get(session.model)
        found = tokenize(tokenizer, session.pixels(tokenizer.spec))
        yield from self._shown(replace(session, codes=found.codes), found, following)

    def _shown(self, session: Session, found: Tokenized, following: Sequence[str] = CHOICES) -> Iterator[dict]:
        """First the pictures, as soon as they are there; then the figures, some of which take longer.

        following: the controls that are set to what is shown. One that the visitor chose with is left alone: by
        now it may stand at a later choice, which waits for this one to be shown.
        """
        spec, model = found.spec, model_view(self.context.store, found.spec.id)
        shown = {"value": view_payload(found, session.name), "model": model}
        from_gallery = session.source is None and not session.loaded
        choices = {"model": spec.id, "gallery": session.name if from_gallery else ""}
        yield self._updates(
            view=TokenView(**shown),
            session=session,
            summary=summary(spec),
            facts=facts(spec, self.context.store.device_name),
            **{name: choices[name] for name in following},
        )
        measures = measures_payload(spec, measure(found, reference(spec.id).counts))
        yield self._updates(view=TokenView(measures=measures))

    def _updates(self, **named) -> dict:
        return {self.outputs[name]: value for name, value in named.items()}

    def view(self) -> TokenView:
        """What the tab shows, opened with the first picture."""
        _, picture, model, measures = self.opening
        npz = plain_function(self.codes_as_npz)
        return TokenView(picture, model=model, measures=measures, codes_as_npz=npz, elem_id="token-view")

    def wire(self, controls: Controls) -> None:
        """Connect the view to the sidebar, and to the edits that ask to be opened."""
        view = controls.view
        self.outputs = {
            "view": view,
            "session": controls.session,
            "model": controls.model,
            "summary": controls.summary,
            "facts": controls.facts,
            "gallery": controls.gallery,
            "size": controls.size,
            "how": controls.how,
        }
        settings = [controls.model, controls.size, controls.how, controls.session]
        common = {
            "outputs": list(self.outputs.values()),
            "trigger_mode": "always_last",
            # One at a time and in order, so that what is shown last is what was asked for last.
            "concurrency_id": "page",
            "concurrency_limit": 1,
            "show_progress": "minimal",
            "show_progress_on": view,
            "api_visibility": "private",
        }
        uploaded = controls.upload.input(self.on_upload, [controls.upload, *settings], **common)
        uploaded.then(None, js="() => null", outputs=controls.upload)  # ready for the next file, also after an error
        controls.gallery.pick(self.on_example, [controls.gallery, *settings], **common)
        for control in (controls.model, controls.size, controls.how):
            changed = control.input(self.on_setting, settings, **common)
            changed.failure(self.settings_of, controls.session, settings[:3], api_visibility="private", queue=False)
        for arrived in controls.arrivals:
            shown = arrived.then(self.on_arrival, settings, **common)
            shown.failure(self.settings_of, controls.session, settings[:3], api_visibility="private", queue=False)
        loaded = controls.load_codes.upload(self.on_codes, [controls.load_codes, controls.session], **common)
        loaded.then(None, js="() => null", outputs=controls.load_codes)  # ready for the same file, also after an error
        controls.guide_view.go(self.on_model, [controls.guide_view, controls.session], **common)
        controls.share_view.open(self.on_page, [controls.share_view, controls.session], **common)
        controls.edit_view.open(self.on_saved_edit, [controls.edit_view, controls.session], **common)


def _fitted_example(saved: SavedEdit, size: int, spec: TokenizerSpec) -> tuple[Fit, np.ndarray | None]:
    """How the example picture that an edit was made of was fitted, and its pixels; None of any other picture."""
    for _, how in FITS if saved.name in {found.name for found in EXAMPLES} else ():
        pixels = spec.fitted(example(saved.name), size, how)
        if hashlib.sha256(pixels.tobytes()).hexdigest() == saved.picture:
            return how, pixels
    return "whole", None


def shared_page(text: str) -> SharedPage:
    """A shared page from the JSON of a link or a file."""
    _check_length(text)
    return SharedPage.from_dict(read_json(text, "This page", largest=MAX_CODES_BYTES))


def _taken(file: Path) -> bytes:
    """The bytes of an uploaded file of codes, which is removed: nothing looks at it again."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_CODES_BYTES + 1)
    except FileNotFoundError as error:
        raise CodesError("The uploaded file is gone. Upload it again.") from error
    finally:
        remove_upload(file)
    if len(data) > MAX_CODES_BYTES:
        raise CodesError(f"This file is larger than {MAX_CODES_BYTES >> 20} MB, too large for the codes of a picture.")
    return data


def _check_length(text: str) -> None:
    if len(text) > MAX_CODES_BYTES:
        raise CodesError(f"This is longer than {MAX_CODES_BYTES >> 20} MB, too long for an edit or a page.")


def _limited(pixels: np.ndarray) -> np.ndarray:
    """At most LONGEST pixels on the longest side, so that a session stays small."""
    longest = max(pixels.shape[:2])
    return fit(pixels, LONGEST, "whole", multiple=1) if longest > LONGEST else pixels
