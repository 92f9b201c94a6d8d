"""What the Codebook view asks the server; nothing is kept between calls but maps that are being laid out."""

from typing import Any

import numpy as np

from explorer.analysis.codebook_map import MOST, MapKey
from explorer.analysis.neighbours import nearest_codes
from explorer.analysis.occurrences import Occurrences
from explorer.core.tokenizer import Tokenizer
from explorer.plots.payload import data_url, packed
from explorer.services.occurrences import encoder_outputs, occurrences_of
from explorer.ui.calls import answered
from explorer.ui.context import AppContext

NEIGHBOURS = 8


class CodebookCalls:
    """The calls, by model and level."""

    def __init__(self, context: AppContext):
        self.context = context

    @answered
    def map(self, request: dict[str, Any]) -> dict[str, Any]:
        """{model, level, of, method, dims} -> {codes, points, outputs}, or {waiting: share in [0, 1]}.

        codes: "" where all codes are points. A map that is waited for is asked for again, or given up by `stop`.
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
        """{model, level, code} -> what is known of one code.

        {near, distances: its nearest codes}, and where its occurrences were recorded {patches: [{picture, name, row,
        column, margin, cost, quantile}], beside: {direction: {codes, counts, lifts}}, positions: rows of counts}.
        """
        tokenizer = self.context.store.get(request["model"])
        level, code = request["level"], request["code"]
        near, distances = nearest_codes(tokenizer, level, code, NEIGHBOURS + 1)
        found = {"near": near[1:].tolist(), "distances": np.round(distances[1:], 4).tolist()}
        seen = occurrences_of(tokenizer.spec.id, level)
        return found | (_occurrence(seen, code) if seen else {})

    def _key(self, request: dict[str, Any]) -> tuple[Tokenizer, MapKey]:
        tokenizer = self.context.store.get(request["model"])
        key = MapKey(request["level"], request["of"], request["method"], request["dims"])
        key.check(tokenizer.spec)
        return tokenizer, key


def _occurrence(seen: Occurrences, code: int) -> dict[str, Any]:
    patches = [
        {
            "picture": data_url(patch.pixels),
            "name": patch.name,
            "row": patch.row,
            "column": patch.column,
            "margin": patch.margin,
            "cost": round(patch.cost, 4),
            "quantile": round(patch.quantile, 4),
        }
        for patch in seen.exemplars(code)
    ]
    beside = {
        direction: {"codes": found.codes.tolist(), "counts": found.counts.tolist(), "lifts": found.lifts.tolist()}
        for direction, found in seen.beside(code).items()
    }
    return {"patches": patches, "beside": beside, "positions": seen.positions[code].tolist()}
