"""Bodies: how much a request may carry, checked while it arrives and before anything parses it."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from explorer.core.errors import JsonError
from explorer.core.untrusted_json import read_json
from explorer.ui.server.refused import Refused

MIB = 2**20
MOST_VALUES = 400_000
"""JSON values in one request: the codes of a picture of 1024 pixels, on two grids and twice over, are 164,000."""
DEEPEST = 40
"""Nested lists and objects in one request."""
PATIENCE = 15.0
"""Seconds that a request is given to arrive, beside those that its bytes need at the slowest accepted rate."""
SLOWEST, SLOWEST_UPLOAD = 50_000, 10_000
"""Bytes per second."""
SILENCE = 30.0
"""Seconds without a byte after which an upload is given up."""
HELD_OF_ALL, HELD_OF_ONE = 512 * MIB, 160 * MIB
"""Bytes of requests in memory at once: of all visitors, and of one. Two of the largest requests of one fit."""


@dataclass(frozen=True)
class Limit:
    """bytes and values: what a request may have of each."""

    bytes: int
    values: int = MOST_VALUES


class Held:
    """The bytes of requests that are in memory, for each visitor."""

    def __init__(self):
        self._of: Counter[str] = Counter()

    @contextmanager
    def account(self, visitor: str) -> Iterator["Account"]:
        """While it lasts, what is added to the account counts as held."""
        account = Account(self._of, visitor)
        try:
            yield account
        finally:
            self._of[visitor] -= account.bytes
            if self._of[visitor] <= 0:
                del self._of[visitor]

    @property
    def total(self) -> int:
        return self._of.total()


class Account:
    """One request's share of what is held."""

    def __init__(self, of: Counter[str], visitor: str):
        self._of, self._visitor, self.bytes = of, visitor, 0

    def add(self, count: int) -> None:
        if self._of[self._visitor] + count > HELD_OF_ONE:
            raise Refused(429, "Other large requests from here are still being read. Try again in a minute.", 30)
        if self._of.total() + count > HELD_OF_ALL:
            raise Refused(503, "Many large requests are being read at the moment. Try again in a minute.", 30)
        self._of[self._visitor] += count
        self.bytes += count


async def read(scope: Scope, receive: Receive, most: int, account: Account) -> bytes:
    """The body of a request; Refused where it is too large, too slow or not JSON by its own account."""
    headers = Headers(scope=scope)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("multipart/") or kind == "application/x-www-form-urlencoded":
        raise Refused(415, "This is taken as JSON only. Files are posted to /gradio_api/upload.")
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:12]) > most:
        raise _too_large(most)
    clock = asyncio.get_running_loop().time
    begun, parts, size, more = clock(), [], 0, True
    while more:
        left = begun + PATIENCE + size / SLOWEST - clock()
        try:
            message = await asyncio.wait_for(receive(), max(left, 0.01))
        except TimeoutError:
            raise Refused(408, "This request arrived too slowly. Send it again.") from None
        if message["type"] == "http.disconnect":
            raise Refused(400, "The connection was closed before the request was complete.")
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise _too_large(most)
        account.add(len(part))
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _too_large(most: int) -> Refused:
    size = f"{most >> 20} MB" if most >= MIB else f"{most >> 10} KB"
    return Refused(413, f"This request is larger than the {size} that it may have.")


def parse(body: bytes, limit: Limit) -> dict[str, Any]:
    """The JSON object of a body; Refused where it is none, or has too many values or levels."""
    try:
        found = read_json(body, "This request", largest=limit.bytes, most=limit.values, deepest=DEEPEST)
    except JsonError as error:
        raise Refused(400, str(error)) from error
    if not isinstance(found, dict):
        raise Refused(400, 'This request is no JSON object: expected {"data": [...]}.')
    return found


def replayed(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read once more."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def not_silent(receive: Receive) -> Receive:
    """Gives a body up as disconnected after SILENCE without a byte, or where it comes slower than SLOWEST_UPLOAD."""
    begun, size, complete = None, 0, False

    async def waiting() -> Message:
        nonlocal begun, size, complete
        if complete:
            return await receive()
        now = asyncio.get_running_loop().time()
        begun = begun or now
        left = min(SILENCE, begun + SILENCE + size / SLOWEST_UPLOAD - now)
        try:
            message = await asyncio.wait_for(receive(), max(left, 0.01))
        except TimeoutError:
            return {"type": "http.disconnect"}
        size += len(message.get("body", b""))
        complete = not message.get("more_body", False)
        return message

    return waiting
