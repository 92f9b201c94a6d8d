"""What the Guide asks the server: each answer is computed from the shipped models, nothing is kept between calls."""

import math
from functools import cached_property, lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from explorer.analysis.edits import SampleMarginal, apply
from explorer.analysis.projection import pca
from explorer.core.errors import ExplorerError
from explorer.core.images import to_bytes, to_unit
from explorer.core.quoting import quoted
from explorer.core.tokenizer import Encoding
from explorer.models import registry
from explorer.plots.payload import data_url
from explorer.services.examples import golden_picture
from explorer.services.reference import golden, reference, reference_usage
from explorer.ui.calls import answered
from explorer.ui.context import AppContext
from explorer.ui.guide_steps import LOGITS, VECTORS, pages

LEVEL = "codes"
ROWS = 8
CUBE = (5, 5, 5)
MOST_STAGES = 5
DRAWN = 240
"""Points of a usage curve."""


class GuideCalls:
    """The calls, each about the picture that the page opens with."""

    def __init__(self, context: AppContext):
        self.context = context
        self._encodings = lru_cache(maxsize=4)(self._encoding)

    @cached_property
    def _guide(self) -> ModuleType:
        """Imported when first asked: the page opens without torch."""
        import explorer.guide

        return explorer.guide

    @answered
    def pages(self, request: dict[str, Any]) -> dict[str, Any]:
        """{} -> {steps: [{key, title, body: HTML, papers, ways: [{label, tab, model, lab}]}]}."""
        return {"steps": pages(self.context.models, self._guide.listing)}

    @answered
    def picture(self, request: dict[str, Any]) -> dict[str, Any]:
        """{} -> {title: the model's, picture, rows, columns}."""
        spec, codes = registry.spec(VECTORS), golden(VECTORS).codes[LEVEL][0]
        rows, columns = codes.shape
        return {"title": spec.title, "picture": data_url(golden_picture(), 90), "rows": rows, "columns": columns}

    @answered
    def lookup(self, request: dict[str, Any]) -> dict[str, Any]:
        """{row, column} -> `distances` of that cell, {code, size, dim}, and a swatch for every row of the table."""
        tokenizer, book = self.context.store.get(VECTORS), registry.spec(VECTORS).codebook(LEVEL)
        found = self._guide.distances(
            self._latent(VECTORS, request), tokenizer.vectors(book.name, np.arange(book.size)), ROWS
        )
        swatches = reference(VECTORS).swatches[LEVEL]
        for row in found["rows"]:
            row["swatch"] = data_url(swatches[row["code"]])
        return {**found, "size": book.size, "dim": book.dim}

    @answered
    def gradient(self, request: dict[str, Any]) -> dict[str, Any]:
        """{seed} -> `both_routes` on 64 patches of 8 x 8 pixels."""
        side = golden_picture().shape[0] // 8
        patches = to_unit(golden_picture()).reshape(8, side, 8, side, 3)[:, :8, :, :8]
        return self._guide.both_routes(patches.swapaxes(1, 2).reshape(64, -1), _whole(request["seed"]))

    @answered
    def pulls(self, request: dict[str, Any]) -> dict[str, Any]:
        """{z: [x, y], codebook: [[x, y], ...], beta} -> `pulls`."""
        codebook = np.array([_plane(vector) for vector in request["codebook"][:64]])
        return self._guide.pulls(np.array(_plane(request["z"])), codebook, _number(request["beta"], 0, 10))

    @answered
    def gumbel(self, request: dict[str, Any]) -> dict[str, Any]:
        """{row, column, temperature, seed} -> `relaxed` of that cell's logits, with swatches."""
        logits, temperature = self._latent(LOGITS, request), _number(request["temperature"], 0.01, 100)
        found, swatches = self._guide.relaxed(logits, temperature, _whole(request["seed"])), reference(LOGITS).swatches
        return {**found, "swatches": [data_url(swatches[LEVEL][code]) for code in found["codes"]]}

    @answered
    def rounded(self, request: dict[str, Any]) -> dict[str, Any]:
        """{z: [a, b, c]} -> `rounded` on the cube, and its levels."""
        z = [_number(value, -100, 100) for value in request["z"]]
        if len(z) != len(CUBE):
            raise ExplorerError(f"The cube has {len(CUBE)} axes; {len(z)} numbers came.")
        return {**self._guide.rounded(z, CUBE), "levels": list(CUBE)}

    @answered
    def usage(self, request: dict[str, Any]) -> dict[str, Any]:
        """{} -> {models: [{title, size, used, tokens, ceiling, perplexity, ranks, shares}]} over held-out pictures."""
        coded = [id for id in self.context.models if registry.spec(id).levels]
        return {"models": [_by_rank(id, name) for id in coded for name in list(reference_usage(id))[:1]]}

    @answered
    def stages(self, request: dict[str, Any]) -> dict[str, Any]:
        """{stages, seed} -> `in_stages` of the picture's latents along their two main axes, and those points."""
        stages = min(max(1, _whole(request["stages"])), MOST_STAGES)
        latents = self._encodings(VECTORS).latents[LEVEL][0]
        points = pca(latents.reshape(-1, latents.shape[-1]), 2).points
        found = self._guide.in_stages(points, stages, _whole(request["seed"]))
        return {"points": np.round(points, 4).tolist(), **found}

    @answered
    def prior(self, request: dict[str, Any]) -> dict[str, Any]:
        """{seed} -> {real, drawn}: the picture decoded, and a grid whose cells are drawn independently."""
        tokenizer, codes = self.context.store.get(VECTORS), golden(VECTORS).codes
        everything = ((0, codes[LEVEL][0].size),)
        edit = SampleMarginal(level=LEVEL, cells=everything, seed=_whole(request["seed"]))
        drawn = apply(edit, tokenizer.spec, codes, reference(VECTORS).counts)
        return {
            "real": data_url(golden(VECTORS).reconstruction, 90),
            "drawn": data_url(to_bytes(tokenizer.decode(drawn))[0], 90),
        }

    def _encoding(self, id: str) -> Encoding:
        return self.context.store.get(id).encode(to_unit(golden_picture())[None])

    def _latent(self, id: str, request: dict[str, Any]) -> np.ndarray:
        latents = self._encodings(id).latents[LEVEL][0]
        row, column = _whole(request["row"]), _whole(request["column"])
        if not (row < latents.shape[0] and column < latents.shape[1]):
            raise ExplorerError(f"There is no cell {row}, {column}: the grid has {latents.shape[0]} rows and columns.")
        return latents[row, column]


def _by_rank(id: str, level: str) -> dict[str, Any]:
    usage, spec = reference_usage(id)[level], registry.spec(id)
    ranks = np.unique(np.geomspace(1, usage.size, DRAWN).astype(int))
    return {
        "title": spec.title,
        "size": usage.size,
        "used": usage.used,
        "tokens": usage.tokens,
        "ceiling": usage.ceiling,
        "perplexity": usage.perplexity,
        "ranks": ranks.tolist(),
        "shares": usage.shares[ranks - 1].tolist(),
    }


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise ExplorerError(f"A whole number from 0 was expected, not {quoted(value)}.")
    return value


def _number(value: Any, low: float, high: float) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ExplorerError(f"A number was expected, not {quoted(value)}.")
    return min(max(float(value), low), high)


def _plane(point: Any) -> tuple[float, float]:
    if not isinstance(point, list) or len(point) != 2:
        raise ExplorerError(f"A point of the plane was expected, not {quoted(point)}.")
    return _number(point[0], -100, 100), _number(point[1], -100, 100)
