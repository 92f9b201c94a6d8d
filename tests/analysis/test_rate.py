"""Bits of planted codes with known answers."""

import math

import numpy as np
import pytest

from explorer.analysis.rate import entropy_bits, nominal_bits
from explorer.core.codes import Codes
from explorer.core.spec import Codebook, Level, TokenizerSpec

SPEC = TokenizerSpec(
    id="tiny.two",
    title="",
    family="",
    summary="",
    levels=(Level("top", "small", 16), Level("bottom", "large", 8)),
    codebooks=(Codebook("small", 4, 2, "euclidean"), Codebook("large", 1024, 2, "euclidean")),
    multiple=16,
    parameters=0,
    trained_on="",
    source="",
    licence="",
    sha256="",
)
CODES = Codes({"top": [[[0, 1], [2, 3]]], "bottom": [[[5, 5, 5, 5], [9, 9, 9, 9]] * 2]})


def test_nominal_bits():
    assert nominal_bits(SPEC, CODES) == pytest.approx(4 * 2 + 16 * 10)


def test_own_entropy():
    assert entropy_bits(SPEC, CODES) == pytest.approx(4 * 2 + 16 * 1)


def test_reference_counts():
    top, bottom = np.array([3, 3, 1, 5]), np.zeros(1024, np.int64)
    bottom[5] = 1023
    expected = sum(math.log2(16 / n) for n in (4, 4, 2, 6)) + 8 * math.log2(2047 / 1024) + 8 * math.log2(2047)
    assert entropy_bits(SPEC, CODES, {"top": top, "bottom": bottom}) == pytest.approx(expected)


def test_a_uniform_reference_costs_the_nominal_bits():
    reference = {"top": np.full(4, 7), "bottom": np.full(1024, 7)}
    assert entropy_bits(SPEC, CODES, reference) == pytest.approx(nominal_bits(SPEC, CODES))


def test_bits_are_those_of_one_picture():
    twice = Codes({name: np.concatenate([array, array]) for name, array in CODES.levels.items()})
    assert nominal_bits(SPEC, twice) == nominal_bits(SPEC, CODES)
    assert entropy_bits(SPEC, twice) == pytest.approx(entropy_bits(SPEC, CODES))
