"""Room in the memory, shared by threads that each need a lot of it for a short time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """So many bytes for all threads together. Who asks for more than there is waits, in turn, until he is alone."""

    def __init__(self, total: int):
        self.total, self.held = total, 0
        self._turn, self._changed = threading.Lock(), threading.Condition()

    @contextmanager
    def of(self, amount: int) -> Iterator[None]:
        """Hold this many bytes of the room."""
        with self._turn, self._changed:
            self._changed.wait_for(lambda: not self.held or self.held + amount <= self.total)
            self.held += amount
        try:
            yield
        finally:
            with self._changed:
                self.held -= amount
                self._changed.notify_all()
