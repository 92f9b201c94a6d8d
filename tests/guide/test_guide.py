"""What the Guide computes is right: against hand computations, and against what theory says of many draws."""

from pathlib import Path

import numpy as np
import pytest

from explorer import guide
from explorer.guide.listings import ROOT


def test_distances_are_those_between_the_vectors():
    random = np.random.default_rng(0)
    z, vectors = random.normal(size=6).astype(np.float32), random.normal(size=(40, 6)).astype(np.float32)
    found = guide.distances(z, vectors, 5)
    exact = np.square(vectors.astype(np.float64) - z).sum(1)
    assert [row["code"] for row in found["rows"]] == np.argsort(exact)[:5].tolist()
    for row in found["rows"]:
        assert row["distance"] == pytest.approx(exact[row["code"]], abs=1e-9)
        assert found["z"] + row["norm"] - 2 * row["dot"] == pytest.approx(row["distance"])


@pytest.mark.parametrize("seed", [0, 1])
def test_both_routes_give_the_encoder_one_gradient_and_the_plain_argmin_none(seed):
    patches = np.random.default_rng(seed).random((64, 48), np.float32)
    found = guide.both_routes(patches, seed)
    assert found["detach"] == found["hook"] and found["difference"] == 0
    assert found["norms"]["detach"] > 1e-3 and found["numbers"] == 48 * 8
    assert found["norms"]["none"] == 0 and not any(found["none"])
    assert found["detach"] != guide.both_routes(patches, seed + 7)["detach"]


def test_the_two_losses_pull_the_chosen_pair_together_and_nothing_else():
    found = guide.pulls(np.array([0.2, 0.4]), np.array([[0.0, 0.0], [0.5, 0.8], [-1.0, 0.0]]), beta=0.25)
    assert found["code"] == 0
    assert found["losses"] == pytest.approx({"codebook": 0.1, "commitment": 0.025})
    assert found["vectors"][0] == pytest.approx([0.2, 0.4]) and found["vectors"][1:] == [[0, 0], [0, 0]]
    assert found["latent"] == pytest.approx([-0.05, -0.1])


def test_a_cold_draw_is_one_code_and_a_hot_one_is_even():
    logits = np.random.default_rng(3).normal(size=30).astype(np.float32)
    cold, hot = guide.relaxed(logits, 1e-4, 5, shown=30), guide.relaxed(logits, 1000, 5, shown=30)
    assert max(cold["weights"]) == cold["largest"][1] > 0.999
    assert np.allclose(hot["weights"], 1 / 30, atol=0.002)
    for found in (cold, hot):
        assert sum(found["weights"]) + found["rest"] == pytest.approx(1) and abs(found["rest"]) < 1e-5
    assert guide.relaxed(logits, 1, 5)["rest"] > 0


def test_cold_draws_are_as_frequent_as_the_probabilities_say():
    logits = np.log(np.array([0.6, 0.3, 0.1], np.float32))
    draws = [guide.relaxed(logits, 0.01, seed)["largest"][0] for seed in range(600)]
    assert np.allclose(np.bincount(draws, minlength=3) / 600, [0.6, 0.3, 0.1], atol=0.07)
    assert guide.relaxed(logits, 1, 0)["probabilities"] == pytest.approx([0.6, 0.3, 0.1], abs=1e-6)


def test_the_cube_rounds_and_counts_as_the_paper_says():
    found = guide.rounded([10, -10, 0], (5, 5, 5))
    assert found["digits"] == [4, 0, 2] and found["vector"] == [1, -1, 0]
    assert found["code"] == 4 + 0 * 5 + 2 * 25 and found["places"] == [1, 5, 25] and found["size"] == 125
    assert guide.rounded([0.26, 0, 0], (5, 5, 5))["digits"][0] == 3  # tanh(0.26) * 2 = 0.51, past the boundary
    assert guide.rounded([0.24, 0, 0], (5, 5, 5))["digits"][0] == 2


def test_every_stage_codes_what_the_ones_before_left_over():
    points = np.random.default_rng(1).normal(size=(300, 2))
    found = guide.in_stages(points, 4, seed=0)
    errors = np.array(found["errors"])
    assert (errors[1:] < 0.6 * errors[:-1]).all()
    books, codes = np.array(found["books"]), np.array(found["codes"])
    sums = np.cumsum(books[np.arange(4)[:, None], codes], 0)
    assert np.allclose(found["sums"], sums, atol=1e-5)
    left = points - sums[1]
    assert np.array_equal(np.square(left[:, None] - books[2]).sum(2).argmin(1), codes[2])


@pytest.mark.parametrize("name", guide.QUOTED)
def test_a_listing_is_what_stands_in_the_file(name):
    found = guide.listing(name)
    source = (ROOT / found.file).read_text(encoding="utf-8").splitlines()[found.first - 1 :][: len(found.lines)]
    assert [line.strip() for line in source] == [line.strip() for line in found.lines]
    assert found.marked and found.lines[0].startswith("def ") and not Path(found.file).is_absolute()
