"""The gate: every request passes here before gradio sees it, and what it may not do is refused in a sentence.

gradio hands out any file that it keeps, opens files and addresses that a request names, reads requests of any length
and answers unknown functions with an internal error. The page and the endpoints need none of that. What is not listed
here as allowed is refused, so that a new route of gradio stays closed until somebody opens it.
"""

import contextlib
import json
import logging
import os
import posixpath
import time
from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import Any

import gradio as gr
from starlette.datastructures import Headers, QueryParams
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.services.limits import ADDRESS, COSTS, MEGABYTE, PAGE, UPLOAD, UPLOADED_MEGABYTE, VIEW_CALL, Limits
from explorer.ui.calls import LARGEST_REQUEST
from explorer.ui.components import MAX_BYTES, PictureInput, View
from explorer.ui.server import bodies, own_files, visitors
from explorer.ui.server.bodies import MIB, Held, Limit
from explorer.ui.server.login import is_login
from explorer.ui.server.pages import Pages
from explorer.ui.server.refused import Refused
from explorer.ui.server.stop import Work
from explorer.ui.server.streams import Streams

log = logging.getLogger(__name__)

API = "/gradio_api/"
CALLS = ("queue/join", "call/", "run/", "api/", "component_server")
"""What starts work, below API."""
POSTED = (*CALLS, "upload", "cancel", "reset", "mcp")
"""All that may be posted, below API. gradio has more: a developer's tools, and conversion of recordings."""
READ = (
    "info",
    "openapi.json",
    "startup-events",
    "heartbeat/",
    "queue/data",
    "call/",
    "file=",
    "upload_progress",
    "theme.css",
    "app_id",
    "mcp",
)
"""All that may be read, below API. gradio has more: stored runs, copies of a page's state, a proxy."""
READ_ELSEWHERE = ("/config", "/health", "/logout", "/theme.css", "/favicon.ico", "/robots.txt", "/static/", "/assets/")
"""All that may be read elsewhere, beside the page itself."""
FILES = f"{API}file="
MALFORMED = {
    f"{API}call/v2/": "These are not the arguments of this endpoint. They are listed at /gradio_api/info.",
    f"{API}upload": 'This is no upload: expected multipart form data with a named file in each part "files".',
}
"""What is said of requests that gradio itself trips over."""
PICTURE = MAX_BYTES * 4 // 3 + MIB
"""Bytes of JSON that carry the largest picture as a data URL."""
OF_INPUTS = ((PictureInput, PICTURE), (gr.JSON, LARGEST_REQUEST), (View, LARGEST_REQUEST), (gr.File, MIB))
"""Bytes that a request may have for an input of each kind."""
OF_OTHERS = MIB // 16
"""For an input of any other kind, and for what stands around them."""
FEW = 1000
"""JSON values in a request that carries neither codes nor edits."""
LARGEST = {
    "queue/join": Limit(2 * LARGEST_REQUEST),
    "component_server": Limit(LARGEST_REQUEST),
    "mcp": Limit(PICTURE + LARGEST_REQUEST),
}
"""Of requests that say only inside what they ask for."""
UPLOADS_OF_ONE = 8
"""Uploads of one visitor at a time."""
OPENING, OPENING_UNSEEN, OPENING_OF_ONE = 20.0, 1.0, 40
"""Seconds that a page is given to open its connection, before its first request counts as invented; the same where its
visitor was not sent a page lately; and how many requests of one visitor may wait for that."""
LATELY, KNOWN = 120.0, 10_000
"""Seconds for which a visitor counts as having been sent a page, and how many visitors are."""


class Gate:
    """ASGI middleware. limits: None where nobody is limited. work: what is under way, and whether more may begin.
    pages: which pages are open."""

    def __init__(self, app: ASGIApp, limits: Limits | None, work: Work, pages: Pages):
        self._app, self._limits, self._work, self._pages = app, limits, work, pages
        self._streams, self._held = Streams(), Held()
        self._uploading: Counter[str] = Counter()
        self._opening: Counter[str] = Counter()
        self._sent_page: OrderedDict[str, float] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            visitors.current.set(visitors.visitor_of(scope))
            await self._let_in(scope, receive, sent)
        except Refused as refused:
            await refused.response()(scope, receive, send)
        except Exception as error:
            if begun:
                raise
            words = next((words for path, words in MALFORMED.items() if scope["path"].startswith(path)), "")
            if words and isinstance(error, TypeError | ValueError | KeyError):
                await Refused(400, words).response()(scope, receive, send)
                return
            log.exception("a request failed")
            sorry = Refused(500, "That did not work, and it is our fault. Nothing that was there is lost.")
            await sorry.response()(scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        what = path.removeprefix(API) if path.startswith(API) else ""
        if method in ("GET", "HEAD", "OPTIONS"):
            await self._read(path, what, scope, receive, send)
        elif is_login(scope):
            await self._app(scope, receive, send)
        elif method != "POST":
            raise Refused(405, "Pages are read and requests are posted here, nothing else.")
        elif not what.startswith(POSTED):
            raise Refused(404, "Nothing is to be posted here. The endpoints are listed at /gradio_api/info.")
        elif what.startswith((*CALLS, "upload", "mcp")) and self._work.stopping:
            raise Refused(503, "The program is being restarted. Try again in a minute.")
        elif what.startswith("upload"):
            await self._upload(scope, receive, send)
        else:
            await self._call(what, scope, receive, send)

    async def _read(self, path: str, what: str, scope: Scope, receive: Receive, send: Send) -> None:
        if path != "/" and not path.startswith(READ_ELSEWHERE) and not what.startswith(READ):
            raise Refused(404, "There is nothing here. The page is at / and the endpoints at /gradio_api/info.")
        if path.startswith(FILES):
            self._check_file(path)
        if path in ("/", "/config"):
            self._note_page(visitors.current.get())
        stream = contextlib.nullcontext()
        if scope["method"] == "GET" and what.startswith(("heartbeat/", "queue/data", "call/")):
            id = QueryParams(scope["query_string"]).get("session_hash", "") if what == "queue/data" else _last(what)
            stream = self._pages.stream(
                visitors.current.get(), id, what.startswith("heartbeat/"), self._limits is not None
            )
            if what == "queue/data":
                send = self._streams.watched(id, send)
        with stream:
            await self._app(scope, receive, send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor = visitors.current.get()
        declared = Headers(scope=scope).get("content-length", "")
        size = int(declared[:12]) if declared.isdecimal() else MAX_BYTES
        self._take(visitor, "", UPLOAD + UPLOADED_MEGABYTE * size / MIB)
        if self._limits and self._uploading[visitor] >= UPLOADS_OF_ONE:
            raise Refused(429, "Other files are still being uploaded from here. Try again when they are.", 5)
        self._uploading[visitor] += 1
        try:
            await self._app(scope, bodies.not_silent(receive), send)
        finally:
            self._uploading -= Counter({visitor: 1})

    async def _call(self, what: str, scope: Scope, receive: Receive, send: Send) -> None:
        visitor, blocks = visitors.current.get(), scope["app"].get_blocks()
        limit = _limit(what, blocks)
        with self._held.account(visitor) as account:
            body = await bodies.read(scope, receive, limit.bytes, account)
            weight = MEGABYTE * len(body) / MIB
            if what.startswith("mcp"):
                data = bodies.parse(body, limit)
                try:
                    self._take(visitor, "", weight)
                except Refused as refused:  # in the protocol, else its clients only tell of a status and an address
                    await _protocol_error(refused, data)(scope, receive, send)
                    return
            else:
                self._take(visitor, "", weight)
                data = bodies.parse(body, limit)
            if what.startswith(CALLS):
                page = await self._check_call(what, data, len(body), visitor, blocks)
                send = self._noting_answers(what, page, visitor, send)
            if what.startswith("queue/join"):
                send = self._streams.accepted(data["session_hash"], send)
            with self._work.under_way():
                await self._app(scope, bodies.replayed(body, receive), send)

    def _check_file(self, path: str) -> None:
        """Files are handed out to who brought them, and those that the program made to whoever knows their name."""
        found = posixpath.normpath("/" + path.removeprefix(FILES).lstrip("/"))
        folder = os.path.normpath(gr.utils.get_upload_folder())
        if not found.startswith(folder + "/"):
            raise Refused(403, "Only uploads, and files that were made here, are handed out.")
        if found.startswith(f"{folder}/{own_files.FOLDER}") and not own_files.owns(visitors.current.get(), found):
            raise Refused(403, "This file belongs to another visitor.")

    async def _check_call(self, what: str, call: dict[str, Any], size: int, visitor: str, blocks: gr.Blocks) -> str:
        """The key of the page that a call is from, "" for none; Refused where the call is not let in."""
        page = call.get("session_hash")
        if page is not None and not (isinstance(page, str) and 0 < len(page) <= 64):
            raise Refused(400, "The session_hash of a request is a text of at most 64 characters.")
        page = page or ""
        if what.startswith("component_server"):
            self._check_paths(visitor, call)
            if str(call.get("component_id")) not in map(str, blocks.blocks):
                raise Refused(404, "There is no such view. Reload the page.")
            self._take(visitor, page, VIEW_CALL)
            await self._check_open(page)
            return page
        if what.startswith("queue/") and not page:
            raise Refused(400, "This request does not say which page it is from. Reload the page.")
        function = _function(what, call, blocks)
        allowed = _limit_of(function).bytes
        if size > allowed:
            raise Refused(413, f"This request is larger than the {max(1, allowed >> 20)} MB that it may have.")
        self._check_paths(visitor, call, _inputs(function, call))
        self._take(visitor, page, COSTS.get(function.name, 1.0))
        if function.api_visibility != "public":
            await self._check_open(page)
        if function.queue:
            self._check_line(visitor, page, blocks)
        return page

    def _check_paths(self, visitor: str, call: dict[str, Any], inputs: Sequence[Any] = ()) -> None:
        try:
            own_files.check_paths(visitor, call, inputs)
        except own_files.NotYours as error:
            raise Refused(403, str(error)) from error

    async def _check_open(self, page: str) -> None:
        """Refuse what only a page asks for where no such page is open."""
        visitor = visitors.current.get()
        seen = time.monotonic() - self._sent_page.get(visitor, -LATELY) < LATELY
        patience = OPENING if seen else OPENING_UNSEEN
        if not page or self._opening[visitor] >= OPENING_OF_ONE:
            patience = 0.0
        self._opening[visitor] += 1
        try:
            if not await self._pages.wait_until_known(page, patience):
                raise Refused(403, "This request does not come from an open page. Reload the page.")
        finally:
            self._opening -= Counter({visitor: 1})

    def _note_page(self, visitor: str) -> None:
        """Keep that a visitor was sent a page."""
        self._sent_page[visitor] = time.monotonic()
        self._sent_page.move_to_end(visitor)
        while len(self._sent_page) > KNOWN:
            self._sent_page.popitem(last=False)

    def _noting_answers(self, what: str, page: str, visitor: str, send: Send) -> Send:
        """Sends on that a call was accepted, and keeps for whom an answer will lie ready."""
        if not what.startswith(("queue/join", "call/")):
            return send
        if self._limits:
            self._pages.check_unread(visitor)
        answer = bytearray()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.body":
                answer.extend(message.get("body", b""))
                if not message.get("more_body"):
                    with contextlib.suppress(ValueError, TypeError, KeyError):
                        self._pages.expects(visitor, page or json.loads(answer)["event_id"])
            await send(message)

        return noting

    def _take(self, visitor: str, page: str, cost: float) -> None:
        wait = self._limits.take(visitor, page, cost) if self._limits else 0
        if wait:
            seconds = int(wait) + 1
            raise Refused(
                429, f"Too many requests came from here at once. Try again in {seconds} s; others are waiting.", seconds
            )

    def _check_line(self, visitor: str, page: str, blocks: gr.Blocks) -> None:
        """Nobody may fill the line that all visitors wait in."""
        if not self._limits:
            return
        waiting = [event for line in blocks._queue.event_queue_per_concurrency_id.values() for event in line.queue]
        of_page = sum(event.session_hash == page for event in waiting)
        of_visitor = sum(visitors.visitor_of(event.request.scope) == visitor for event in waiting)
        if of_page >= PAGE.waiting or of_visitor >= ADDRESS.waiting:
            raise Refused(429, "What you asked for before is still waiting. Try again when it is done.", 5)


def _protocol_error(refused: Refused, request: dict[str, Any]) -> JSONResponse:
    """A refusal as MCP knows errors."""
    id = request.get("id")
    error = {"code": -32000, "message": str(refused)}
    return JSONResponse({"jsonrpc": "2.0", "id": id if isinstance(id, str | int) else 0, "error": error})


def _function(what: str, body: dict[str, Any], blocks: gr.Blocks) -> gr.block_function.BlockFunction:
    """What a call is of: named in the path, or numbered in the body."""
    number = body.get("fn_index")
    if what.startswith("queue/") or (number is not None and not what.startswith("call/")):
        found = blocks.fns.get(number) if isinstance(number, int) else None
    else:
        found = _named(_last(what), blocks)
    if found is None:
        raise Refused(404, "There is no such endpoint. They are listed at /gradio_api/info.")
    return found


def _named(name: str, blocks: gr.Blocks) -> gr.block_function.BlockFunction | None:
    return next((function for function in blocks.fns.values() if function.api_name == name), None)


def _last(what: str) -> str:
    """The last part of a path: the name of an endpoint, or the key of a page or call."""
    return what.split("?")[0].strip("/").split("/")[-1]


def _limit(what: str, blocks: gr.Blocks) -> Limit:
    """What a request may have, as far as its path tells."""
    for path, limit in LARGEST.items():
        if what.startswith(path):
            return limit
    function = _named(_last(what), blocks) if what.startswith(CALLS) else None
    return _limit_of(function) if function else Limit(OF_OTHERS, FEW)


def _limit_of(function: gr.block_function.BlockFunction) -> Limit:
    """What a request for a function may have, by what the function takes."""
    of = [next((most for kind, most in OF_INPUTS if isinstance(block, kind)), OF_OTHERS) for block in function.inputs]
    many = any(isinstance(block, gr.JSON | View) for block in function.inputs)
    return Limit(OF_OTHERS + sum(of), bodies.MOST_VALUES if many else FEW + 10 * 256)


def _inputs(function: gr.block_function.BlockFunction, call: dict[str, Any]) -> list[Any]:
    """The components that the items of a call's data go to; programs leave out those of the page's own state."""
    data, inputs = call.get("data"), list(function.inputs)
    if isinstance(data, list) and len(data) != len(inputs):
        return [block for block in inputs if not block.skip_api]
    return inputs
