"""Which codes are near a code: by the distance of their vectors."""

import numpy as np

from explorer.core.digits import to_digits
from explorer.core.errors import CodesError
from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import Tokenizer

SAMPLED = 2**14
"""Of a larger implicit codebook only codes that differ in one or two digits are looked at."""


def nearest_codes(tokenizer: Tokenizer, level: str, code: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k codes nearest to a code, itself first: (indices (k,) int64, distances (k,) float64).

    Distances are Euclidean between code vectors; of implicit codebooks in steps of their digits. What is no
    code of the level raises CodesError.
    """
    spec = tokenizer.spec
    book = spec.codebook(level)
    if not (type(code) is int and 0 <= code < book.size):
        raise CodesError(f"Codes of {spec.id} are whole numbers between 0 and {book.size - 1:,}.")
    candidates = np.arange(book.size) if book.size <= SAMPLED else _similar(spec, level, code)
    if book.implicit:
        digits = to_digits(candidates, book.radices) - to_digits(np.array(code), book.radices)
        distances = np.sqrt(np.square(digits).sum(-1).astype(np.float64))
    else:
        vectors = tokenizer.vectors(book.name, candidates).astype(np.float64)
        own = tokenizer.vectors(book.name, np.array([code])).astype(np.float64)
        distances = np.sqrt(np.square(vectors - own).sum(-1))
    distances[candidates == code] = -1.0  # first, also where another vector is the same
    order = np.argsort(distances, kind="stable")[:k]
    return candidates[order], np.maximum(distances[order], 0.0)


def _similar(spec: TokenizerSpec, level: str, code: int) -> np.ndarray:
    """Codes of an implicit book that differ from `code` in at most two digits."""
    radices = spec.codebook(level).radices
    places = np.cumprod([1, *radices[:-1]])
    digits = to_digits(np.array(code), radices)
    steps = [
        np.arange(radix) * place - digit * place for radix, place, digit in zip(radices, places, digits, strict=True)
    ]
    found = [np.array([code])]
    for i, one in enumerate(steps):
        found += [code + (one[:, None] + other).reshape(-1) for other in steps[i + 1 :]]
    return np.unique(np.concatenate(found))
