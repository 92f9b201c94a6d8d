"""What the encoder gives, seen among the code vectors: a sample of it, and how near it comes to every code.

A code that no encoder output comes near is dead for that reason.
"""

from dataclasses import dataclass, replace

import numpy as np

from explorer.core.spec import Codebook
from explorer.core.tokenizer import Tokenizer

TILE = 1024, 2048
"""Code vectors and points whose distances are held at once, 8 MB: the processor's cache is not much larger."""


@dataclass(frozen=True)
class EncoderOutputs:
    """The `limit` encoder outputs of the smallest keys, a uniform sample where keys are random.

    keys (n,), points (n, D) in the space of the code vectors, codes (n,) that they were given. nearest (K,): the
    distance of each code vector to the nearest of all outputs, as `costs` measures it. Two are added by merging.
    """

    limit: int
    keys: np.ndarray
    points: np.ndarray
    codes: np.ndarray
    nearest: np.ndarray

    @classmethod
    def of(
        cls, tokenizer: Tokenizer, level: str, codes: np.ndarray, latents: np.ndarray, keys: np.ndarray, limit: int
    ) -> "EncoderOutputs":
        """Of all cells with codes (B, h, w), latents (B, h, w, D) and keys (B, h, w)."""
        book = tokenizer.spec.codebook(level)
        points = tokenizer.comparable(level, latents).reshape(-1, book.dim)
        vectors = tokenizer.vectors(book.name, np.arange(book.size))
        nearest = nearest_distances(in_steps(book, points), in_steps(book, vectors))
        return cls(limit, keys.reshape(-1), points, codes.reshape(-1), nearest)._sampled()

    def __add__(self, other: "EncoderOutputs") -> "EncoderOutputs":
        return EncoderOutputs(
            self.limit,
            np.concatenate([self.keys, other.keys]),
            np.concatenate([self.points, other.points]),
            np.concatenate([self.codes, other.codes]),
            np.minimum(self.nearest, other.nearest),
        )._sampled()

    def _sampled(self) -> "EncoderOutputs":
        kept = self.keys.argsort(kind="stable")[: self.limit]
        return replace(self, keys=self.keys[kept], points=self.points[kept], codes=self.codes[kept])


def costs(tokenizer: Tokenizer, level: str, codes: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """How badly cells fit their codes (B, h, w), given latents (B, h, w, D): (B, h, w) float32.

    The distance to the code vector, of a grid in steps of rounding; of logits minus the log-probability.
    """
    book = tokenizer.spec.codebook(level)
    if book.metric == "logit":
        return tokenizer.rank(level, latents, 1).scores[..., 0]
    apart = tokenizer.comparable(level, latents) - tokenizer.vectors(book.name, codes)
    return np.linalg.norm(in_steps(book, apart), axis=-1)


def in_steps(book: Codebook, points: np.ndarray) -> np.ndarray:
    """Points (..., D) of the code vectors' space in the units of `rank`, which for a grid are steps of rounding."""
    return points * np.array([radix // 2 for radix in book.radices], np.float32) if book.implicit else points


def nearest_distances(points: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Distance (K,) float32 of each of vectors (K, D) to the nearest of points (N, D).

    Which is nearest is found by |z|^2 / 2 - e.z, which loses digits; so its distance is then measured again.
    """
    nearest = np.full(len(vectors), np.inf, np.float32)
    for start in range(0, len(points), TILE[1]):
        part = points[start : start + TILE[1]]
        half_norms = np.square(part).sum(1) / 2
        for code in range(0, len(vectors), TILE[0]):
            tile = vectors[code : code + TILE[0]]
            found = part[(half_norms - tile @ part.T).argmin(1)]
            here = nearest[code : code + TILE[0]]
            np.minimum(here, np.linalg.norm(tile - found, axis=1), out=here)
    return nearest
