"""What the codes of a model look like where nothing was shipped with it: computed, as far as that is quick."""

import numpy as np

from explorer.analysis.swatches import refusal, swatches
from explorer.core.tokenizer import DecodesLatents, Tokenizer
from explorer.plots.palette import code_colours
from explorer.services.reference import Reference

COLOURED = 2**14
"""Codes of the largest book whose colours come from its vectors; the page makes up those of a larger one."""


def appearance(tokenizer: Tokenizer) -> Reference:
    """Colours and swatches, no counts. Of a large network the swatches are left out: `swatches_of` gives a few."""
    colours, sheets, by_book = {}, {}, {}
    for level in tokenizer.spec.levels:
        book = tokenizer.spec.codebook(level.name)
        if book.size > COLOURED:
            continue
        every = np.arange(book.size)
        if book.name not in by_book:  # levels can share one
            by_book[book.name] = code_colours(tokenizer.vectors(book.name, every))
        colours[level.name], sheet = by_book[book.name], swatches_of(tokenizer, level.name, every)
        if sheet is not None:
            sheets[level.name] = sheet
    return Reference(swatches=sheets, colours=colours)


def swatches_of(tokenizer: Tokenizer, level: str, codes: np.ndarray) -> np.ndarray | None:
    """Pictures (n, f, f, 3) uint8 of what some codes decode to; None where one has none, or so many take too long."""
    if not isinstance(tokenizer, DecodesLatents) or refusal(tokenizer.spec, level, len(codes)):
        return None
    return swatches(tokenizer, level, codes)
