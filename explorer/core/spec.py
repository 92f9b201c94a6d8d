"""TokenizerSpec: everything a tab needs to know about a tokenizer, so that it never asks the class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from explorer.core.codes import Codes
from explorer.core.errors import CodesError, PictureError
from explorer.core.images import Fit, fit
from explorer.core.quoting import listed, quoted

Metric = Literal["euclidean", "cosine", "grid", "logit"]


@dataclass(frozen=True)
class Codebook:
    """A table of K code vectors of D floats, learned or computed.

    metric: how an encoder output picks its code: "euclidean" by squared distance to the code
    vectors, "cosine" by that between unit vectors, "grid" by rounding every channel (FSQ, LFQ),
    "logit" by the largest of K scores (dVAE).
    radices: digits per channel of an implicit codebook, first channel fastest; () for a learned one.
    variant: which published form of the quantizer, where papers and ports differ.
    """

    name: str
    size: int
    dim: int
    metric: Metric
    radices: tuple[int, ...] = ()
    variant: str = ""

    @property
    def implicit(self) -> bool:
        """True when the code vectors are computed from the index, never learned."""
        return bool(self.radices)


@dataclass(frozen=True)
class Level:
    """One map of codes; `stride` in pixels per cell, None for a one-dimensional level of `length` tokens.

    reach: how many pixels beyond its own cell a code can change, exactly; None where it is global.
    grid: (rows, columns) of a level whose grid is the same for every picture; its cells need not be whole
    pixels wide, and then it has no stride.
    """

    name: str
    codebook: str
    stride: int | None
    length: int | None = None
    reach: int | None = None
    grid: tuple[int, int] | None = None

    @property
    def spatial(self) -> bool:
        """Whether the codes of a picture form a map of it."""
        return self.stride is not None or self.grid is not None


@dataclass(frozen=True)
class TokenizerSpec:
    """What a model is. Levels stand in decode order (coarse first); a model without codes has none."""

    id: str
    title: str
    family: str
    summary: str
    levels: tuple[Level, ...]
    codebooks: tuple[Codebook, ...]
    multiple: int
    """Heights and widths must be multiples of this many pixels."""
    parameters: int
    trained_on: str
    source: str
    licence: str
    sha256: str
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    """Measured figures by name, each with the N it was measured on."""
    side: int | None = None
    """The only height and width, in pixels, of a model that takes square pictures of one size."""

    @property
    def revision(self) -> str:
        """The weights' short sha256, which changes whenever the model does."""
        return self.sha256[:12]

    def level(self, name: str) -> Level:
        for level in self.levels:
            if level.name == name:
                return level
        names = listed(level.name for level in self.levels)
        raise CodesError(f"{self.id} has no level {quoted(name)}; it has {names}.")

    def codebook(self, level: str) -> Codebook:
        """The codebook that the named level takes its codes from."""
        name = self.level(level).codebook
        return next(book for book in self.codebooks if book.name == name)

    def shape(self, level: str, height: int, width: int) -> tuple[int, ...]:
        """Shape of one picture's codes on a level: (rows, columns), or (tokens,) where it is not spatial."""
        found = self.level(level)
        if found.grid is not None:
            return found.grid
        if found.stride is None:
            return (found.length or 0,)
        return height // found.stride, width // found.stride

    def image_size(self, codes: Codes) -> tuple[int, int]:
        """(height, width) in pixels of what the codes decode to, read off the first spatial level."""
        for level in self.levels:
            if level.stride is not None or self.side is not None:
                return self.picture_size(level.name, codes[level.name].shape[1:])
        raise CodesError(f"{self.id} has no spatial level, so its codes fix no picture size.")

    def fitted(self, pixels: np.ndarray, size: int, how: Fit = "whole") -> np.ndarray:
        """Pixels (H, W, 3) uint8 as `images.fit` makes them at that size; of a model that takes square pictures of
        one size, the centre square at that size."""
        if self.side is not None:
            return fit(pixels, self.side, "square", self.multiple)
        return fit(pixels, size, how, self.multiple)

    def picture_size(self, level: str, grid: Sequence[int]) -> tuple[int, int]:
        """(height, width) in pixels of the picture that a level's codes of this shape belong to."""
        if self.side is not None:
            return self.side, self.side
        stride = self.level(level).stride
        return grid[0] * stride, grid[1] * stride

    def check_has_codes(self) -> None:
        """Refuse a model without codes, in words."""
        if not self.levels:
            raise CodesError(f"{self.id} has no codes: it keeps floats. Choose a model with a codebook.")

    def check_codes(self, codes: Codes) -> None:
        """Refuse codes of another model, of a wrong grid or out of range, in words."""
        self.check_has_codes()
        expected = [level.name for level in self.levels]
        if sorted(codes) != sorted(expected):
            raise CodesError(
                f"These codes have the levels {listed(codes)}; {self.id} has {listed(expected)}. "
                "They were made by another model."
            )
        for name in expected:
            level, array, size = self.level(name), codes[name], self.codebook(name).size
            if array.ndim != (3 if level.spatial else 2):
                raise CodesError(f"Level {quoted(name)} has shape {array.shape}; {self.id} expects a batch of grids.")
            if int(array.max()) >= size:
                where = tuple(int(i) for i in np.argwhere(array >= size)[0][1:])
                raise CodesError(
                    f"Code {int(array[array >= size][0])} at cell {where} of level {quoted(name)} is out of range: "
                    f"{self.id} has {size:,} codes, 0 to {size - 1:,}."
                )
        height, width = self.image_size(codes)
        for name in expected:
            if codes[name].shape[1:] != self.shape(name, height, width):
                raise CodesError(
                    f"Level {quoted(name)} has grid {codes[name].shape[1:]}, but a {width} x {height} picture "
                    f"of {self.id} needs {self.shape(name, height, width)}."
                )

    def check_images(self, images: np.ndarray) -> None:
        """Refuse image batches that are not (B, H, W, 3) float32 in [0, 1] with fitting sides."""
        if images.ndim != 4 or images.shape[-1] != 3 or images.shape[0] == 0:
            raise PictureError(f"Images must have shape (B, H, W, 3); these have {images.shape}.")
        if images.dtype != np.float32:
            raise PictureError(f"Images must be float32 in [0, 1]; these are {images.dtype}.")
        height, width = images.shape[1:3]
        if self.side is not None and (height, width) != (self.side, self.side):
            raise PictureError(
                f"Images are {width} x {height}, but {self.id} takes only {self.side} x {self.side} pixels."
            )
        if height < self.multiple or width < self.multiple or height % self.multiple or width % self.multiple:
            raise PictureError(
                f"Images are {width} x {height}, but {self.id} needs sides that are multiples of "
                f"{self.multiple}. Fit them first with explorer.core.images.fit."
            )
        low, high = float(images.min()), float(images.max())
        if not (low >= 0.0 and high <= 1.0):
            raise PictureError(f"Images must lie in [0, 1]; these reach from {low:.3g} to {high:.3g}.")
