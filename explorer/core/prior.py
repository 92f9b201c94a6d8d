"""The Prior contract: which codes are likely in the open cells of a grid; numpy at its edges, beside Tokenizer's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from explorer.core.errors import CodesError

Order = Literal["masked", "causal"]


@dataclass(frozen=True)
class PriorSpec:
    """What a prior is, known without loading its weights.

    order: "masked" knows an open cell by all cells that are not open, "causal" by all cells before it in raster
    order. size: K, how many codes the tokenizer's level has. classes: names, in the order of their numbers.
    """

    id: str
    title: str
    summary: str
    order: Order
    tokenizer: str
    tokenizer_sha256: str
    size: int
    classes: tuple[str, ...]
    parameters: int
    trained_on: str
    licence: str
    sha256: str
    evaluation: Mapping[str, Any] = field(default_factory=dict)

    def label(self, name: str) -> int:
        """The number of a class."""
        try:
            return self.classes.index(name)
        except ValueError:
            raise CodesError(
                f"{self.id} knows no class {name!r}; it knows {len(self.classes)}: {', '.join(self.classes)}."
            ) from None

    def check(self, codes: np.ndarray, open: np.ndarray, labels: Sequence[int | None] | None) -> None:
        """Refuse grids, holes or labels that do not fit, saying how."""
        if codes.ndim != 3 or codes.dtype.kind not in "iu" or 0 in codes.shape:
            raise CodesError(f"Codes must be whole numbers (B, h, w); these are {codes.dtype} {codes.shape}.")
        if open.shape != codes.shape or open.dtype != np.bool_:
            raise CodesError(
                f"The open cells must be bool {codes.shape} like the codes; these are {open.dtype} {open.shape}."
            )
        if labels is not None and len(labels) != len(codes):
            raise CodesError(f"There are {len(labels)} labels for {len(codes)} grids; give one each, or None.")
        wrong = [label for label in labels or () if label is not None and not 0 <= label < len(self.classes)]
        if wrong:
            raise CodesError(f"Label {wrong[0]} is out of range: {self.id} knows classes 0 to {len(self.classes) - 1}.")
        looked_at = codes if self.order == "causal" else codes[~open]
        if looked_at.size and not 0 <= int(looked_at.min()) <= int(looked_at.max()) < self.size:
            raise CodesError(f"Codes of {self.tokenizer} are whole numbers between 0 and {self.size - 1:,}.")


@runtime_checkable
class Prior(Protocol):
    """A network that knows which grids of codes are likely. Keeps no state between calls."""

    spec: PriorSpec

    def log_probabilities(
        self, codes: np.ndarray, open: np.ndarray, labels: Sequence[int | None] | None = None
    ) -> np.ndarray:
        """ln p (n, K) float32 of every code of the n open cells, in the order of `np.argwhere(open)`.

        codes (B, h, w) integers, open (B, h, w) bool; labels: a class number or None per grid, None for no classes.
        A masked prior never looks at what lies in open cells. A causal prior looks at all cells before a cell, open
        or not, and at none after it, so its open cells are to be filled in raster order.
        """


@runtime_checkable
class DrawsByRows(Protocol):
    """A causal prior that looks at the rows above once per row instead of once per cell."""

    def row(
        self, codes: np.ndarray, row: int, labels: Sequence[int | None] | None = None
    ) -> Callable[[np.ndarray, int], np.ndarray]:
        """A function of the row's codes (B, w), of which it looks at those left of a column, and that column:
        ln p (B, K) float32 of the cells there. codes (B, h, w) integers, of which it looks at the rows above.
        """
