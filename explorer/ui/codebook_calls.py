"""What the Codebook view asks the server; nothing is kept between calls but maps that are being laid out."""

from typing import Any

import numpy as np

from explorer.analysis.codebook_map import MOST, MapKey
from explorer.core.tokenizer import Tokenizer
from explorer.plots.payload import packed
from explorer.services.maps import check_map
from explorer.services.occurrences import encoder_outputs, occurrences_of
from explorer.ui.calls import answered
from explorer.ui.code_page import around
from explorer.ui.context import AppContext
from explorer.ui.shared import unsent_swatches


class CodebookCalls:
    """The calls, by model and level."""

    def __init__(self, context: AppContext):
        self.context = context

    @answered
    def map(self, request: dict[str, Any]) -> dict[str, Any]:
        """{model, level, of, method, dims} -> {codes, points, outputs, note}, or {waiting: share in [0, 1]}.

        codes: "" where all codes are points. note: what the visitor is to be told of the map, or "". A map that is
        waited for is asked for again, or given up by `stop`.
        """
        tokenizer, key = self._key(request)
        outputs = encoder_outputs(tokenizer.spec.id, key.level)
        found = self.context.maps.find(tokenizer, key, outputs)
        if found is None:
            share = self.context.maps.progress(tokenizer, key, outputs)
            found = self.context.maps.find(tokenizer, key, outputs) if share == 1.0 else None
        if found is None:
            return {"waiting": share}
        size = tokenizer.spec.codebook(key.level).size
        return {
            "codes": packed(found.codes.astype(np.int32)) if size > MOST else "",
            "points": packed(found.points.astype(np.float32)),
            "outputs": packed(found.outputs.astype(np.float32)),
            "note": found.note,
        }

    @answered
    def stop(self, request: dict[str, Any]) -> dict[str, Any]:
        """{model, level, of, method, dims} -> {}: gives up a map that is being laid out."""
        tokenizer, key = self._key(request)
        self.context.maps.stop(tokenizer, key, encoder_outputs(tokenizer.spec.id, key.level))
        return {}

    @answered
    def facts(self, request: dict[str, Any]) -> dict[str, Any]:
        """{model, level} -> {norms, nearest}: of every code the length of its vector, and how far from it the nearest
        encoder output is; "" where that is not known."""
        tokenizer = self.context.store.get(request["model"])
        book = tokenizer.spec.codebook(request["level"])
        if book.size > MOST:
            return {"norms": "", "nearest": ""}
        norms = np.linalg.norm(tokenizer.vectors(book.name, np.arange(book.size)), axis=-1)
        seen = occurrences_of(tokenizer.spec.id, request["level"])
        nearest = seen.nearest if seen else np.zeros(0)
        return {"norms": packed(norms.astype(np.float32)), "nearest": packed(nearest.astype(np.float32))}

    @answered
    def code(self, request: dict[str, Any]) -> dict[str, Any]:
        """{model, level, code} -> what is known of one code, as `around` gives it, and as `unsent_swatches`
        says what it and the nearest decode to."""
        tokenizer, level = self.context.store.get(request["model"]), request["level"]
        found = around(tokenizer, level, request["code"])
        shown = np.array([request["code"], *found["near"]])
        return found | unsent_swatches(self.context.store, tokenizer, level, shown)

    def _key(self, request: dict[str, Any]) -> tuple[Tokenizer, MapKey]:
        tokenizer = self.context.store.get(request["model"])
        key = MapKey(request["level"], request["of"], request["method"], request["dims"])
        check_map(tokenizer.spec, key)
        return tokenizer, key
