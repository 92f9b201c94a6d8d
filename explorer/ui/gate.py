"""The gate: every request passes here before gradio sees it, and what it may not do is refused in a sentence.

gradio hands out any file that it keeps, fetches files from addresses that a request names, reads requests of any
length and answers unknown functions with an internal error. The page and the endpoints need none of that.
"""

import json
import logging
import math
import posixpath
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import gradio as gr
from starlette.datastructures import Headers, QueryParams
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.services.limits import ADDRESS, COSTS, PAGE, UPLOAD, VIEW_CALL, Limits
from explorer.ui.components import MAX_BYTES
from explorer.ui.login import is_login
from explorer.ui.stop import Work
from explorer.ui.streams import Streams

log = logging.getLogger(__name__)

API = "/gradio_api/"
LARGEST_BODY = MAX_BYTES * 4 // 3 + 2**20
"""Bytes of a request that is no upload: room for the largest picture as a data URL."""
CALLS = ("queue/join", "call/", "run/", "api/", "component_server")
"""What starts work, below API."""
POSTED = (*CALLS, "upload", "cancel", "reset", "mcp")
"""All that may be posted, below API. gradio has more: a developer's tools, and conversion of recordings."""
FILES = (f"{API}file=", f"{API}file/", "/file=")
MALFORMED = {
    f"{API}call/v2/": "These are not the arguments of this endpoint. They are listed at /gradio_api/info.",
    f"{API}upload": 'This is no upload: expected multipart form data with a named file in each part "files".',
}
"""What is said of requests that gradio itself trips over."""
REMEMBERED = 10_000
"""Uploads of which is known who brought them."""


class Refused(Exception):
    """status: of HTTP. The text is what the visitor is told."""

    def __init__(self, status: int, text: str, seconds: float = 0.0):
        super().__init__(text)
        self.status, self.seconds = status, seconds


class Gate:
    """ASGI middleware. limits: None where nobody is limited. work: what is under way, and whether more may begin."""

    def __init__(self, app: ASGIApp, limits: Limits | None, work: Work):
        self._app, self._limits, self._work = app, limits, work
        self._brought_by: OrderedDict[str, set[str]] = OrderedDict()
        self._streams = Streams()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._let_in(scope, receive, sent)
        except Refused as refused:
            await _answer(refused, scope, receive, send)
        except Exception as error:
            if begun:
                raise
            words = next((words for path, words in MALFORMED.items() if scope["path"].startswith(path)), "")
            if words and isinstance(error, TypeError | ValueError | KeyError):
                await _answer(Refused(400, words), scope, receive, send)
                return
            log.exception("a request failed")
            sorry = Refused(500, "That did not work, and it is our fault. Nothing that was there is lost.")
            await _answer(sorry, scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, address = scope["path"], scope["client"][0] if scope.get("client") else ""
        if path.startswith(FILES):
            self._check_file(path, address)
        if scope["method"] != "POST" or is_login(scope):
            if path == f"{API}queue/data":
                send = self._streams.watched(QueryParams(scope["query_string"]).get("session_hash", ""), send)
            await self._app(scope, receive, send)
            return
        what = path.removeprefix(API) if path.startswith(API) else ""
        if not what.startswith(POSTED):
            raise Refused(404, "Nothing is to be posted here. The endpoints are listed at /gradio_api/info.")
        if what.startswith((*CALLS, "upload")) and self._work.stopping:
            raise Refused(503, "The program is being restarted. Try again in a minute.")
        if what.startswith("upload"):
            self._take(address, "", UPLOAD)
            await self._app(scope, receive, self._noting_files(address, send))
            return
        body = await _body(scope, receive)
        if what.startswith(CALLS):
            call = _json_object(body)
            self._check_call(what, call, address, scope["app"].get_blocks())
            if what.startswith("queue/join"):
                send = self._streams.accepted(call["session_hash"], send)
        with self._work.under_way():
            await self._app(scope, _replayed(body, receive), send)

    def _check_file(self, path: str, address: str) -> None:
        """Files are handed out to whoever brought them, and those that the program made to whoever knows their name."""
        named = path.removeprefix(API).removeprefix("/").removeprefix("file").lstrip("=/")
        if ":/" in named:
            raise Refused(403, "Nothing is fetched from other addresses here.")
        if address not in self._brought_by.get(posixpath.normpath(f"/{named}"), {address}):
            raise Refused(403, "This file belongs to another visitor.")

    def _noting_files(self, address: str, send: Send) -> Send:
        """Sends on gradio's answer to an upload, the list of the files it became, and keeps who brought them."""
        answer = bytearray()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.body":
                answer.extend(message.get("body", b""))
                if not message.get("more_body"):
                    self._note(bytes(answer), address)
            await send(message)

        return noting

    def _note(self, answer: bytes, address: str) -> None:
        if not answer.startswith(b"["):
            return  # refused
        for name in json.loads(answer):
            self._brought_by.setdefault(name, set()).add(address)
        while len(self._brought_by) > REMEMBERED:
            self._brought_by.popitem(last=False)

    def _check_call(self, what: str, body: dict[str, Any], address: str, blocks: gr.Blocks) -> None:
        for name in _files_in(body):
            if name.strip().lower().startswith(("http:", "https:")):
                raise Refused(400, "Nothing is fetched from other addresses here. Upload the file itself.")
        page = body.get("session_hash") if isinstance(body.get("session_hash"), str) else ""
        if what.startswith("component_server"):
            if str(body.get("component_id")) not in map(str, blocks.blocks):
                raise Refused(404, "There is no such view. Reload the page.")
            self._take(address, page, VIEW_CALL)
            return
        if what.startswith("queue/") and not page:
            raise Refused(400, "This request does not say which page it is from. Reload the page.")
        function = _function(what, body, blocks)
        self._take(address, page, COSTS.get(function.name, 1.0))
        if function.queue:
            self._check_line(address, page, blocks)

    def _take(self, address: str, page: str, cost: float) -> None:
        wait = self._limits.take(address, page, cost) if self._limits else 0
        if wait:
            seconds = math.ceil(wait)
            raise Refused(
                429, f"Too many requests came from here at once. Try again in {seconds} s; others are waiting.", seconds
            )

    def _check_line(self, address: str, page: str, blocks: gr.Blocks) -> None:
        """Nobody may fill the line that all visitors wait in."""
        if not self._limits:
            return
        waiting = [event for line in blocks._queue.event_queue_per_concurrency_id.values() for event in line.queue]
        of_page = sum(event.session_hash == page for event in waiting)
        of_address = sum(bool(event.request.client) and event.request.client.host == address for event in waiting)
        if of_page >= PAGE.waiting or of_address >= ADDRESS.waiting:
            raise Refused(429, "What you asked for before is still waiting. Try again when it is done.", 5)


def _function(what: str, body: dict[str, Any], blocks: gr.Blocks) -> gr.block_function.BlockFunction:
    """What a call is of: named in the path, or numbered in the body."""
    number = body.get("fn_index")
    if what.startswith("queue/") or number is not None:
        found = blocks.fns.get(number) if isinstance(number, int) else None
    else:
        name = what.split("?")[0].strip("/").split("/")[-1]
        found = next((function for function in blocks.fns.values() if function.api_name == name), None)
    if found is None:
        raise Refused(404, "There is no such endpoint. They are listed at /gradio_api/info.")
    return found


def _files_in(value: Any) -> Iterator[str]:
    """The path of every file that a request names, however deep."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            if isinstance(one.get("path"), str):
                yield one["path"]
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)


async def _body(scope: Scope, receive: Receive) -> bytes:
    declared = Headers(scope=scope).get("content-length", "")
    size = int(declared) if declared.isdecimal() else 0
    body, more = bytearray(), True
    while more and size <= LARGEST_BODY:
        message = await receive()
        body.extend(message.get("body", b""))
        more, size = message.get("more_body", False), max(size, len(body))
    if size > LARGEST_BODY:
        raise Refused(413, f"This request is larger than {LARGEST_BODY >> 20} MB.")
    return bytes(body)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "This request is not JSON.") from error
    if not isinstance(found, dict):
        raise Refused(400, 'This request is no JSON object: expected {"data": [...]}.')
    return found


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Gives a body that has been read once more."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _answer(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"Retry-After": str(math.ceil(refused.seconds))} if refused.seconds else {}
    # gradio's page shows "detail"; "error" is what its answers elsewhere call it
    content = {"detail": str(refused), "error": str(refused)}
    await JSONResponse(content, refused.status, headers)(scope, receive, send)
