"""One thing at a time, first come, first served: how many pages share one processor core."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from explorer.core.errors import ExplorerError

Result = TypeVar("Result")


class Full(ExplorerError):
    """So many are waiting for their turn that no more can."""


class Turns:
    """Work of many callers, done by one thread at a time in the order in which they came.

    Whoever waits holds no thread, so that the rest of a server goes on. A caller that has one piece of work waiting
    may not add another, so each gets as many turns as any other; and at most `most` wait.
    """

    def __init__(self, most: int = 64):
        self._most, self._one = most, CapacityLimiter(1)
        self._callers: set[str] = set()

    async def take(self, caller: str, work: Callable[[], Result]) -> Result:
        """The result of `work`, when its turn has come. Raises Full at once where there is no room to wait."""
        if caller in self._callers:
            raise ExplorerError("This page has asked for a frame already; the next one can be asked for after it.")
        if len(self._callers) >= self._most:
            raise Full(
                f"{self._most} runs share this machine at the moment. This one goes on as soon as there is room."
            )
        self._callers.add(caller)
        try:
            return await to_thread.run_sync(work, limiter=self._one)
        finally:
            self._callers.remove(caller)
