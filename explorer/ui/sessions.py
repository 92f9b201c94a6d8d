"""Sessions: what the server remembers of a page is forgotten some time after the page was closed.

gradio frees the State of a closed page, but keeps everything else of ten thousand sessions, a fifth of a megabyte each
and what their components showed; every call of an endpoint counts as one.
"""

import asyncio
import ctypes
import gc
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta

from gradio.routes import App
from gradio.state_holder import StateHolder

log = logging.getLogger(__name__)

SILENT = timedelta(hours=2)
"""How long a page that is open, but asks for nothing, is remembered."""
CLOSED = timedelta(minutes=30)
"""How long a page that was closed is; a laptop that sleeps closes its pages, too."""
CALL = timedelta(minutes=2)
"""How long a call without a page is: nobody comes back to it."""
EVERY = 20.0
"""Seconds between two looks."""


def forget(holder: StateHolder, now: datetime, closed: timedelta = CLOSED) -> int:
    """Forget the sessions whose time is over, and return how many they were. What they hold is released first."""
    over = [
        id
        for id, session in list(holder.session_data.items())
        if now - holder.time_last_used.get(id, now)
        > (closed if session.is_closed else CALL if _is_call(id) else SILENT)
    ]
    for id in over:
        holder.delete_state(id)
        holder.session_data.pop(id, None)
        holder.time_last_used.pop(id, None)
    return len(over)


def _is_call(id: str) -> bool:
    """gradio names the session of a call that brings none after the event, 32 hexadecimal digits; pages differ."""
    return len(id) == 32 and all(letter in "0123456789abcdef" for letter in id)


def give_back_memory() -> None:
    """Return to the system what was freed: glibc keeps it, for each thread that once served a visitor. Others don't."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim:
        trim(0)


def forgetting(closed: timedelta = CLOSED) -> Callable[[App], AbstractAsyncContextManager[None]]:
    """A lifespan during which sessions are forgotten."""

    async def watch(app: App) -> None:
        while True:
            await asyncio.sleep(min(EVERY, max(1.0, closed.total_seconds() / 2)))
            try:
                if forget(app.state_holder, datetime.now(), closed):
                    await asyncio.to_thread(give_back_memory)
            except Exception:  # what one session holds must not keep the others
                log.exception("a session could not be forgotten")

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncIterator[None]:
        watching = asyncio.create_task(watch(app))
        try:
            yield
        finally:
            watching.cancel()

    return lifespan
