"""Edits by hand: each touches its cells alone, is repeatable, and refuses in words what can't be."""

import numpy as np
import pytest

from explorer.analysis.edits import (
    Randomize,
    Replace,
    SampleMarginal,
    SetDigit,
    Write,
    apply,
    cells_of,
    stitched,
)
from explorer.core.codes import Codes
from explorer.core.digits import to_digits
from explorer.core.errors import CodesError
from explorer.core.spec import Codebook, Level, TokenizerSpec

SPEC = TokenizerSpec(
    "fsq.test",
    "",
    "",
    "",
    (Level("codes", "book", 8),),
    (Codebook("book", 100, 3, "grid", (5, 5, 4)),),
    8,
    0,
    "",
    "",
    "",
    "",
)
GRID = np.arange(24).reshape(1, 4, 6)
CODES = Codes({"codes": GRID})


def changed(edit, counts=None):
    return apply(edit, SPEC, CODES, counts or {})["codes"][0]


def test_one_code_for_all_or_one_for_each():
    cells = ((7, 2), (13, 1))
    expected = GRID[0].copy()
    expected[1, 1:3] = expected[2, 1] = 99
    assert np.array_equal(changed(Write("codes", cells, (99,))), expected)
    expected[1, 1:3], expected[2, 1] = (50, 51), 52
    assert np.array_equal(changed(Write("codes", cells, (50, 51, 52))), expected)
    assert np.array_equal(CODES["codes"], GRID)


def test_replace_finds_every_cell_of_a_code():
    codes = Codes({"codes": GRID % 5})
    after = apply(Replace("codes", 3, 77), SPEC, codes, {})["codes"]
    assert np.array_equal(after == 77, GRID % 5 == 3) and np.array_equal(after[after != 77], (GRID % 5)[GRID % 5 != 3])
    assert apply(Replace("codes", 98, 1), SPEC, codes, {}) is codes


def test_one_digit_is_set_and_the_others_kept():
    after = changed(SetDigit("codes", ((0, 24),), 1, 4))
    before, digits = to_digits(GRID[0], (5, 5, 4)), to_digits(after, (5, 5, 4))
    assert (digits[..., 1] == 4).all()
    assert np.array_equal(digits[..., [0, 2]], before[..., [0, 2]])


def test_draws_are_of_the_seed_and_of_the_right_codes():
    everywhere = ((0, 24),)
    assert np.array_equal(changed(Randomize("codes", everywhere, 1)), changed(Randomize("codes", everywhere, 1)))
    assert not np.array_equal(changed(Randomize("codes", everywhere, 1)), changed(Randomize("codes", everywhere, 2)))
    counts = np.zeros(100)
    counts[[3, 80]] = 1, 3
    large = Codes({"codes": np.zeros((1, 40, 40), int)})
    drawn = apply(SampleMarginal("codes", ((0, 1600),), 0), SPEC, large, {"codes": counts})["codes"]
    assert set(np.unique(drawn)) == {3, 80} and (drawn == 80).mean() == pytest.approx(0.75, abs=0.05)


def test_runs_are_cells_in_reading_order():
    assert cells_of(((3, 3), (9, 1), (23, 1)), 24).tolist() == [3, 4, 5, 9, 23]
    assert len(cells_of((), 9)) == 0


def test_the_lower_half_of_another_picture():
    other = Codes({"codes": GRID + 50})
    after = apply(stitched(CODES, other, "codes"), SPEC, CODES, {})["codes"][0]
    assert np.array_equal(after[:2], GRID[0, :2]) and np.array_equal(after[2:], GRID[0, 2:] + 50)
    with pytest.raises(CodesError, match="grids differ, 4 x 6 and 2 x 6"):
        stitched(CODES, Codes({"codes": GRID[:, :2]}), "codes")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Write("codes", ((0, 1),), (100,)), "Code 100 is out of range"),
        (Write("codes", ((0, 1),), (-1,)), "Code -1 is out of range"),
        (Write("codes", ((0, 3),), (1, 2)), "2 codes for 3 cells"),
        (Write("codes", ((23, 2),), (1,)), "no run of cells"),
        (Write("codes", ((-1, 2),), (1,)), "no run of cells"),
        (Write("codes", ((1, 0),), (1,)), "no run of cells"),
        (Write("codes", ((1,),), (1,)), "no run of cells"),
        (Write("top", ((0, 1),), (1,)), "no level 'top'"),
        (Replace("codes", 1, 100), "Code 100 is out of range"),
        (SetDigit("codes", ((0, 1),), 3, 0), "no digit 0 in channel 3"),
        (SetDigit("codes", ((0, 1),), 2, 4), "no digit 4 in channel 2"),
        (SampleMarginal("codes", ((0, 1),), 0), "no reference counts"),
    ],
)
def test_what_cannot_be_is_refused_in_words(edit, words):
    with pytest.raises(CodesError, match=words):
        changed(edit)
