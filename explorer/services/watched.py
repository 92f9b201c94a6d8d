"""Long work in a thread of its own, watched while it goes on and given up when nobody watches any more."""

import queue
import threading
from collections.abc import Callable, Generator
from typing import TypeVar

from explorer.services.hub import Progress

Result = TypeVar("Result")
Report = tuple[str, int, int | None]
"""A file's name, the bytes that have come, and the bytes there are."""
Task = Callable[[Progress, Callable[[], bool]], Result]
"""What takes long: given what to report to, and what tells whether it was cancelled."""
EVERY = 0.25
"""Seconds between two looks."""


def watched(task: Task[Result]) -> Generator[Report | None, None, Result]:
    """Run task(progress, cancelled); yields its last report, None before the first. Close the generator to cancel.

    Returns what the task returns, and raises what it raises.
    """
    ended: queue.Queue[tuple[Result | None, Exception | None]] = queue.Queue()
    stop, last = threading.Event(), [None]

    def progress(name: str, done: int, total: int | None) -> None:
        last[0] = (name, done, total)

    def run() -> None:
        try:
            ended.put((task(progress, stop.is_set), None))
        except Exception as error:  # handed to whoever watches
            ended.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        while True:
            try:
                result, error = ended.get(timeout=EVERY)
            except queue.Empty:
                yield last[0]
                continue
            if error:
                raise error
            return result
    finally:
        stop.set()
