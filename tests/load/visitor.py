"""One visitor of the page, without a browser: the requests that the page itself makes."""

import asyncio
import base64
import json
import secrets
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np

from explorer.core.images import encode_file

GRADIO = "/gradio_api"
PATIENCE = 60.0
"""Seconds after which a request counts as hung."""
LIMITS = httpx.Limits(max_connections=4, keepalive_expiry=2)
"""Connections are given up before the app closes them, which a browser would not notice either."""


class Failed(Exception):
    """The app answered, but with an error."""


@dataclass(frozen=True)
class Page:
    """What a browser learns from the page: the component of a name, and the event of a component's trigger."""

    components: dict[str, int]
    events: dict[tuple[str, str], dict[str, Any]]

    @classmethod
    def of(cls, config: dict[str, Any]) -> "Page":
        names = {block["id"]: block["props"].get("elem_id") for block in config["components"]}
        events: dict[tuple[str, str], dict[str, Any]] = {}
        for event in config["dependencies"]:
            for id, trigger in event["targets"]:
                events.setdefault((names.get(id) or "", trigger), event)
        return cls({name: id for id, name in names.items() if name}, events)


class Visitor:
    """A session of its own, from `open` to `close`."""

    def __init__(self, url: str, address: str = "203.0.113.1"):
        """address: where a proxy on this machine, which is believed, says that the visitor comes from."""
        headers = {"X-Forwarded-For": address}
        self.http = httpx.AsyncClient(base_url=url, timeout=PATIENCE, limits=LIMITS, headers=headers)
        self.session, self._alive = secrets.token_hex(8), None

    async def open(self) -> None:
        """Fetch what a browser fetches, the pictures and scripts that it keeps apart."""
        await self._get("/")
        self.page = Page.of((await self._get("/config")).json())
        self._alive = asyncio.create_task(self._heartbeat())

    async def health(self) -> dict[str, Any]:
        """What the app says of itself."""
        return (await self._get("/health")).json()

    async def close(self) -> None:
        if self._alive:
            self._alive.cancel()
            await asyncio.gather(self._alive, return_exceptions=True)
        await self.http.aclose()

    async def call(self, component: str, function: str, request: dict[str, Any]) -> dict[str, Any]:
        """What a view's server function answers."""
        body = {
            "data": json.dumps(request),
            "component_id": self.page.components[component],
            "fn_name": function,
            "session_hash": self.session,
        }
        reply = await self.http.post(f"{GRADIO}/component_server", json=body)
        answer = json.loads(_checked(reply).json())
        if "error" in answer:
            raise Failed(f"{component}.{function}: {answer['error']}")
        return answer

    async def event(self, component: str, trigger: str, *data: Any) -> dict[str, Any]:
        """Fire an event; the first update that it gives each component, by the component's name. Waits for its end.

        data: of the event's inputs; those of gr.State are None, the server has them.
        """
        event = self.page.events[component, trigger]
        body = {"data": data, "fn_index": event["id"], "session_hash": self.session, "trigger_id": None}
        _checked(await self.http.post(f"{GRADIO}/queue/join", json=body))
        found: list[Any] = []
        async with self.http.stream("GET", f"{GRADIO}/queue/data", params={"session_hash": self.session}) as stream:
            async for line in stream.aiter_lines():
                message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {"msg": ""}
                output = message.get("output") or {}
                if message.get("success") is False:
                    raise Failed(f"{component}.{trigger}: {output.get('error')}")
                if message["msg"] in ("process_generating", "process_completed") and not found:
                    found = output.get("data") or []
                if message["msg"] in ("process_completed", "close_stream"):
                    break
        names = {id: name for name, id in self.page.components.items()}
        return {names.get(id, str(id)): value for id, value in zip(event["outputs"], found, strict=False)}

    async def upload(self, pixels: np.ndarray) -> dict[str, Any]:
        """The file data of an uploaded picture (H, W, 3) uint8."""
        file = ("photo.png", encode_file(pixels), "image/png")
        reply = await self.http.post(f"{GRADIO}/upload", files={"files": file})
        return {"path": _checked(reply).json()[0], "meta": {"_type": "gradio.FileData"}}

    async def _get(self, path: str) -> httpx.Response:
        return _checked(await self.http.get(path))

    async def _heartbeat(self) -> None:
        """The stream by which the app knows that the page is open."""
        async with self.http.stream("GET", f"{GRADIO}/heartbeat/{self.session}", timeout=None) as stream:
            async for _ in stream.aiter_bytes():
                pass


def codes_of(view: dict[str, Any]) -> tuple[str, np.ndarray]:
    """(model, codes (h, w) int32) of what the Tokenize view is given."""
    picture = json.loads(view["value"])
    level = picture["levels"][0]
    codes = np.frombuffer(base64.b64decode(level["codes"]), "<i4").reshape(level["rows"], level["columns"])
    return picture["model"], codes


def _checked(reply: httpx.Response) -> httpx.Response:
    if reply.status_code != 200:
        raise Failed(f"{reply.request.url.path}: {reply.status_code} {reply.text[:200]}")
    return reply
