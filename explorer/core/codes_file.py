"""Codes on disk and on the wire: with the model and revision that made them, as JSON or .npz."""

import io
import json
import math
import zipfile
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from explorer.core.archives import untrusted_zip
from explorer.core.codes import Codes
from explorer.core.errors import ArchiveError, CodesError, JsonError
from explorer.core.quoting import quoted
from explorer.core.untrusted_json import read_json

ABOUT = "about"
"""Name of the .npz entry that holds model, revision and image size as JSON."""
MAX_UNPACKED = 2**25
"""Bytes that a .npz file may unpack to: four million codes of eight bytes, where a picture has a million pixels."""
MAX_TEXT = 20 * 2**20
"""Characters of codes in JSON."""
MAX_LEVELS = 1000
"""Entries of a .npz file; a model has at most some dozen levels."""


@dataclass(frozen=True)
class CodesFile:
    """The codes of one picture. image_size is (height, width) in pixels of what they decode to.

    model and revision are "" where the file did not say.
    """

    codes: Codes
    model: str = ""
    revision: str = ""
    image_size: tuple[int, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """{model, revision, image_size, levels: {name: {grid, codes}}}, plain JSON values."""
        return {
            "model": self.model,
            "revision": self.revision,
            "image_size": list(self.image_size) if self.image_size else None,
            "levels": {
                name: {"grid": list(array.shape[1:]), "codes": array[0].tolist()}
                for name, array in self.codes.levels.items()
            },
        }

    @classmethod
    def from_dict(cls, value: Any) -> "CodesFile":
        """The inverse of `to_dict`. Also takes a level's codes without grid, and ignores other keys."""
        if not isinstance(value, dict) or not isinstance(value.get("levels"), dict) or not value["levels"]:
            raise CodesError(
                'Codes in JSON are an object with "levels": {"name": {"grid": [rows, columns], "codes": ...}}.'
            )
        levels = {}
        for name, level in value["levels"].items():
            given = level.get("codes") if isinstance(level, dict) else level
            if not isinstance(given, list) or not given:
                raise CodesError(f"Level {quoted(name)} lacks its codes: expected a list of rows of integers.")
            array = Codes({name: [given]})[name]
            grid = level.get("grid") if isinstance(level, dict) else None
            if grid is not None and list(array.shape[1:]) != grid:
                raise CodesError(
                    f"Level {quoted(name)} says its grid is {quoted(grid)}, "
                    f"but its codes have shape {list(array.shape[1:])}."
                )
            levels[name] = array
        return cls._with(Codes(levels), value)

    def to_json(self) -> str:
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> "CodesFile":
        try:
            value = read_json(text, "This file of codes", largest=MAX_TEXT)
        except JsonError as error:
            raise CodesError(str(error)) from error
        return cls.from_dict(value)

    def to_npz(self) -> bytes:
        """A compressed .npz: one int32 array (1, rows, columns) per level, and "about" as JSON text."""
        about = {"model": self.model, "revision": self.revision, "image_size": self.image_size}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{ABOUT: np.array(json.dumps(about))}, **self.codes.levels)
        return buffer.getvalue()

    @classmethod
    def from_npz(cls, data: bytes) -> "CodesFile":
        """The inverse of `to_npz`; never unpickles, and unpacks no more than MAX_UNPACKED."""
        try:
            arrays = _arrays(data)
            about = read_json(str(arrays.pop(ABOUT, "{}")), f'The entry "{ABOUT}" of this .npz file')
        except (ArchiveError, JsonError) as error:
            raise CodesError(str(error)) from error
        except CodesError:
            raise
        except Exception as error:
            raise CodesError("This is not a readable .npz file of codes. It may be damaged; save it again.") from error
        if not isinstance(about, dict):
            raise CodesError(f'The entry "{ABOUT}" of this .npz file must be a JSON object, not {quoted(about)}.')
        codes = Codes(arrays)
        if codes.batch != 1:
            raise CodesError(f"A file holds the codes of one picture, but this one holds {codes.batch}.")
        return cls._with(codes, about)

    @classmethod
    def _with(cls, codes: Codes, about: dict[str, Any]) -> "CodesFile":
        size = about.get("image_size")
        if size is not None and not (isinstance(size, list) and len(size) == 2 and all(type(n) is int for n in size)):
            raise CodesError(f'"image_size" must be [height, width] in pixels, not {quoted(size)}.')
        return cls(
            codes, str(about.get("model") or ""), str(about.get("revision") or ""), tuple(size) if size else None
        )

    @classmethod
    def read(cls, data: bytes) -> "CodesFile":
        """Either form, told apart by its first bytes."""
        if not data:
            raise CodesError("This file is empty. Choose a .npz or .json file of codes.")
        if data[:2] == b"PK":
            return cls.from_npz(data)
        try:
            return cls.from_json(data.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise CodesError("This file is neither .npz nor JSON, so it holds no codes.") from error


def _arrays(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of a .npz file. np.load would reserve as much memory as the head of an array claims."""
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    limits = {"entries": MAX_LEVELS, "kinds": kinds, "unpacked": MAX_UNPACKED}
    with untrusted_zip(io.BytesIO(data), "This .npz file", **limits) as archive:
        found = {}
        for entry in archive.infolist():
            with archive.open(entry) as file:
                found[entry.filename.removesuffix(".npy")] = _array(file, entry.file_size)
        return found


def _array(file: BinaryIO, size: int) -> np.ndarray:
    """The array of numbers or the text in a .npy file of so many bytes."""
    version = np.lib.format.read_magic(file)
    read_head = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read_head(file)
    if dtype.kind not in "iufU" or math.prod(shape) * dtype.itemsize != size - file.tell():
        raise ValueError("an array that is not made of numbers, or not as long as it says")
    return np.frombuffer(file.read(), dtype).reshape(shape, order="F" if by_columns else "C")
