"""MCP: the public endpoints as tools of the Model Context Protocol, at /gradio_api/mcp.

gradio's own MCP server calls the app over HTTP, as one client for all. Limits cannot tell its users apart then, and
refusals become "Client error 429 for url ...". This one calls the same functions, for the client that asks.
"""

import base64
import binascii
import inspect
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import anyio
import gradio as gr
from gradio.utils import get_function_description
from mcp import types
from mcp.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from pydantic import PydanticSchemaGenerationError, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from explorer.services.limits import COSTS, MCP_WAITING, Limits
from explorer.ui.components import MAX_BYTES, PictureInput
from explorer.ui.server import own_files, visitors
from explorer.ui.server.bodies import HELD_OF_ONE

PATH = "/gradio_api/mcp"
PICTURE = (
    "A picture file (JPEG, PNG, WebP, GIF, TIFF or BMP), at most 50 MB: as base64, as a data: URL, or as the path that "
    'POST /gradio_api/upload answered (multipart form, one part "files"). Addresses are not fetched.'
)
LONGEST_PATH = 1000
"""Characters; what is longer is base64."""


class NotDone(Exception):
    """What a tool could not do; the text is what the client is told."""


class Tools:
    """The tools of an app, and the server that offers them. limits: None where nobody is limited."""

    def __init__(self, limits: Limits | None):
        self._limits, self._blocks = limits, None
        self._waiting: Counter[str] = Counter()
        self._line = anyio.CapacityLimiter(1)  # one at a time, as the endpoints
        server: Server = Server("Codebook Explorer")
        server.list_tools()(self._list)
        server.call_tool(validate_input=False)(self._call)
        self._server = server
        self._manager = StreamableHTTPSessionManager(server, stateless=True, max_request_body_size=HELD_OF_ONE)

    def routes(self) -> list[BaseRoute]:
        return [Route(f"{PATH}/schema", self._schema), Mount(PATH, self._handle), Route(PATH, _Endpoint(self._handle))]

    @asynccontextmanager
    async def serving(self, blocks: gr.Blocks) -> AsyncIterator[None]:
        """While it lasts, the tools of an app are served."""
        self._blocks = blocks
        async with self._manager.run():
            yield

    def tools(self) -> list[types.Tool]:
        """One for each public endpoint."""
        return [
            types.Tool(name=function.api_name, description=_described(function), inputSchema=_input_schema(function))
            for function in self._functions().values()
        ]

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":  # no stream is kept for a client: every request is answered whole
            words = "This is an MCP server: connect a client to it by streamable HTTP. Its tools are listed at "
            await JSONResponse({"detail": f"{words}{PATH}/schema."}, 405, {"Allow": "POST"})(scope, receive, send)
            return
        await self._manager.handle_request(scope, receive, send)

    async def _schema(self, request: Request) -> JSONResponse:
        return JSONResponse([tool.model_dump(include={"name", "description", "inputSchema"}) for tool in self.tools()])

    async def _list(self) -> list[types.Tool]:
        return self.tools()

    async def _call(self, name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        function = self._functions().get(name)
        if function is None:
            raise NotDone(f"There is no such tool. There are: {', '.join(self._functions())}.")
        visitor = visitors.visitor_of(self._server.request_context.request.scope)
        self._check_allowance(visitor, COSTS.get(function.name, 1.0))
        ready = _arguments(function, arguments, visitor)
        self._waiting[visitor] += 1
        try:
            async with self._line:
                found = await anyio.to_thread.run_sync(partial(function.fn, **ready))
        except gr.Error as error:
            raise NotDone(error.message) from error
        finally:
            self._waiting -= Counter({visitor: 1})
        answers = found if isinstance(found, tuple) else (found,)
        return [_content(block, answer) for block, answer in zip(function.outputs, answers, strict=True)]

    def _check_allowance(self, visitor: str, cost: float) -> None:
        """A client has what a page has, and its address what thirty pages have."""
        if not self._limits:
            return
        wait = self._limits.take(visitor, f"mcp {visitor}", cost)
        if wait:
            seconds = int(wait) + 1
            raise NotDone(f"Too many requests came from here at once. Try again in {seconds} s; others are waiting.")
        if self._waiting[visitor] >= MCP_WAITING or self._waiting.total() >= 4 * MCP_WAITING:
            raise NotDone("Earlier requests are still waiting. Try again when they are done.")

    def _functions(self) -> dict[str, gr.block_function.BlockFunction]:
        found = (function for function in self._blocks.fns.values() if function.fn)
        return {function.api_name: function for function in found if function.api_visibility == "public"}


class _Endpoint:
    """An ASGI app as what a Route takes for one, for the path without a slash at its end."""

    def __init__(self, app: Callable):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _described(function: gr.block_function.BlockFunction) -> str:
    what, _, returns = get_function_description(function.fn)
    return f"{what} Returns: {' '.join(returns)}" if returns else what


def _takes_picture(block: Any) -> bool:
    return isinstance(block, PictureInput | gr.File)


def _parameters(function: gr.block_function.BlockFunction) -> dict[str, tuple[inspect.Parameter, Any]]:
    """Name -> its place in the signature, and the component that an endpoint takes it by."""
    parameters = inspect.signature(function.fn).parameters.values()
    return {found.name: (found, block) for found, block in zip(parameters, function.inputs, strict=True)}


def _input_schema(function: gr.block_function.BlockFunction) -> dict[str, Any]:
    _, descriptions, _ = get_function_description(function.fn)
    hints, properties = get_type_hints(function.fn), {}
    for name, (parameter, block) in _parameters(function).items():
        try:
            schema = TypeAdapter(hints.get(name, Any)).json_schema()
        except PydanticSchemaGenerationError:
            schema = {}
        described = PICTURE if _takes_picture(block) else descriptions.get(name, "")
        default = {} if parameter.default is inspect.Parameter.empty else {"default": parameter.default}
        properties[name] = schema | {"description": described} | default
    required = [name for name, schema in properties.items() if "default" not in schema]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _arguments(function: gr.block_function.BlockFunction, given: dict[str, Any], visitor: str) -> dict[str, Any]:
    """The arguments of a call as the function takes them; NotDone where some are missing, unknown or no picture."""
    parameters = _parameters(function)
    unknown = [name for name in given if name not in parameters]
    missing = [
        name
        for name, (found, _) in parameters.items()
        if name not in given and found.default is inspect.Parameter.empty
    ]
    if unknown or missing:
        raise NotDone(f"This tool takes {', '.join(parameters)}; needed are {', '.join(missing) or 'no others'}.")
    ready = {}
    for name, value in given.items():
        _, block = parameters[name]
        if isinstance(block, PictureInput):
            value = _picture(value, visitor)
        elif isinstance(block, gr.File) and value is not None:
            if not isinstance(value, list):
                raise NotDone(f"{name} is a list of pictures.")
            value = [_picture(one, visitor) for one in value]
        ready[name] = value
    return ready


def _picture(value: Any, visitor: str) -> str | bytes:
    """The path of a visitor's upload, or the bytes that come with the call."""
    if not isinstance(value, str) or not value:
        raise NotDone(f"This is no picture. {PICTURE}")
    if value.lower().startswith(("http:", "https:")):
        raise NotDone(f"Addresses are not fetched here. {PICTURE}")
    if value.startswith("/") and len(value) < LONGEST_PATH and own_files.owns(visitor, value):
        return value
    text = value.partition(",")[2] if value.startswith("data:") else value
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise NotDone(f"This is neither base64 nor a file that was uploaded from here. {PICTURE}") from None
    if len(data) > MAX_BYTES:
        raise NotDone(f"This picture is larger than {MAX_BYTES >> 20} MB. Make it smaller first.")
    return data


def _content(block: Any, answer: Any) -> types.ContentBlock:
    if isinstance(block, gr.Image):
        path = Path(answer)
        data = base64.b64encode(path.read_bytes()).decode()
        path.unlink(missing_ok=True)
        return types.ImageContent(type="image", data=data, mimeType=f"image/{path.suffix[1:]}")
    return types.TextContent(type="text", text=json.dumps(answer))
