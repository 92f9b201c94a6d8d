"""A codebook as a map: which codes stand on it, what places them, and where the encoder's outputs fall."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from explorer.analysis.projection import Projection, pca, umap
from explorer.analysis.swatches import refusal, swatches
from explorer.core.errors import CodesError
from explorer.core.quoting import quoted
from explorer.core.spec import Codebook, TokenizerSpec
from explorer.core.tokenizer import Tokenizer

Of = Literal["vectors", "swatches"]
Method = Literal["pca", "umap"]
MOST = 2**14
"""Of a larger codebook a sample of so many codes is mapped."""


@dataclass(frozen=True)
class MapKey:
    """One map of one level: of the code vectors or of what the codes decode to, by PCA or UMAP, in 2 or 3 axes."""

    level: str
    of: Of = "vectors"
    method: Method = "umap"
    dims: int = 2

    @property
    def name(self) -> str:
        return f"{self.level}/{self.of}/{self.method}/{self.dims}"

    def check(self, spec: TokenizerSpec, decoded: bool = False) -> None:
        """Raise CodesError where there is no such map of a model.

        decoded: its swatches are there already, so that however many of them cost no waiting.
        """
        spec.level(self.level)
        if self.of not in get_args(Of) or self.method not in get_args(Method) or self.dims not in (2, 3):
            raise CodesError(f"There is no map {quoted(self.name)}: choose vectors or swatches, pca or umap, 2 or 3.")
        if self.of == "vectors" or decoded:
            return
        if why := refusal(spec, self.level, min(spec.codebook(self.level).size, MOST)):
            raise CodesError(f"{why} Choose the map of the code vectors.")


@dataclass(frozen=True)
class CodebookMap:
    """codes (n,) int64, rising: which codes `points` (n, d) float32 are; outputs (m, d) float32: encoder outputs.

    note: a sentence for people where the map could not be kept on disk.
    """

    codes: np.ndarray
    points: np.ndarray
    outputs: np.ndarray
    note: str = ""


def mapped_codes(book: Codebook) -> np.ndarray:
    """All codes of a book, or of a large one an even random sample, always the same: (n,) int64, rising."""
    if book.size <= MOST:
        return np.arange(book.size)
    return np.sort(np.random.default_rng(0).choice(book.size, MOST, replace=False, shuffle=False))


def placed_by(tokenizer: Tokenizer, key: MapKey, decoded: np.ndarray | None = None) -> np.ndarray:
    """What places the codes of a map, (n, D) float32: their vectors, or the pixels in [0, 1] they decode to.

    decoded: the swatches of all codes (K, f, f, 3) uint8, where they are there already.
    """
    book = tokenizer.spec.codebook(key.level)
    codes = mapped_codes(book)
    if key.of == "vectors":
        return tokenizer.vectors(book.name, codes)
    shown = swatches(tokenizer, key.level, codes) if decoded is None else decoded[codes]
    return shown.reshape(len(codes), -1).astype(np.float32) / 255


def project(
    key: MapKey,
    features: np.ndarray,
    outputs: np.ndarray | None,
    progress: Callable[[float], None] = lambda share: None,
) -> Projection:
    """The map of `placed_by`'s features (n, D), with encoder outputs (m, D) where they are vectors too."""
    others = outputs if key.of == "vectors" else None
    return pca(features, key.dims, others) if key.method == "pca" else umap(features, key.dims, others, 0, progress)
