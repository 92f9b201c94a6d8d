"""After an edit only its surroundings are decoded, and the picture is as if all of it were."""

import json

import numpy as np
import pytest

from explorer.analysis.edits import Randomize, Replace, SampleMarginal, SetDigit, Write
from explorer.core.codes import Codes
from explorer.core.codes_file import CodesFile
from explorer.core.errors import CodesError, ConfigError
from explorer.core.images import to_bytes
from explorer.models.tokenizer import load_tokenizer
from explorer.services.editing import Box, SavedEdit, inferred_again, reached, redecode, replay
from tests.tiny_app import Global


def random_codes(spec, side, seed=0):
    random = np.random.default_rng(seed)
    shapes = {level.name: (1, *spec.shape(level.name, side, side + 64)) for level in spec.levels}
    return Codes({name: random.integers(0, spec.codebook(name).size, shape) for name, shape in shapes.items()})


@pytest.mark.parametrize("kind", ["vector", "finite_scalar_atanh", "residual", "two_grids"])
def test_the_patched_picture_is_the_whole_decode(tiny_folders, kind):
    tokenizer = load_tokenizer(tiny_folders[kind])
    random = np.random.default_rng(1)
    codes = random_codes(tokenizer.spec, 128)
    picture = to_bytes(tokenizer.decode(codes))[0]
    for _ in range(12):
        level = tokenizer.spec.levels[random.integers(len(tokenizer.spec.levels))]
        rows, columns = codes[level.name].shape[1:]
        cells = (0, random.integers(0, rows, 2), random.integers(0, columns, 2))
        size = tokenizer.spec.codebook(level.name).size
        after = codes.edit(level.name, cells, (codes[level.name][cells] + 1) % size)
        found = redecode(tokenizer, codes, after)
        box = found.box
        picture = picture.copy()
        picture[box.top : box.bottom, box.left : box.right] = found.pixels
        difference = np.abs(picture.astype(int) - to_bytes(tokenizer.decode(after))[0])
        assert difference.max() <= 1 and (difference > 0).mean() < 1e-3, "off by more than a rounding"
        codes = after


def test_a_single_cell_is_reached_as_far_as_the_spec_says(tiny_folders):
    tokenizer = load_tokenizer(tiny_folders["vector"])
    assert tokenizer.spec.levels[0].reach == 24
    codes = random_codes(tokenizer.spec, 128)
    assert reached(tokenizer.spec, codes, codes.edit("codes", (0, 8, 9), (codes["codes"][0, 8, 9] + 1) % 24)) == Box(
        64 - 24, 72 - 24, 72 + 24, 80 + 24
    )
    corner = codes.edit("codes", (0, 0, 23), (codes["codes"][0, 0, 23] + 1) % 24)
    assert reached(tokenizer.spec, codes, corner) == Box(0, 184 - 24, 8 + 24, 192)
    assert redecode(tokenizer, codes, codes) is None


def test_of_a_global_tokenizer_all_of_the_picture_is_decoded(tiny_folders):
    tokenizer = Global(load_tokenizer(tiny_folders["vector"]))
    codes = random_codes(tokenizer.spec, 128)
    after = codes.edit("codes", (0, 8, 9), (codes["codes"][0, 8, 9] + 1) % 24)
    found = redecode(tokenizer, codes, after)
    assert found.box == Box(0, 0, 128, 192)
    assert np.array_equal(found.pixels, to_bytes(tokenizer.decode(after))[0])


EDITS = (
    Write("codes", ((0, 2), (5, 1)), (3, 4, 5)),
    Replace("codes", 3, 4),
    SetDigit("codes", ((0, 9),), 1, 0),
    Randomize("codes", ((0, 3),), 7),
    SampleMarginal("codes", ((1, 1),), 8),
)
START = CodesFile(Codes({"codes": np.arange(12).reshape(1, 3, 4)}), "fsq.test", "0123456789ab", (24, 32))


def test_a_saved_edit_comes_back_from_its_file():
    saved = SavedEdit(START, EDITS, "Cat", "abcd")
    again = SavedEdit.from_dict(json.loads(json.dumps(saved.to_dict())))
    assert (again.edits, again.name, again.picture) == (EDITS, "Cat", "abcd")
    assert (again.start.codes, again.start.model, again.start.revision) == (START.codes, "fsq.test", "0123456789ab")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"codebook_explorer_edit": 9}, "has format 9; this program reads 1"),
        ({"edits": {}}, "edits must be a list"),
        ({"edits": [{"kind": "magic"}]}, "'kind' is one of write"),
        ({"start": None}, "levels"),
    ],
)
def test_a_file_that_is_no_saved_edit_is_refused_in_words(change, words):
    with pytest.raises((CodesError, ConfigError), match=words):
        SavedEdit.from_dict({**SavedEdit(START, EDITS).to_dict(), **change})
    with pytest.raises(CodesError, match="no saved edit"):
        SavedEdit.from_dict(START.to_dict())


def test_the_edit_that_cannot_be_replayed_is_named(tiny_folders):
    spec = load_tokenizer(tiny_folders["vector"]).spec
    edits = (Write("codes", ((0, 1),), (3,)), Write("codes", ((0, 1),), (24,)))
    with pytest.raises(CodesError, match=r"Edit 2 of 2: Code 24 is out of range"):
        replay(spec, START.codes, edits, {})


def test_levels_are_inferred_again_only_from_a_fitting_picture(tiny_folders):
    tokenizer = load_tokenizer(tiny_folders["two_grids"])
    codes = random_codes(tokenizer.spec, 64)
    edits = (Write("top", ((0, 1),), (3,)),)
    with pytest.raises(CodesError, match="not of one size"):
        inferred_again(tokenizer, codes, edits, np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(CodesError, match="cannot infer"):
        inferred_again(Global(tokenizer), codes, edits, np.zeros((64, 128, 3), np.uint8))
