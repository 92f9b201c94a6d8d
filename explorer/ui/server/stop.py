"""A graceful stop: on SIGTERM or Ctrl-C nothing new begins, what is under way is finished, and the program ends."""

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

log = logging.getLogger(__name__)

LONGEST = 25.0
"""Seconds that work is given to finish; containers are killed after thirty."""
DELIVERY = 2.0
"""Seconds that finished work is given to reach its visitor."""


class Work:
    """requests: how many are under way beside gradio's queue. ready: whether the first picture can be served without
    waiting. stopping: whether no more may begin."""

    def __init__(self, ready: bool = True):
        self.ready, self.stopping, self.requests = ready, False, 0
        self._lock = threading.Lock()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        with self._lock:
            self.requests += 1
        try:
            yield
        finally:
            with self._lock:
                self.requests -= 1


def serve_until_stopped(app: gr.Blocks, work: Work) -> None:
    """Keep a launched app running until a signal says to stop, and stop it. To be called by the main thread."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    while not asked.wait(1.0):  # a wait without end is not interrupted on every system
        pass
    finish(app, work)


def finish(app: gr.Blocks, work: Work, longest: float = LONGEST) -> None:
    """Let nothing new begin, wait until what was begun is done, at most so many seconds, and close the app."""
    work.stopping = True
    log.info("stopping: finishing what is under way")
    end = time.monotonic() + longest
    queue = app._queue
    while (queue.get_active_worker_count() or len(queue) or work.requests) and time.monotonic() < end:
        time.sleep(0.05)
    end = min(end, time.monotonic() + DELIVERY)
    while any(not line.empty() for line in list(queue.pending_messages_per_session.values())) and (
        time.monotonic() < end
    ):
        time.sleep(0.05)
    time.sleep(0.1)
    app.close(verbose=False)
