"""Pictures through models of several levels and of none: what the page is given to show."""

import json
from dataclasses import replace

import numpy as np
import pytest

from explorer.core.errors import CodesError
from explorer.core.images import fit, to_bytes
from explorer.models.tokenizer import load_tokenizer
from explorer.plots.payload import picture_payload
from explorer.services.tokenization import decode, measure, tokenize
from tests.bad_pictures import photo


@pytest.fixture(scope="module")
def pixels():
    return fit(np.asarray(photo()), 96, "square", 8)


@pytest.mark.parametrize(("kind", "levels"), [("vector", 1), ("residual", 3), ("two_grids", 2)])
def test_levels_are_decoded_one_after_the_other(tiny_folders, pixels, kind, levels):
    tokenizer = load_tokenizer(tiny_folders[kind])
    found = tokenize(tokenizer, pixels)
    names = [level.name for level in tokenizer.spec.levels]
    assert len(names) == levels and len(found.partial) == levels - 1
    for count, picture in enumerate(found.partial, 1):
        assert np.array_equal(picture, to_bytes(tokenizer.decode_levels(found.codes, names[:count])[0]))
        assert not np.array_equal(picture, found.reconstruction)
    again = decode(tokenizer, found.file)
    assert np.array_equal(again.reconstruction, found.reconstruction) and len(again.partial) == levels - 1
    assert set(found.rankings) == set(names)
    payload = json.loads(
        picture_payload(found.spec, found.codes, found.reconstruction, pixels, found.rankings, "a", found.partial)
    )
    assert [level["name"] for level in payload["levels"]] == names and len(payload["partial"]) == levels - 1


def test_figures_add_up_over_levels(tiny_folders, pixels):
    found = tokenize(load_tokenizer(tiny_folders["two_grids"]), pixels)
    figures = measure(found, {})
    assert figures.tokens == 12 * 12 + 24 * 24 and figures.codebook_size == 48
    assert figures.bits_per_pixel == pytest.approx(figures.tokens * np.log2(24) / 96**2)
    # Levels that draw from one codebook are counted as one.
    levels = tuple(replace(level, codebook=found.spec.levels[0].codebook) for level in found.spec.levels)
    shared = measure(replace(found, spec=replace(found.spec, levels=levels)), {})
    drawn = np.concatenate([found.codes[name].reshape(-1) for name in found.codes])
    assert shared.codebook_size == 24 and shared.distinct == len(np.unique(drawn)) < figures.distinct
    assert shared.ceiling == pytest.approx(24 * (1 - (1 - 1 / 24) ** figures.tokens))


@pytest.mark.parametrize("kind", ["point", "gaussian"])
def test_a_model_without_codes_gives_a_picture_and_says_what_it_lacks(tiny_folders, pixels, kind):
    tokenizer = load_tokenizer(tiny_folders[kind])
    found = tokenize(tokenizer, pixels)
    assert found.codes is None and found.reconstruction.shape == pixels.shape and found.floats == 12 * 12 * 4
    figures = measure(found, {})
    assert (figures.tokens, figures.floats) == (0, 576) and np.isfinite(figures.psnr)
    with pytest.raises(CodesError, match="has no codes"):
        found.file  # noqa: B018
    coded = tokenize(load_tokenizer(tiny_folders["vector"]), pixels)
    with pytest.raises(CodesError, match="made by"):
        decode(tokenizer, coded.file)
    payload = json.loads(picture_payload(found.spec, None, found.reconstruction, pixels, {}, "a"))
    assert payload["levels"] == [] and payload["reconstruction"]
