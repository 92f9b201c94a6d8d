"""The page put together: sidebar, tabs, endpoints."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import gradio as gr
from gradio.routes import App
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from explorer.services.examples import GOLDEN
from explorer.services.limits import Limits
from explorer.services.published import MAX_OWN_BYTES
from explorer.ui import codebook, compare, edit, guide, lab, tokenize
from explorer.ui.api import Api
from explorer.ui.components import ExampleGallery, PictureInput, ShareView, asset
from explorer.ui.context import AppContext
from explorer.ui.errors import Page
from explorer.ui.more_models import Listed, MoreModels
from explorer.ui.self_test import SelfTest
from explorer.ui.server.delivery import Delivery
from explorer.ui.server.fair_line import take_turns
from explorer.ui.server.gate import Gate
from explorer.ui.server.health import health_route
from explorer.ui.server.login import Login
from explorer.ui.server.logs import RequestLog
from explorer.ui.server.mcp_tools import Tools
from explorer.ui.server.pages import CLOSED, SILENT, Pages, remembering
from explorer.ui.server.stop import Work
from explorer.ui.server.uploads import limit_by_kind
from explorer.ui.shared import FITS, SIZES, facts, summary
from explorer.ui.theme import THEME

OPENED_BY_LINK = """() => {
  const linked = () => ["edit", "guide"].find((tab) => location.hash.startsWith(`#${tab}=`));
  addEventListener("hashchange", () => { if (linked() === "edit") location.reload(); });
  return linked() ? {selected: linked(), __type__: "update"} : {__type__: "update"};
}"""
"""A link to an edit or to a step of the Guide opens its tab, so that it is mounted and reads what the link holds."""
STYLES = ("page", "more_models", "edit", "codebook", "compare", "lab", "sweep", "guide", "share")
"""The style sheets of assets/, the later over the earlier."""
FILE_SECONDS = 15 * 60
"""How long an uploaded file, or one that was made for a visitor, is kept. Not removed when it was read: two visitors'
uploads of the same picture are one file."""


def build_app(context: AppContext) -> gr.Blocks:
    """The whole app; launch it with `launch_options`."""
    more = MoreModels(context)
    tab = tokenize.TokenizeTab(context)
    spec = context.store.spec(context.default_model)
    page = {"title": "Codebook Explorer", "fill_width": True, "analytics_enabled": False}
    with Page(**page, delete_cache=(60, FILE_SECONDS)) as app:
        session = gr.State(tab.opening[0], time_to_live=SILENT.total_seconds())
        with gr.Column(elem_id="layout"):
            with gr.Column(elem_id="controls"):
                gr.HTML(
                    "<h1>Codebook Explorer</h1><p>What an image tokenizer sees</p>",
                    elem_id="brand",
                    apply_default_css=False,
                )
                model = gr.Dropdown(
                    more.listed(),
                    value=context.default_model,
                    label="Model",
                    elem_id="model",
                    filterable=False,
                )
                summary_line = gr.HTML(summary(spec), apply_default_css=False)
                more.build()
                gallery = ExampleGallery(GOLDEN, elem_id="examples")
                upload = PictureInput(
                    label="Your picture",
                    sources=["upload", "webcam", "clipboard"],
                    type="filepath",
                    height=120,
                    elem_id="drop",
                    show_label=False,
                    placeholder="Drop, paste or take a picture",
                    buttons=[],
                )
                size = gr.Radio(list(SIZES), value=256, label="Size in pixels", elem_id="size")
                how = gr.Radio(list(FITS), value="whole", label="If it is not square", elem_id="fit")
                load_codes = gr.UploadButton(
                    "Load codes (.npz, .json)", file_types=[".npz", ".json"], size="sm", elem_id="load-codes"
                )
                share_view = ShareView(elem_id="share")
            with gr.Column(elem_id="facts"):
                facts_list = gr.HTML(facts(spec, context.store.device_name), apply_default_css=False)
                SelfTest(context).build(session, facts_list)
            with gr.Column(elem_id="main"), gr.Tabs() as tabs:
                with gr.Tab(tokenize.TITLE):
                    view = tab.view()
                with gr.Tab(edit.TITLE, id="edit"):
                    edit_view = edit.build(context)
                with gr.Tab(codebook.TITLE):
                    codebook.CodebookTab(context).build(session)
                with gr.Tab(compare.TITLE):
                    compare.CompareTab(context).build(session)
                with gr.Tab(lab.TITLE, id="lab"):
                    lab.build()
                with gr.Tab(guide.TITLE, id="guide"):
                    guide_view = guide.build(context)
                arrivals = more.wire(Listed(model, view), app)
                tab.wire(
                    tokenize.Controls(
                        model=model,
                        summary=summary_line,
                        gallery=gallery,
                        upload=upload,
                        size=size,
                        how=how,
                        load_codes=load_codes,
                        view=view,
                        edit_view=edit_view,
                        guide_view=guide_view,
                        share_view=share_view,
                        facts=facts_list,
                        session=session,
                        arrivals=arrivals,
                    )
                )
        app.load(None, None, tabs, js=OPENED_BY_LINK, api_visibility="private")
        Api(context).build()
    # Closed: gradio's direct way in goes past the line that all wait in, and past what each may ask for.
    return app.queue(max_size=128, default_concurrency_limit=2, api_open=False)


def launch_options(work: Work | None = None, limited: bool = True, closed: timedelta = CLOSED) -> dict[str, Any]:
    """Settings of launch() that the app depends on: offline, bounded uploads, no stored runs, everything through the
    gate. work: to stop gracefully with. limited: whether one visitor may ask for only so much. closed: how long a page
    is remembered that was closed."""
    work, pages, limits = work or Work(), Pages(), Limits() if limited else None
    tools = Tools(limits)
    limit_by_kind()
    take_turns()
    return {
        "theme": THEME,
        # in the head as it stands: gradio's own css= rewrites rules and loses container queries
        "head": f"<style>{''.join(asset(f'{name}.css') for name in STYLES)}</style>",
        "run_history": False,
        "ssr_mode": False,
        "enable_monitoring": False,
        "pwa": False,
        "max_file_size": MAX_OWN_BYTES,
        "mcp_server": False,
        "footer_links": ["api", "settings"],
        "app_kwargs": {
            "routes": [health_route(work), *tools.routes()],
            "lifespan": _lifespan(pages, tools, closed),
            "middleware": [
                Middleware(RequestLog),
                Middleware(Delivery),
                Middleware(GZipMiddleware, compresslevel=5),
                Middleware(Login),
                Middleware(Gate, limits=limits, work=work, pages=pages),
            ],
        },
    }


def _lifespan(pages: Pages, tools: Tools, closed: timedelta) -> Callable[[App], AbstractAsyncContextManager[None]]:
    """Of an app that remembers its pages and offers its endpoints as tools."""
    remember = remembering(pages, closed)

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncIterator[None]:
        async with remember(app), tools.serving(app.get_blocks()):
            yield

    return lifespan
