"""The Tokenizer contract: numpy at its edges, inference only, the same for every family.

The capability protocols below say what some tokenizers can do beyond it; ask with `isinstance`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from explorer.core.codes import Codes
from explorer.core.spec import TokenizerSpec


@dataclass(frozen=True)
class Encoding:
    """What `encode` returns: the codes, and per level the encoder's output before quantization.

    latents: level name -> (B, h, w, D) float32; empty where a family has none.
    """

    codes: Codes
    latents: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Ranking:
    """The best codes of every cell, best first.

    indices: (B, h, w, k) int32. scores: (B, h, w, k) float32, a cost (smaller is better): squared
    distance for the metrics "euclidean" and "grid", negative log-probability for "logit".
    """

    indices: np.ndarray
    scores: np.ndarray


@runtime_checkable
class Tokenizer(Protocol):
    """A model that turns pictures into grids of discrete codes and back. Keeps no state between calls."""

    spec: TokenizerSpec

    def encode(self, images: np.ndarray) -> Encoding:
        """Codes and latents of images (B, H, W, 3) float32 RGB in [0, 1]."""

    def decode(self, codes: Codes) -> np.ndarray:
        """Images (B, H, W, 3) float32 in [0, 1], a function of the codes alone."""

    def vectors(self, codebook: str, indices: np.ndarray) -> np.ndarray:
        """Code vectors (..., D) float32 of indices (...)."""


@runtime_checkable
class RanksCodes(Protocol):
    """Can say how close the runner-up codes of a cell came."""

    def rank(self, level: str, latents: np.ndarray, k: int) -> Ranking:
        """The k best codes of every cell of latents (B, h, w, D)."""


@runtime_checkable
class ComparesLatents(Protocol):
    """Can move latents to where they are compared with the code vectors."""

    def comparable(self, level: str, latents: np.ndarray) -> np.ndarray:
        """Latents (..., D) float32 in the space of the code vectors: bounded for a grid, of length 1 for "cosine".

        Refused where latents are logits, which are no points among the code vectors.
        """


@runtime_checkable
class EncodesLatents(Protocol):
    """A model without codes: pictures to grids of floats. Its spec has no levels."""

    spec: TokenizerSpec

    def latents(self, images: np.ndarray) -> Mapping[str, np.ndarray]:
        """Name -> floats (B, h, w, D) float32 of images (B, H, W, 3) float32 RGB in [0, 1]."""


@runtime_checkable
class DecodesLatents(Protocol):
    """Can decode vectors that are no code vectors."""

    def decode_latents(self, latents: Mapping[str, np.ndarray]) -> np.ndarray:
        """Images (B, H, W, 3) of per-level vectors (B, h, w, D), without quantizing them.

        A level that is missing adds nothing of its own: a residual stage is left out, a grid is filled
        with its mean code vector.
        """


@runtime_checkable
class DecodesLevels(Protocol):
    """Can decode with some levels left out, to show what each adds."""

    def decode_levels(self, codes: Codes, levels: Sequence[str]) -> np.ndarray:
        """Images (B, H, W, 3) from the named levels alone."""


@runtime_checkable
class ReencodesLevels(Protocol):
    """Can infer the later levels again after an earlier one was changed."""

    def reencode(self, images: np.ndarray, given: Codes) -> Codes:
        """Codes of all levels, those in `given` kept as they are."""


@runtime_checkable
class DecodesWindow(Protocol):
    """Strictly local: can decode a part of the grid exactly as the whole would show it."""

    def decode_window(self, codes: Codes, rows: slice, columns: slice) -> np.ndarray:
        """The pixels (B, H', W', 3) of a window of cells of the last level, equal to the full decode."""
