"""Logs: one line of JSON per request, without contents and addresses; no text from outside begins a line of its own.

A request is described by what was asked, how it went and how long it took.
"""

import hashlib
import io
import json
import logging
import secrets
import time
from datetime import UTC, datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.core.quoting import one_line

log = logging.getLogger("explorer.requests")

NAMED = ("/gradio_api/call/", "/gradio_api/run/", "/gradio_api/api/")
"""What is followed by the name of an endpoint, which is worth knowing."""


class OneLine(logging.Formatter):
    """A message is one line, whatever it repeats from outside; the lines of a traceback are marked as such."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return one_line(super().formatMessage(record))

    def formatException(self, info) -> str:
        return _marked(super().formatException(info))

    def formatStack(self, text: str) -> str:
        return _marked(super().formatStack(text))


class Printed(io.TextIOBase):
    """A stream that logs what is printed to it; gradio prints what it was asked for on some of its routes."""

    def write(self, text: str) -> int:
        if text.strip():
            logging.getLogger("printed").info("%s", text.rstrip("\n"))
        return len(text)


def guard_logs() -> None:
    """Give OneLine to the handlers of all loggers that there are, those of libraries too; warnings are logged."""
    logging.captureWarnings(True)
    for logger in (logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))):
        for handler in logger.handlers:
            handler.setFormatter(OneLine("%(message)s"))


def _marked(text: str) -> str:
    return "\n".join(f"  | {one_line(line)}" for line in text.splitlines())


class RequestLog:
    """ASGI middleware that logs to `explorer.requests`, at INFO, once the answer is complete."""

    def __init__(self, app: ASGIApp):
        self._app, self._key = app, secrets.token_bytes(16)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not log.isEnabledFor(logging.INFO):
            await self._app(scope, receive, send)
            return
        started, status, received, answered = time.perf_counter(), 0, 0, 0

        async def receiving() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def sending(message: Message) -> None:
            nonlocal status, answered
            status = message.get("status", status)
            answered += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receiving, sending)
        finally:
            line = {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "visitor": self.visitor(scope["client"][0] if scope.get("client") else ""),
                "method": scope["method"],
                "route": route(scope["path"]),
                "status": status,
                "milliseconds": round(1000 * (time.perf_counter() - started), 1),
                "bytes_in": received,
                "bytes_out": answered,
            }
            log.info(json.dumps(line))

    def visitor(self, address: str) -> str:
        """A name for an address that tells visitors apart while the program runs, and nothing else."""
        return hashlib.blake2b(address.encode(), digest_size=5, key=self._key).hexdigest()


def route(path: str) -> str:
    """A path without what a visitor put into it: files, ids of sessions and events."""
    for prefix in NAMED:
        if path.startswith(prefix):
            names = path.removeprefix(prefix).removeprefix("v2/").split("/")
            return prefix + "".join(letter for letter in names[0][:40] if letter.isidentifier())
    parts = path.split("=")[0].split("/")
    return "/".join(parts[: 4 if path.startswith("/gradio_api/queue") else 3])[:60]
