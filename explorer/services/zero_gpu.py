"""ZeroGPU, the GPU that a Hugging Face Space borrows for seconds: large published models use it for whole pictures.

Bundled models and live edits stay on the CPU, where they take a fraction of a second; a loan alone takes longer, and
visitors have only minutes of it a day. Anywhere else nothing of this is imported and nothing changes.

A borrowed call runs in a process of its own, forked at some time or other, so it is told the model's id and opens
the model there, once; arrays and Codes travel both ways.
"""

import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from explorer.adapters.catalogue import entries
from explorer.core.codes import Codes
from explorer.core.tokenizer import Encoding, Tokenizer

LARGE = 40_000_000
"""Parameters from which on a picture of 256 pixels takes seconds on two cores."""
SECONDS = 30
"""What a call asks for at most, opening the model included."""

_borrowed: list[Callable[..., Any]] = []


def is_here() -> bool:
    """Whether this is a Space with ZeroGPU; torch there shows a GPU which only borrowed calls have."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def prepare() -> None:
    """Announce the borrowed call; to be called before torch and gradio are imported. Does nothing elsewhere."""
    if is_here() and not _borrowed:
        import spaces

        _borrowed.append(spaces.GPU(duration=SECONDS)(_on_gpu))


def encode(tokenizer: Tokenizer, images: np.ndarray) -> Encoding:
    """`tokenizer.encode`, on the borrowed GPU where that pays."""
    return _borrowed[0](tokenizer.spec.id, "encode", images) if _pays(tokenizer) else tokenizer.encode(images)


def decode(tokenizer: Tokenizer, codes: Codes) -> np.ndarray:
    """`tokenizer.decode`, on the borrowed GPU where that pays."""
    return _borrowed[0](tokenizer.spec.id, "decode", codes) if _pays(tokenizer) else tokenizer.decode(codes)


def _pays(tokenizer: Tokenizer) -> bool:
    return bool(_borrowed) and tokenizer.spec.id in entries() and tokenizer.spec.parameters >= LARGE


def _on_gpu(id: str, call: Literal["encode", "decode"], argument: Any) -> Any:
    return getattr(_opened(id), call)(argument)


@lru_cache(maxsize=2)
def _opened(id: str) -> Tokenizer:
    from explorer.services.published import open_entry

    return open_entry(entries()[id], "cuda")
