"""Codes: what an image becomes, one map of integers per level, immutable."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np

from explorer.core.errors import CodesError
from explorer.core.quoting import listed, quoted


class Codes:
    """Level name -> int32 map, (B, h, w) for spatial levels or (B, n) for one-dimensional ones.

    The arrays are read-only; `edit` returns new Codes and leaves these as they were.
    """

    __slots__ = ("levels",)

    levels: Mapping[str, np.ndarray]

    def __init__(self, levels: Mapping[str, np.ndarray]):
        if not levels:
            raise CodesError("These codes hold no level at all; a tokenizer gives at least one.")
        frozen = {str(name): _frozen(name, array) for name, array in levels.items()}
        if len({array.shape[0] for array in frozen.values()}) != 1:
            sizes = listed(f"{name}: {array.shape[0]}" for name, array in frozen.items())
            raise CodesError(f"All levels must hold the same number of pictures, but they hold {sizes}.")
        object.__setattr__(self, "levels", MappingProxyType(frozen))

    def __setattr__(self, name, value):
        raise AttributeError("Codes are immutable: use edit(...), which returns new ones.")

    def __getitem__(self, level: str) -> np.ndarray:
        return self.levels[level]

    def __iter__(self) -> Iterator[str]:
        return iter(self.levels)

    def __eq__(self, other) -> bool:
        return (
            isinstance(other, Codes)
            and list(self.levels) == list(other.levels)
            and all(np.array_equal(array, other[name]) for name, array in self.levels.items())
        )

    __hash__ = None

    def __reduce__(self):
        return Codes, (dict(self.levels),)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name}: {'x'.join(map(str, array.shape))}" for name, array in self.levels.items())
        return f"Codes({shapes})"

    @property
    def batch(self) -> int:
        """Number of pictures, B."""
        return next(iter(self.levels.values())).shape[0]

    @property
    def tokens(self) -> int:
        """Number of codes of one picture, over all levels."""
        return sum(array[0].size for array in self.levels.values())

    def picture(self, b: int) -> "Codes":
        """The codes of picture b alone, as a batch of one."""
        return Codes({name: array[b : b + 1] for name, array in self.levels.items()})

    def edit(self, level: str, cells, value) -> "Codes":
        """New codes with `value` written at `cells` of one level.

        cells: whatever indexes an array of the level's shape (B, h, w): a boolean mask, a tuple of
        index arrays or of slices. value: an int or an array that broadcasts over those cells.
        """
        if level not in self.levels:
            raise CodesError(f"There is no level {quoted(level)} here; the levels are {listed(self.levels)}.")
        # Wide enough for any value, so that the check of the new codes sees it before it is rounded or wrapped.
        changed = self.levels[level].astype(np.result_type(np.int32, np.asarray(value)))
        changed[cells] = value
        return Codes({**self.levels, level: changed})


def _frozen(name: str, array) -> np.ndarray:
    if isinstance(array, list) and not _numbers(array):  # before one long text makes an array of gigabytes
        raise CodesError(f"The codes of level {quoted(name)} must be integers, but something else is among them.")
    try:
        array = np.asarray(array)
    except ValueError as error:
        raise CodesError(f"The codes of level {quoted(name)} are ragged: every row needs the same length.") from error
    if array.dtype == object or array.dtype.kind not in "iuf":
        raise CodesError(f"The codes of level {quoted(name)} must be integers, but something else is among them.")
    if array.ndim not in (2, 3) or array.size == 0:
        raise CodesError(
            f"Level {quoted(name)} has shape {array.shape}; expected (pictures, rows, columns) or (pictures, tokens)."
        )
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise CodesError(f"The codes of level {quoted(name)} contain NaN or infinity; codes are whole numbers.")
        if (array != np.rint(array)).any():
            raise CodesError(f"The codes of level {quoted(name)} contain fractions; codes are whole numbers.")
    if array.min() < 0 or array.max() >= 2**31:
        raise CodesError(f"The codes of level {quoted(name)} must lie between 0 and 2^31 - 1.")
    array = array.astype(np.int32, copy=True, order="C")
    array.flags.writeable = False
    return array


def _numbers(value: list) -> bool:
    """Whether nested lists hold nothing but numbers."""
    left = [value]
    while left:
        for one in left.pop():
            if isinstance(one, list):
                left.append(one)
            elif type(one) not in (int, float):
                return False
    return True
