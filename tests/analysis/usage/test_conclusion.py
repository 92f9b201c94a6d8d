"""What is said in words, and that collapse is said only where it is true."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.analysis.usage import Usage, conclusion
from tests.analysis.usage.planted import SIZE, counts, uniform, zipf

SURE = 65536


def _of(probabilities, tokens, seed=0):
    return Usage(counts(probabilities, tokens, 1, seed)[0])


ONE = uniform(1)
LOPSIDED = 0.992 * uniform(26) + 0.008 * uniform(SIZE)


@pytest.mark.parametrize(
    ("probabilities", "tokens", "pictures", "words"),
    [
        (uniform(SIZE), 0, None, "nothing can be said of these 1,024 codes"),
        (uniform(SIZE), 1, 1, "1 token cannot be expected to show more than 0.098 % of 1,024 codes; 1 was seen"),
        (uniform(SIZE), 256, 1, "256 tokens cannot be expected to show more than 22 % of 1,024 codes"),
        (uniform(26), 256, 1, "says nothing about collapse: count more"),
        (uniform(SIZE), SURE, 64, "Full: all 1,024 codes occur in 65,536 tokens, spread as over 1,0"),
        (zipf(1), SURE, 64, "Full: all 1,024 codes occur in 65,536 tokens, spread as over 1"),
        (zipf(1), 16384, 64, "Nearly full: 9"),
        (zipf(1), 8000, 64, "Undecided: 8"),
        (uniform(512), SURE, 64, "Partly used: 512 of 1,024 codes occur in 65,536 tokens, spread as over 51"),
        (
            uniform(26),
            SURE,
            64,
            "Collapsed: 26 of 1,024 codes carry at least 99 % of 65,536 tokens. The 998 never seen",
        ),
        (ONE, SURE, None, "Collapsed: 1 of 1,024 codes carries at least 99 % of 65,536 tokens. The 1,023 never seen"),
        (ONE, SURE, 4, "1 of 1,024 codes occur in 65,536 tokens from 4 pictures. Pictures repeat themselves"),
        (
            LOPSIDED,
            4 * 10**6,
            64,
            "Collapsed: 26 of 1,024 codes carry at least 99 % of 4,000,000 tokens. All others occur",
        ),
    ],
)
def test_every_regime_has_its_words(probabilities, tokens, pictures, words):
    assert words in conclusion(replace(_of(probabilities, tokens), pictures=pictures))


def test_a_huge_implicit_codebook_is_not_called_collapsed_for_lack_of_tokens():
    size = 2**18
    usage = Usage(np.random.default_rng(0).multinomial(SURE, np.full(size, 1 / size)))
    assert conclusion(usage).startswith("65,536 tokens cannot be expected to show more than 22 % of 262,144 codes")


def test_figures_in_words_are_those_of_the_counts():
    usage = Usage(np.array([999_990, 5, 5] + [0] * 100))
    assert usage.unseen_mass.high == pytest.approx(5.3e-6, rel=0.01)
    said = "The 100 never seen together carry at most 0.00053 % (95 % confidence"
    assert f"{said}, were tokens independent)." in conclusion(usage)
    assert f"{said})." in conclusion(replace(usage, incidence=usage.counts, pictures=10**6))
    assert "e-" not in conclusion(Usage(np.array([10**9, 0, 0, 0, 0])))
    assert "The one never seen carries at most" in conclusion(Usage(np.array([500] * 30 + [0])))


@pytest.mark.parametrize("tokens", [16, 64, 256, 1024, 4096, 8192, 32768])
@pytest.mark.parametrize("possible", [300, 512, SIZE])
def test_no_codebook_with_more_than_a_quarter_alive_is_called_collapsed(possible, tokens):
    rows = counts(uniform(possible), tokens, 200)
    assert not any(conclusion(Usage(row)).startswith("Collapsed") for row in rows)


@pytest.mark.parametrize("tokens", [2048, 8192, SURE])
def test_a_collapsed_codebook_is_called_so_once_enough_was_counted(tokens):
    rows = counts(uniform(26), tokens, 200)
    assert all(conclusion(Usage(row)).startswith("Collapsed") for row in rows)
