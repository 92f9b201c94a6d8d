"""All that is known of one code, as the Codebook view and the endpoint /code hand it out."""

from typing import Any

import numpy as np

from explorer.analysis.neighbours import nearest_codes
from explorer.analysis.occurrences import Exemplar, Occurrences
from explorer.core.digits import to_digits
from explorer.core.tokenizer import Tokenizer
from explorer.plots.payload import data_url
from explorer.services.appearance import swatches_of
from explorer.services.occurrences import occurrences_of
from explorer.services.reference import reference

NEIGHBOURS = 8


def around(tokenizer: Tokenizer, level: str, code: int) -> dict[str, Any]:
    """{near, distances: the nearest codes}, and where its occurrences were recorded {patches: [{picture, name, row,
    column, margin, cost, quantile}], beside: {direction: {codes, counts, lifts}}, positions: rows of counts}."""
    near, distances = nearest_codes(tokenizer, level, code, NEIGHBOURS + 1)
    found = {"near": near[1:].tolist(), "distances": np.round(distances[1:], 4).tolist()}
    seen = occurrences_of(tokenizer.spec.id, level)
    return found | (_occurrences(seen, code) if seen else {})


def whole_page(tokenizer: Tokenizer, level: str, code: int) -> dict[str, Any]:
    """What is `around` a code, and the code itself: {model, revision, level, code, size, vector, digits, swatch,
    count, tokens, nearest_output}; what is not known is None."""
    spec = tokenizer.spec
    book, found = spec.codebook(level), around(tokenizer, level, code)
    counts, seen = reference(spec.id).counts.get(level), occurrences_of(spec.id, level)
    one = np.array([code])
    alone = swatches_of(tokenizer, level, one)
    return {
        "model": spec.id,
        "revision": spec.revision,
        "level": level,
        "code": code,
        "size": book.size,
        "vector": tokenizer.vectors(book.name, one)[0].tolist(),
        "digits": to_digits(one, book.radices)[0].tolist() if book.radices else None,
        "swatch": None if alone is None else data_url(alone[0]),
        "count": None if counts is None else int(counts[code]),
        "tokens": None if counts is None else int(counts.sum()),
        "nearest_output": float(seen.nearest[code]) if seen and len(seen.nearest) else None,
        **found,
    }


def _occurrences(seen: Occurrences, code: int) -> dict[str, Any]:
    beside = {
        direction: {"codes": found.codes.tolist(), "counts": found.counts.tolist(), "lifts": found.lifts.tolist()}
        for direction, found in seen.beside(code).items()
    }
    return {
        "patches": [_patch(patch) for patch in seen.exemplars(code)],
        "beside": beside,
        "positions": seen.positions[code].tolist(),
    }


def _patch(patch: Exemplar) -> dict[str, Any]:
    return {
        "picture": data_url(patch.pixels),
        "name": patch.name,
        "row": patch.row,
        "column": patch.column,
        "margin": patch.margin,
        "cost": round(patch.cost, 4),
        "quantile": round(patch.quantile, 4),
    }
