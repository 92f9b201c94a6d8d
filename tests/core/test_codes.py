"""Codes are immutable, and anything that is no code is refused in words."""

import copy
import pickle

import numpy as np
import pytest

from explorer.core.codes import Codes
from explorer.core.errors import CodesError


def grid(*shape):
    return np.arange(np.prod(shape)).reshape(shape)


def test_holds_a_copy_that_nobody_can_write():
    given = grid(1, 2, 3).astype(np.int32)
    codes = Codes({"codes": given})
    given[0, 0, 0] = 99
    assert codes["codes"][0, 0, 0] == 0 and codes["codes"].dtype == np.int32
    with pytest.raises(ValueError):
        codes["codes"][0, 0, 0] = 1
    with pytest.raises(TypeError):
        codes.levels["codes"] = given
    with pytest.raises(AttributeError):
        codes.levels = {}


def test_edit_leaves_the_original_alone():
    codes = Codes({"top": grid(2, 2, 2), "bottom": grid(2, 4, 4)})
    edited = codes.edit("bottom", (0, slice(1, 3), 2), 50)
    changed = np.argwhere(edited["bottom"] != codes["bottom"])
    assert changed.tolist() == [[0, 1, 2], [0, 2, 2]]
    assert (edited["bottom"][0, 1:3, 2] == 50).all()
    assert np.array_equal(edited["top"], codes["top"])
    assert codes == Codes({"top": grid(2, 2, 2), "bottom": grid(2, 4, 4)})


def test_edit_takes_a_mask_and_an_array():
    codes = Codes({"codes": grid(1, 2, 2)})
    mask = np.array([[[True, False], [False, True]]])
    assert codes.edit("codes", mask, np.array([7, 8]))["codes"].tolist() == [[[7, 1], [2, 8]]]


@pytest.mark.parametrize("value", [-1, 2**31, 2**40, np.array(2**32 + 5), 0.5, np.array(1.5), float("nan")])
def test_edit_refuses_what_is_no_code(value):
    with pytest.raises(CodesError):
        Codes({"codes": grid(1, 2, 2)}).edit("codes", (0, 0, 0), value)


def test_edit_names_the_levels_there_are():
    with pytest.raises(CodesError, match=r"'bottom'.*top"):
        Codes({"top": grid(1, 2, 2)}).edit("bottom", (0, 0, 0), 1)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        ([[[1, 2], [3]]], "ragged"),
        ([[[1.0, float("nan")]]], "NaN"),
        ([[[1.0, float("inf")]]], "infinity"),
        ([[[1.0, 2.5]]], "fractions"),
        ([[[1, -1]]], "between 0"),
        ([[[1, 2**31]]], "between 0"),
        ([[[1, 2**70]]], "integers"),
        ([[["1", "2"]]], "integers"),
        ([[[True, False]]], "integers"),
        ([[[None, 1]]], "integers"),
        ([[[]]], "shape"),
        ([], "shape"),
        ([1, 2], "shape"),
        ([[[[1]]]], "shape"),
    ],
)
def test_refuses_what_is_no_code(array, words):
    with pytest.raises(CodesError, match=words):
        Codes({"codes": array})


def test_takes_whole_floats_and_the_largest_code():
    assert Codes({"codes": [[[3.0, 2.0**31 - 1]]]})["codes"].tolist() == [[[3, 2**31 - 1]]]


def test_refuses_no_level_and_unequal_batches():
    with pytest.raises(CodesError, match="no level"):
        Codes({})
    with pytest.raises(CodesError, match="top: 1, bottom: 2"):
        Codes({"top": grid(1, 2, 2), "bottom": grid(2, 2, 2)})


@pytest.mark.parametrize("duplicate", [copy.deepcopy, copy.copy, lambda codes: pickle.loads(pickle.dumps(codes))])
def test_survives_copying_and_pickling(duplicate):
    codes = Codes({"top": grid(1, 2, 2), "line": grid(1, 5)})
    again = duplicate(codes)
    assert again == codes and list(again) == ["top", "line"]
    with pytest.raises(ValueError):
        again["top"][0, 0, 0] = 1


def test_equality_sees_values_names_and_order():
    a, b = grid(1, 2, 2), grid(1, 2, 2) + 1
    assert Codes({"a": a}) != Codes({"a": b})
    assert Codes({"a": a}) != Codes({"b": a})
    assert Codes({"a": a, "b": b}) != Codes({"b": b, "a": a})


def test_batch_tokens_and_picture():
    codes = Codes({"top": grid(3, 2, 2), "line": grid(3, 5)})
    assert (codes.batch, codes.tokens) == (3, 9)
    assert codes.picture(1) == Codes({"top": grid(3, 2, 2)[1:2], "line": grid(3, 5)[1:2]})
