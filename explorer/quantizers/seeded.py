"""Draws of torch's global generator that are the same every time, whatever other threads draw."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_ONE = threading.RLock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from the CPU's global generator as after this seed, one thread at a time; it is left as it was before.

    Modules start their weights with it and take no other generator.
    """
    with _ONE, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
