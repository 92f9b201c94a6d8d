"""Edited codes: saved and done again, and of the picture only what an edit can have changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.analysis.edits import Edit, Write, apply
from explorer.core.codes import Codes
from explorer.core.codes_file import CodesFile
from explorer.core.errors import CodesError
from explorer.core.images import to_bytes, to_unit
from explorer.core.quoting import quoted
from explorer.core.spec import TokenizerSpec
from explorer.core.strict import from_json, to_json
from explorer.core.tokenizer import DecodesWindow, ReencodesLevels, Tokenizer

FORMAT_VERSION = 1
LONGEST_NAME = 200
"""Characters kept of a saved edit's name."""


@dataclass(frozen=True)
class Box:
    """A part of a picture in pixels: rows top to bottom, columns left to right, ends not included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Redecoded:
    """New pixels (rows, columns, 3) uint8 of a box; outside it the picture is as it was."""

    box: Box
    pixels: np.ndarray


@dataclass(frozen=True)
class SavedEdit:
    """What was done to the codes of one picture, to do it again: as a small JSON file, or in a link.

    codes: those before the first edit, so that neither picture nor encoder is needed; picture: the sha256
    of the pixels they came from, "" where that is not known.
    """

    start: CodesFile
    edits: tuple[Edit, ...]
    name: str = ""
    picture: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "codebook_explorer_edit": FORMAT_VERSION,
            "name": self.name,
            "picture": self.picture,
            "start": self.start.to_dict(),
            "edits": to_json(self.edits),
        }

    @classmethod
    def from_dict(cls, value: Any) -> "SavedEdit":
        """The inverse of `to_dict`; a CodesError or ConfigError says what does not fit."""
        if not isinstance(value, dict) or "codebook_explorer_edit" not in value:
            raise CodesError('This is no saved edit: expected a JSON object with "codebook_explorer_edit".')
        if value["codebook_explorer_edit"] != FORMAT_VERSION:
            raise CodesError(
                f"This edit has format {quoted(value['codebook_explorer_edit'])}; this program reads {FORMAT_VERSION}."
            )
        edits = from_json(tuple[Edit, ...], value.get("edits", []), "edits")
        return cls(
            CodesFile.from_dict(value.get("start")),
            edits,
            str(value.get("name", ""))[:LONGEST_NAME],
            str(value.get("picture", ""))[:LONGEST_NAME],
        )


def replay(spec: TokenizerSpec, start: Codes, edits: Sequence[Edit], counts: Mapping[str, np.ndarray]) -> list[Codes]:
    """The codes before the first edit and after each."""
    states = [start]
    for number, edit in enumerate(edits, 1):
        try:
            states.append(apply(edit, spec, states[-1], counts))
        except CodesError as error:
            which = f"Edit {number} of {len(edits)}: " if len(edits) > 1 else ""
            raise CodesError(f"{which}{error}") from error
    return states


def inferred_again(tokenizer: Tokenizer, codes: Codes, edits: Sequence[Edit], pixels: np.ndarray) -> tuple[Write, ...]:
    """Edits that write what the levels after the last edited one become, inferred from the original picture.

    codes: of one picture, after the edits. pixels: (H, W, 3) uint8. The levels up to the last edited one are kept.
    """
    names = [level.name for level in tokenizer.spec.levels]
    if not isinstance(tokenizer, ReencodesLevels):
        raise CodesError(f"{tokenizer.spec.id} cannot infer levels again. Keep them.")
    if pixels.shape[:2] != tokenizer.spec.image_size(codes):
        raise CodesError("The original picture and the codes are not of one size. Choose the picture again.")
    kept = names[: max(names.index(edit.level) for edit in edits) + 1]
    found = tokenizer.reencode(to_unit(pixels)[None], Codes({name: codes[name] for name in kept}))
    return tuple(
        Write(name, ((0, found[name].size),), tuple(map(int, found[name].reshape(-1)))) for name in names[len(kept) :]
    )


def redecode(tokenizer: Tokenizer, before: Codes, after: Codes) -> Redecoded | None:
    """What one picture looks like after its codes went from `before` to `after`; None where they are equal.

    A strictly local tokenizer decodes only what lies within reach of the changed cells, equal to the
    full decode within 1e-5 before rounding; any other decodes the whole picture.
    """
    spec = tokenizer.spec
    box = reached(spec, before, after)
    if box is None:
        return None
    height, width = spec.image_size(after)
    whole = Box(0, 0, height, width)
    if not isinstance(tokenizer, DecodesWindow) or box == whole:
        return Redecoded(whole, to_bytes(tokenizer.decode(after))[0])
    stride = spec.levels[-1].stride
    rows, columns = slice(box.top // stride, box.bottom // stride), slice(box.left // stride, box.right // stride)
    return Redecoded(box, to_bytes(tokenizer.decode_window(after, rows, columns))[0])


def reached(spec: TokenizerSpec, before: Codes, after: Codes) -> Box | None:
    """The smallest box of whole cells of the last level with all pixels that the changed codes can reach."""
    height, width = spec.image_size(after)
    boxes = []
    for level in spec.levels:
        changed = before[level.name][0] != after[level.name][0]
        if not changed.any():
            continue
        if level.stride is None or level.reach is None:
            return Box(0, 0, height, width)
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        boxes.append(
            (
                rows[0] * level.stride - level.reach,
                columns[0] * level.stride - level.reach,
                (rows[-1] + 1) * level.stride + level.reach,
                (columns[-1] + 1) * level.stride + level.reach,
            )
        )
    if not boxes:
        return None
    stride = spec.levels[-1].stride
    top, left = (max(0, int(min(ends)) // stride * stride) for ends in list(zip(*boxes, strict=True))[:2])
    bottom, right = (-(-int(max(ends)) // stride) * stride for ends in list(zip(*boxes, strict=True))[2:])
    return Box(top, left, min(height, bottom), min(width, right))
