"""Pages: what the server remembers of each, from when the page has shown that it is open until it is forgotten.

A page makes up its own key (gradio's session hash) and keeps a connection open, its heartbeat, while it is open.
Anybody can invent keys: they cost nothing until that connection was seen, and a visitor has only so many pages.
"""

import asyncio
import ctypes
import gc
import logging
import os
import threading
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from copy import copy
from datetime import datetime, timedelta
from typing import Any

import gradio as gr
from gradio.routes import App
from gradio.state_holder import SessionState, StateHolder

from explorer.ui.server.refused import Refused

log = logging.getLogger(__name__)

SILENT = timedelta(hours=2)
"""How long a page that is open, but asks for nothing, is remembered."""
CLOSED = timedelta(minutes=30)
"""How long a page that was closed is; a laptop that sleeps closes its pages, too."""
UNREAD = timedelta(minutes=2)
"""How long an answer waits for whoever asked."""
EVERY = 20.0
"""Seconds between two looks."""
PAGES_OF_ALL, PAGES_OF_ONE = 500, 60
"""Remembered pages: of all visitors, and of one. A class of thirty behind one address may open its pages anew once."""
STREAMS_OF_ONE = 240
"""Connections that one visitor may keep open to be told of answers: three for each page, and some."""
ANSWERS_OF_ONE = 96
"""Answers of one visitor that wait to be read."""
KNOWN = 20_000
"""Keys of pages of which is known that they were open once."""


class LeanState(SessionState):
    """gradio's state of a page without the copy of its whole config that deep links need; there are none here."""

    def __init__(self, blocks: gr.Blocks):
        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = SILENT.total_seconds()

    def __setitem__(self, key: int, value: Any) -> None:
        block = self.blocks_config.blocks.get(key)
        if isinstance(block, gr.State):
            self._state_ttl[key] = (block.time_to_live, datetime.now())
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: Any) -> None:
        pass


class Pages(StateHolder):
    """gradio's holder of states, which keeps those of pages that were seen open, and for others makes passing ones."""

    def __init__(self):
        super().__init__()
        self._visitor: OrderedDict[str, str] = OrderedDict()
        self._streams: Counter[str] = Counter()
        self._streams_of: Counter[str] = Counter()
        self._unread: OrderedDict[str, tuple[str, datetime]] = OrderedDict()
        self._guard = threading.RLock()

    def __getitem__(self, id: str) -> SessionState:
        with self._guard:
            if id not in self.session_data:
                if not self.is_known(id):
                    return LeanState(self.blocks)
                self.session_data[id] = LeanState(self.blocks)
                self._make_room(id)
            self.session_data.move_to_end(id)
            self.time_last_used[id] = datetime.now()
            return self.session_data[id]

    def is_known(self, id: str) -> bool:
        """Whether a page with this key was seen open."""
        return id in self._visitor

    async def wait_until_known(self, id: str, seconds: float) -> bool:
        """The same, once the page had so many seconds to open its connection."""
        end = asyncio.get_running_loop().time() + seconds
        while not self.is_known(id) and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.05)
        return self.is_known(id)

    @contextmanager
    def stream(self, visitor: str, id: str, is_page: bool, limited: bool) -> Iterator[None]:
        """While it lasts, a connection is open that tells of answers: those of a page or of one call.

        id: the page's key, or the call's. is_page: whether it shows that the page is open.
        """
        with self._guard:
            if limited and self._streams_of[visitor] >= STREAMS_OF_ONE:
                raise Refused(429, "Too many pages are open from here. Close some of them.", 30)
            self._streams[id] += 1
            self._streams_of[visitor] += 1
            self._unread.pop(id, None)
            if is_page and (id not in self._visitor or self._visitor[id] == visitor):
                self._visitor[id] = visitor
                self._visitor.move_to_end(id)
                while len(self._visitor) > KNOWN:
                    self._visitor.popitem(last=False)
        try:
            yield
        finally:
            with self._guard:
                self._streams -= Counter({id: 1})
                self._streams_of -= Counter({visitor: 1})

    def check_unread(self, visitor: str) -> None:
        """Refuse where too many answers wait for this visitor."""
        with self._guard:
            if sum(of == visitor for of, _ in self._unread.values()) >= ANSWERS_OF_ONE:
                raise Refused(429, "Answers to earlier requests from here were not fetched. Fetch them first.", 30)

    def expects(self, visitor: str, id: str) -> None:
        """Note that an answer for this page or call is on its way."""
        with self._guard:
            if id not in self._streams:
                self._unread[id] = (visitor, datetime.now())

    def forget(self, now: datetime, closed: timedelta = CLOSED) -> int:
        """Forget the pages whose time is over, and return how many they were. What they hold is released first."""
        over = [
            id
            for id, state in list(self.session_data.items())
            if now - self.time_last_used.get(id, now) > (closed if state.is_closed else SILENT)
        ]
        for id in over:
            self._drop(id)
        return len(over)

    def forget_answers(self, now: datetime) -> int:
        """Forget the answers that nobody fetched in time, and return how many callers they were for.

        To be called from the event loop, as gradio's queue is its own.
        """
        with self._guard:
            over = [id for id, (_, since) in self._unread.items() if now - since > UNREAD]
        queue, forgotten = self.blocks._queue, 0
        for id in over:
            if any(event in queue.event_ids_to_events for event in queue.pending_event_ids_session.get(id, ())):
                continue  # not answered yet
            with self._guard:
                self._unread.pop(id, None)
            queue.pending_event_ids_session.pop(id, None)
            if id in queue.pending_messages_per_session:
                del queue.pending_messages_per_session[id]
            forgotten += 1
        return forgotten

    def _make_room(self, kept: str) -> None:
        """Drop the page used longest ago, closed ones first, of a visitor who has too many, or of who has most."""
        of = Counter(self._visitor.get(id, "") for id in self.session_data)
        visitor = self._visitor.get(kept, "")
        if of[visitor] <= PAGES_OF_ONE:
            if len(self.session_data) <= PAGES_OF_ALL:
                return
            visitor = of.most_common(1)[0][0]
        theirs = [id for id in self.session_data if self._visitor.get(id, "") == visitor and id != kept]
        closed = [id for id in theirs if self.session_data[id].is_closed]
        for id in (closed or theirs)[:1]:
            self._drop(id)

    def _drop(self, id: str) -> None:
        self.delete_state(id)
        self.session_data.pop(id, None)
        self.time_last_used.pop(id, None)


def give_back_memory() -> None:
    """Return to the system what was freed: glibc keeps it, for each thread that once served a visitor. Others don't."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim:
        trim(0)


def remembering(pages: Pages, closed: timedelta = CLOSED) -> Callable[[App], AbstractAsyncContextManager[None]]:
    """A lifespan in which an app keeps its pages in `pages`, and forgets them in time."""

    async def watch() -> None:
        while True:
            await asyncio.sleep(min(EVERY, max(1.0, closed.total_seconds() / 2)))
            try:
                answers, now = pages.forget_answers(datetime.now()), datetime.now()
                if pages.forget(now, closed) or answers:
                    await asyncio.to_thread(give_back_memory)
            except Exception:  # what one page holds must not keep the others
                log.exception("a page could not be forgotten")

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncIterator[None]:
        app.state_holder = pages
        pages.set_blocks(app.get_blocks())
        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()

    return lifespan
