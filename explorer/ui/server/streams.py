"""The stream on which a page gets its answers, and the moment in which gradio would lose one.

gradio closes the stream when all was answered. The page opens another once its next request is accepted, unless it
believes that it still has one: a request accepted before the page has heard of the closing is never answered.
"""

import asyncio
import time

from starlette.types import Message, Send

CLOSING = b'data: {"msg":"close_stream"'
HOLD = 0.3
"""Seconds from a closing to what is accepted next, so that the page hears of them in this order."""


class Streams:
    """When the stream of each page was closed last, as far back as it matters."""

    def __init__(self):
        self._closed: dict[str, float] = {}

    def watched(self, page: str, send: Send) -> Send:
        """Sends a page's stream on, and notes its end."""

        async def noting(message: Message) -> None:
            if CLOSING in message.get("body", b""):
                now = time.monotonic()
                self._closed = {other: then for other, then in self._closed.items() if then > now - HOLD} | {page: now}
            await send(message)

        return noting

    def accepted(self, page: str, send: Send) -> Send:
        """Sends on that a page's request was accepted, not before the page has heard of a closing."""

        async def held(message: Message) -> None:
            if message["type"] == "http.response.start" and page in self._closed:
                await asyncio.sleep(self._closed[page] + HOLD - time.monotonic())
            await send(message)

        return held
