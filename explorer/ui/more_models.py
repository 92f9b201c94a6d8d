"""More models: published ones, downloaded when somebody wants them, and a visitor's own checkpoint."""

import html
import json
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gradio as gr

from explorer.adapters.catalogue import Entry, entries, entry
from explorer.adapters.family import FAMILIES
from explorer.core.errors import CheckpointError
from explorer.core.tokenizer import Tokenizer
from explorer.services.hub import download
from explorer.services.published import MAX_OWN_BYTES, open_own, open_own_of_hub
from explorer.services.shelf import LeftOut
from explorer.services.watched import Report, Task, watched
from explorer.ui.calls import plain_function
from explorer.ui.components import WEIGHTS, TokenView
from explorer.ui.context import AppContext
from explorer.ui.errors import said_of, spoken
from explorer.ui.server.uploads import remove_upload

MOST_FILES = 4
"""Files of one checkpoint, its config.json with them."""
ENDINGS = [*WEIGHTS, ".json"]
CANCELLED = {"hub": "Cancelled. The next download goes on from here.", "own": "Cancelled."}


@dataclass(frozen=True)
class Listed:
    """What lists the models, and has to be told of a new one."""

    model: gr.Dropdown
    view: TokenView


class _Progress:
    """Below a part's button: how far it is, or what came of it, and the way to stop it."""

    def __init__(self, part: str):
        self.part = part
        self.status = gr.HTML(apply_default_css=False, elem_id=f"{part}-status", elem_classes="status")
        self.cancel = gr.Button("Cancel", size="sm", visible=False, elem_id=f"{part}-cancel")

    def parts(self) -> dict:
        """Both by the names that updates use."""
        return {f"{self.part}_status": self.status, f"{self.part}_cancel": self.cancel}


class MoreModels:
    """The part of the sidebar below the choice of model."""

    def __init__(self, context: AppContext):
        self.context = context
        self._stops: dict[str, threading.Event] = {}
        """Of each page that works at something long: what its Cancel buttons set."""

    def listed(self, held: str = "") -> list[tuple[str, str]]:
        """(title, id) of every model a visitor can choose: bundled, downloaded, and the own one that is held."""
        store = self.context.store
        bundled = [(store.spec(id).title, id) for id in self.context.models]
        published = [(f"{entries()[id].title} · Hub", id) for id in store.published()]
        return [*bundled, *published, *([(f"{store.spec(held).title} · yours", held)] if held else [])]

    def build(self) -> None:
        """Lay out the disclosure, above it what is left out of the list of models; `wire` connects it."""
        if self.context.left_out:
            gr.HTML(left_out(self.context.left_out), apply_default_css=False, elem_id="left-out")
        with gr.Accordion("More models", open=False, elem_id="more-models"):
            self.entry = gr.Dropdown(self._to_fetch(), value=None, label="From the Hub", elem_id="hub-entry")
            self.card = gr.HTML(apply_default_css=False, elem_id="hub-card")
            self.fetch = gr.Button("Download", size="sm", visible=False, elem_id="hub-download")
            self.hub = _Progress("hub")
            gr.HTML("<h2>Your own checkpoint</h2>", apply_default_css=False)
            self.files = gr.File(
                file_count="multiple", file_types=ENDINGS, height=120, show_label=False, elem_id="own-files"
            )
            with gr.Accordion("or a file on the Hub", open=False, elem_id="own-hub"):
                self.repo = gr.Textbox(label="Repository", placeholder="name/repository", max_lines=1)
                self.name = gr.Textbox(label="File", placeholder="model.safetensors", max_lines=1)
                self.config = gr.Textbox(label="Config, where it has one", placeholder="config.json", max_lines=1)
            families = [("recognised by its tensors", ""), *((found.title, name) for name, found in FAMILIES.items())]
            self.family = gr.Dropdown(families, value="", label="Family", filterable=False, elem_id="own-family")
            self.open = gr.Button("Open", size="sm", elem_id="own-open")
            self.own = _Progress("own")
        release = plain_function(self.context.store.release)  # a bound method would be copied, models and all
        self.held = gr.State("", delete_callback=release)

    def wire(self, listed: Listed, app: gr.Blocks) -> list:
        """Connect it; the returned events end with the model chosen in the list, for the page to go on from."""
        self.outputs = {
            "model": listed.model,
            "view": listed.view,
            "entry": self.entry,
            "card": self.card,
            "fetch": self.fetch,
            "open": self.open,
            **self.hub.parts(),
            **self.own.parts(),
            "files": self.files,
            "held": self.held,
        }
        outputs = list(self.outputs.values())
        common = {"outputs": outputs, "show_progress": "hidden", "api_visibility": "private"}
        app.load(self.on_load, None, **common)
        self.entry.input(self.on_entry, self.entry, queue=False, **common)
        long = {"concurrency_id": "downloads", "concurrency_limit": 4, "trigger_mode": "once", **common}
        fetched = self.fetch.click(self.on_fetch, [self.entry, self.held], **long)
        given = [self.files, self.repo, self.name, self.config, self.family, self.held, self.entry]
        opened = self.open.click(self.on_open, given, **long)
        for part in (self.hub, self.own):
            part.cancel.click(self.on_cancel, None, None, queue=False, api_visibility="private")
        return [fetched, opened]

    def on_load(self) -> dict:
        """What others have downloaded since the page was built."""
        return self._updates(**self._lists())

    @spoken
    def on_entry(self, id: str | None) -> dict:
        """What is to be known of a published model before it is downloaded."""
        return self._updates(**self._offer(id), hub_status="", own_status="")

    @spoken
    def on_fetch(self, id: str | None, held: str, request: gr.Request) -> Iterator[dict]:
        """Download a published model and choose it; what is wrong is said below, and the page goes on as it is."""
        if not id:
            yield self._updates(**self._idle("hub", "Choose a model first."))
            return
        wanted = entry(id)
        done = yield from self._long(partial(download, wanted), "hub", id, request)
        if done is not None:
            yield self._updates(**self._lists(held, chosen=id), **self._offer(None), **self._idle("hub", "It is here."))

    @spoken
    def on_open(
        self,
        paths: Sequence[str] | None,
        repo: str,
        name: str,
        config: str,
        family: str,
        held: str,
        on_offer: str | None,
        request: gr.Request,
    ) -> Iterator[dict]:
        """Open a visitor's own checkpoint and choose it; of a refused one the reason is said, and nothing changes."""

        def work(progress, cancelled) -> Tokenizer:
            device, of = self.context.store.device, family or None
            if paths:
                weights, beside = checkpoint_files([Path(path) for path in paths])
                return open_own(weights, device, family=of, config=beside)
            if not (repo.strip() and name.strip()):
                raise CheckpointError("Choose the files of a checkpoint, or name a repository and a file in it.")
            named = {"family": of, "config": config.strip() or None, "progress": progress, "cancelled": cancelled}
            return open_own_of_hub(repo.strip(), name.strip(), device, **named)

        try:
            tokenizer = yield from self._long(work, "own", on_offer, request)
        finally:
            for path in paths or ():
                remove_upload(Path(path))  # held in memory from here on, or refused
        if tokenizer is None:
            yield self._updates(files=None)
            return
        self.context.store.hold(tokenizer)
        self.context.store.release(held)
        id = tokenizer.spec.id
        said = "It is yours alone, and gone when you leave the page."
        shown = {**self._lists(id, chosen=id), **self._offer(None), **self._idle("own", said)}
        yield self._updates(**shown, files=None, held=id)

    @spoken
    def on_cancel(self, request: gr.Request) -> None:
        """End the page's long work. It says so itself: what another event said could be followed by its last report."""
        if stop := self._stops.get(request.session_hash):
            stop.set()

    def _long(self, task: Task, part: str, id: str | None, request: gr.Request) -> Generator[dict, None, object]:
        """Work while a part shows how far it is; returns what it made, or None once it was said why it made nothing.

        id: the published model that is chosen, on offer again afterwards.
        """
        off, on = gr.update(interactive=False), gr.update(visible=True)
        other = "own" if part == "hub" else "hub"
        begun = {f"{part}_status": progress_bar(None), f"{part}_cancel": on, f"{other}_status": ""}
        watching, stop = watched(task), self._stops.setdefault(request.session_hash, threading.Event())
        try:
            yield self._updates(**begun, fetch=off, open=off)
            while True:
                try:
                    report = next(watching)
                except StopIteration as ended:
                    return ended.value
                if stop.is_set():
                    said = CANCELLED[part]
                    break
                yield self._updates(**{f"{part}_status": progress_bar(report)})
        except Exception as error:
            said = said_of(error)
        finally:
            self._stops.pop(request.session_hash, None)
            watching.close()
        yield self._updates(**self._idle(part, said), **self._offer(id))
        return None

    def _idle(self, part: str, said: str) -> dict:
        return {
            f"{part}_status": f"<p role='status'>{html.escape(said)}</p>",
            f"{part}_cancel": gr.update(visible=False),
            "open": gr.update(interactive=True),
        }

    def _offer(self, id: str | None) -> dict:
        """The card of a model, and its button where the Hub has it."""
        there = bool(id and entry(id).repo)
        shown = f"Download {_size(entry(id).megabytes)}" if there else "Download"
        return {"card": card(entry(id)) if id else "", "fetch": gr.update(visible=there, interactive=True, value=shown)}

    def _lists(self, held: str = "", chosen: str = "") -> dict:
        """Everything that lists models, anew; chosen: the one that the page is to go on with."""
        listed, value = self.listed(held), {"value": chosen} if chosen else {}
        models = [{"id": id, "title": title} for title, id in listed]
        return {
            "model": gr.update(choices=listed, **value),
            "view": TokenView(listed=json.dumps(models)),
            "entry": gr.update(choices=self._to_fetch(), value=None),
        }

    def _to_fetch(self) -> list[tuple[str, str]]:
        here = set(self.context.store.published())
        return [(f"{found.title} · {_size(found.megabytes)}", id) for id, found in entries().items() if id not in here]

    def _updates(self, **named) -> dict:
        return {self.outputs[name]: value for name, value in named.items()}


def checkpoint_files(paths: Sequence[Path]) -> tuple[list[Path], Path | None]:
    """The files of weights among uploaded ones, and the config.json beside them; a CheckpointError where too much."""
    weights, configs = [path for path in paths if path.suffix != ".json"], [p for p in paths if p.suffix == ".json"]
    if not weights or len(configs) > 1 or len(paths) > MOST_FILES:
        raise CheckpointError(
            f"{len(weights)} files of weights and {len(configs)} of JSON came; a checkpoint is one to "
            f"{MOST_FILES - 1} files of weights, with one config.json where its family needs it."
        )
    total = sum(path.stat().st_size for path in paths)
    if total > MAX_OWN_BYTES:
        raise CheckpointError(
            f"These files have {total / 2**30:.1f} GiB; up to {MAX_OWN_BYTES >> 30} GiB is opened here."
        )
    return weights, configs[0] if configs else None


def left_out(models: Sequence[LeftOut]) -> str:
    """The models that can't be chosen, each with the reason, as HTML."""
    listed = "".join(
        f"<li aria-disabled='true'><b>{html.escape(model.id)}</b> {html.escape(model.reason)}</li>" for model in models
    )
    return f"<p>Can’t be opened:</p><ul>{listed}</ul>"


def card(found: Entry) -> str:
    """What is to be known before anything is downloaded, as HTML."""
    cells = f"stride {found.stride} px" if found.stride else f"{found.tokens} codes in a row"
    only = f"; takes only {found.side} × {found.side} px" if found.side else ""
    rows = [
        ("Codes", f"{found.codes:,} × {found.dim}, {cells}{only}"),
        ("Family", html.escape(FAMILIES[found.family].title)),
        ("Trained on", html.escape(found.trained_on)),
        ("Size", _size(found.megabytes)),
        ("Licence", _link(found.licence_link, found.licence)),
        ("From", _link(found.source, found.repo or found.source.split("/")[2])),
        ("Paper", _link(found.paper, found.paper.removeprefix("https://"))),
    ]
    if found.needs:
        rows.append(("Needs", html.escape(found.needs)))
    listed = "".join(f"<dt>{term}</dt><dd>{detail}</dd>" for term, detail in rows)
    unsure = html.escape(found.unverified)
    more = f"<details><summary>Not checked</summary><p>{unsure}</p></details>" if unsure else ""
    return f"<div class='facts'><p>{html.escape(found.summary)}</p><dl>{listed}</dl>{more}</div>"


def progress_bar(report: Report | None) -> str:
    """How far a download is, as HTML."""
    if report is None:
        return "<p role='status'>Working …</p><progress></progress>"
    name, done, total = report
    of = f" of {_size(total / 1e6)}" if total else ""
    share = f" value='{done}' max='{total}'" if total else ""
    return f"<p role='status'>{html.escape(Path(name).name)}: {_size(done / 1e6)}{of}</p><progress{share}></progress>"


def _size(megabytes: float) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:,.0f} MB"


def _link(url: str, text: str) -> str:
    return f"<a href='{html.escape(url)}' target='_blank' rel='noopener'>{html.escape(text)}</a>"
