"""What is seen of codes in pictures: how often they occur, in which patches, where, beside which, from which latents.

Every part is merged by adding. Memory depends on the codebook, not on how many pictures were seen; only the table
of neighbours grows, as long as new pairs of codes are met.
"""

from dataclasses import dataclass

import numpy as np

from explorer.analysis.cooccurrence import Pairs
from explorer.analysis.encoder_outputs import EncoderOutputs, costs
from explorer.analysis.exemplars import Patches
from explorer.analysis.positions import position_counts
from explorer.analysis.usage import Usage
from explorer.core.images import to_unit
from explorer.core.tokenizer import Encoding, Tokenizer

BEST = 12
"""Patches of each code that fit it best."""

SAMPLED = 64
"""Patches of each code drawn from all of them, to find some at quantiles."""

OUTPUTS = 4096
"""Encoder outputs drawn from all of a model; of one level at most half as many."""


@dataclass(frozen=True)
class Observations:
    """What was seen of one level's codes in some pictures. Two are added by merging.

    positions: (K, bins, bins) int64. outputs: None where the encoder gives logits.
    """

    usage: Usage
    best: Patches
    sampled: Patches
    positions: np.ndarray
    across: Pairs
    down: Pairs
    outputs: EncoderOutputs | None

    @classmethod
    def of(cls, tokenizer: Tokenizer, level: str, encoding: Encoding, first: int) -> "Observations":
        """Of one level's codes in pictures that are numbered from `first`."""
        spec, codes, latents = tokenizer.spec, encoding.codes[level], encoding.latents[level]
        book, outputs = spec.codebook(level), OUTPUTS // max(2, len(spec.levels))
        # Drawn with a picture's number alone, so that it does not matter which pictures come together;
        # levels of one grid then sample the same cells.
        keys = np.stack([np.random.default_rng(first + i).random(codes.shape[1:]) for i in range(len(codes))])
        cost = costs(tokenizer, level, codes, latents)
        logits = book.metric == "logit"
        return cls(
            Usage.of_pictures(codes, book.size),
            Patches.best(codes, cost, first, book.size, BEST),
            Patches.sampled(codes, cost, keys, first, book.size, SAMPLED),
            position_counts(codes, book.size),
            Pairs.across(codes, book.size),
            Pairs.down(codes, book.size),
            None if logits else EncoderOutputs.of(tokenizer, level, codes, latents, keys, outputs),
        )

    def __add__(self, other: "Observations") -> "Observations":
        return Observations(
            self.usage + other.usage,
            self.best + other.best,
            self.sampled + other.sampled,
            self.positions + other.positions,
            self.across + other.across,
            self.down + other.down,
            self.outputs + other.outputs if self.outputs and other.outputs else None,
        )


def observe(tokenizer: Tokenizer, pictures: np.ndarray, first: int = 0) -> dict[str, Observations]:
    """Per level, of pictures (B, H, W, 3) uint8 that are numbered from `first`."""
    encoding = tokenizer.encode(to_unit(pictures))
    return {level.name: Observations.of(tokenizer, level.name, encoding, first) for level in tokenizer.spec.levels}
