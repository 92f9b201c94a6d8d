"""How much one visitor may ask for: a store of costly requests that fills up again, for a page and for an address.

A request costs about its share of a second on two cores. A page sends a made-up key with each request, so its store
only keeps honest pages from taking what others wait for; the address is what nobody can choose. An address gets
what thirty pages get, so that a class behind one of them is served like thirty visitors.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

PAGES_OF_AN_ADDRESS = 30
COSTS = {
    "usage": 10.0,
    "compare": 4.0,
    "check": 4.0,
    "project": 4.0,
    "on_files": 10.0,
    "on_asked": 2.0,
    "on_check": 4.0,
}
"""Of endpoints and handlers by their name; any other costs 1."""
VIEW_CALL = 0.05
"""Of a call that a view makes of its own: an edit, a frame of the lab. A page makes up to twenty a second."""
UPLOAD = 1.0
MEGABYTE, UPLOADED_MEGABYTE = 0.5, 0.1
"""Of the bytes that come with a request, and with an upload."""


@dataclass(frozen=True)
class Allowance:
    """most: what a full store holds. per_second: how fast it fills up again. waiting: requests in line at once."""

    most: float
    per_second: float
    waiting: int


PAGE = Allowance(most=120.0, per_second=2.0, waiting=16)
LOGIN = Allowance(most=10.0, per_second=0.1, waiting=0)
"""Of passwords that one address may try in vain."""
ADDRESS = Allowance(PAGES_OF_AN_ADDRESS * PAGE.most, PAGES_OF_AN_ADDRESS * PAGE.per_second, waiting=96)


MCP_WAITING = 16
"""Calls of one MCP client in line at once."""


class Stores:
    """What is left to each of many visitors; those who asked for nothing lately are forgotten, and all but `keep`."""

    def __init__(self, allowance: Allowance, keep: int = 10_000, clock: Callable[[], float] = time.monotonic):
        self.allowance, self._keep, self._clock = allowance, keep, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def seconds_until(self, key: str, cost: float) -> float:
        """How long until this much is there; 0 where it is."""
        return max(0.0, (cost - self._now(key)) / self.allowance.per_second)

    def take(self, key: str, cost: float) -> None:
        self._left[key] = (self._now(key) - cost, self._clock())
        self._left.move_to_end(key)
        full_again = self._clock() - self.allowance.most / self.allowance.per_second
        while self._left and (len(self._left) > self._keep or next(iter(self._left.values()))[1] < full_again):
            self._left.popitem(last=False)

    def _now(self, key: str) -> float:
        left, since = self._left.get(key, (self.allowance.most, self._clock()))
        return min(self.allowance.most, left + (self._clock() - since) * self.allowance.per_second)

    def __len__(self) -> int:
        return len(self._left)


class Limits:
    """The stores of all pages and addresses."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self.pages, self.addresses = Stores(PAGE, clock=clock), Stores(ADDRESS, clock=clock)
        self._lock = threading.Lock()

    def take(self, address: str, page: str, cost: float) -> float:
        """Take what a request costs and return 0, or take nothing and return after how many seconds it is there.

        page: the key that the page made up, "" for none.
        """
        with self._lock:
            stores = [(self.addresses, address), *([(self.pages, page)] if page else [])]
            wait = max(store.seconds_until(key, cost) for store, key in stores)
            if not wait:
                for store, key in stores:
                    store.take(key, cost)
            return wait
