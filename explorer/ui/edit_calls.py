"""What the Edit view asks the server: each call is a function of its arguments, nothing is kept between calls.

The page holds codes, history and selection; a call carries the codes it is about. Requests and replies
are JSON strings; a request that can't be done is answered with {"error": sentence}.
"""

import base64
import itertools
import math
import threading
import time
from typing import Any

import numpy as np

from explorer.analysis.edits import Edit, stitched
from explorer.analysis.influence import influence
from explorer.analysis.neighbours import nearest_codes
from explorer.core.codes import Codes
from explorer.core.errors import CodesError
from explorer.core.images import read_picture, to_unit
from explorer.core.quoting import quoted
from explorer.core.strict import from_json, to_json
from explorer.core.tokenizer import Tokenizer
from explorer.plots.palette import scale
from explorer.plots.payload import data_url, packed
from explorer.services.editing import Redecoded, inferred_again, redecode, replay
from explorer.services.examples import example
from explorer.services.reference import reference
from explorer.services.tokenization import check
from explorer.ui.calls import answered
from explorer.ui.context import AppContext
from explorer.ui.shared import unsent_swatches

NEIGHBOURS = 16


class EditCalls:
    """The calls. Model work is done by one of them at a time, so that the machine is not overrun."""

    def __init__(self, context: AppContext):
        self.context, self._turn = context, threading.Lock()

    @answered
    def edit(self, request: dict[str, Any]) -> dict[str, Any]:
        """{model, revision, levels, edits, original} -> {edits, levels: what changed, box, picture, milliseconds}.

        All edits are one step. original: the picture as a data URL, to infer the finer levels again from it,
        or nothing to keep them; the edits of the reply say in codes what was inferred.
        """
        tokenizer, codes = self._given(request)
        edits, counts = from_json(tuple[Edit, ...], request["edits"], "edits"), reference(tokenizer.spec.id).counts
        after = replay(tokenizer.spec, codes, edits, counts)[-1]
        if request.get("original") and after != codes:
            pixels = read_picture(base64.b64decode(str(request["original"]).partition(",")[2])).pixels
            with self._turn:
                edits += inferred_again(tokenizer, after, edits, pixels)
            after = replay(tokenizer.spec, codes, edits, counts)[-1]
        return {"edits": to_json(edits), **self._change(tokenizer, codes, after)}

    @answered
    def replay(self, request: dict[str, Any]) -> dict[str, Any]:
        """{model, revision, levels, edits} -> {steps}: the change that each edit makes, as `edit` tells it."""
        tokenizer, codes = self._given(request)
        edits = from_json(tuple[Edit, ...], request["edits"], "edits")
        states = replay(tokenizer.spec, codes, edits, reference(tokenizer.spec.id).counts)
        return {"steps": [self._change(tokenizer, before, after) for before, after in itertools.pairwise(states)]}

    @answered
    def stitch(self, request: dict[str, Any]) -> dict[str, Any]:
        """{model, revision, levels, example} -> {edits}: on every level the lower half of an example's codes."""
        tokenizer, codes = self._given(request)
        height, width = tokenizer.spec.image_size(codes)
        square = tokenizer.spec.fitted(example(request["example"]), max(height, width), "square")
        top, left = (square.shape[0] - height) // 2, (square.shape[1] - width) // 2
        with self._turn:
            other = tokenizer.encode(to_unit(square[top : top + height, left : left + width])[None]).codes
        return {"edits": to_json(tuple(stitched(codes, other, level) for level in codes))}

    @answered
    def neighbours(self, request: dict[str, Any]) -> dict[str, Any]:
        """{model, level, code} -> {codes, distances} of the nearest codes, itself first; and what each decodes to,
        swatches, where the page was not sent that of every code and it can be had."""
        tokenizer = self.context.store.get(request["model"])
        found, distances = nearest_codes(tokenizer, request["level"], request["code"], NEIGHBOURS)
        reply = {"codes": found.tolist(), "distances": np.round(distances, 4).tolist()}
        with self._turn:
            return reply | unsent_swatches(self.context.store, tokenizer, request["level"], found)

    @answered
    def influence(self, request: dict[str, Any]) -> dict[str, Any]:
        """{model, ..., level, cell} -> {picture, largest, pixels, reach}: which pixels that cell, counted in
        reading order, decides."""
        tokenizer, codes = self._given(request)
        level = tokenizer.spec.level(request["level"])
        cell, grid = request["cell"], codes[level.name].shape[1:]
        if not (type(cell) is int and 0 <= cell < math.prod(grid)):
            raise CodesError(
                f"There is no cell {quoted(cell)}; there are {math.prod(grid):,}, from 0 in reading order."
            )
        with self._turn:
            found = influence(tokenizer, codes, level.name, tuple(map(int, np.unravel_index(cell, grid))))
        shown = scale("Inferno")[(255 * (found / max(found.max(), 1e-6)) ** 0.5).astype(np.uint8)]
        return {
            "picture": data_url(shown, 90),
            "largest": float(found.max()),
            "pixels": int((found > 0).sum()),
            "reach": level.reach,
        }

    def _given(self, request: dict[str, Any]) -> tuple[Tokenizer, Codes]:
        """The tokenizer and the codes that a request is about, checked as codes from outside."""
        spec = self.context.store.spec(request["model"])
        if request.get("revision") != spec.revision:
            raise CodesError(f"The page shows another revision of {spec.id} than the server has. Reload the page.")
        levels = {}
        for name, level in request["levels"].items():
            codes = np.frombuffer(base64.b64decode(level["codes"]), "<i4")
            shape = level["grid"]
            if math.prod(shape) != len(codes):
                raise CodesError(
                    f"Level {quoted(name)} holds {len(codes):,} codes, not {' x '.join(map(quoted, shape[:3]))}."
                )
            levels[name] = codes.reshape(1, *shape)
        codes = Codes(levels)
        check(spec, codes)
        return self.context.store.get(spec.id), codes

    def _change(self, tokenizer: Tokenizer, before: Codes, after: Codes) -> dict[str, Any]:
        started = time.perf_counter()
        with self._turn:
            found = redecode(tokenizer, before, after)
        levels = {}
        for name in after:
            cells = np.flatnonzero(before[name] != after[name]).astype(np.int32)
            if len(cells):
                levels[name] = {"cells": packed(cells), "codes": packed(after[name].reshape(-1)[cells])}
        return {"levels": levels, "milliseconds": round(1000 * (time.perf_counter() - started), 1), **_drawn(found)}


def _drawn(found: Redecoded | None) -> dict[str, Any]:
    if found is None:
        return {"box": None, "picture": None}
    box = found.box
    return {"box": [box.top, box.left, box.bottom, box.right], "picture": data_url(found.pixels)}
