"""Distances to the nearest encoder output against measuring all of them, and a dead code that was planted far away."""

from types import SimpleNamespace

import numpy as np
import pytest

from explorer.analysis import encoder_outputs
from explorer.analysis.encoder_outputs import EncoderOutputs, costs, nearest_distances
from explorer.core.spec import Codebook


def tokenizer(book, vectors):
    return SimpleNamespace(
        spec=SimpleNamespace(codebook=lambda level: book),
        vectors=lambda name, indices: vectors[indices],
        comparable=lambda level, latents: np.tanh(latents) if book.implicit else latents,
    )


@pytest.mark.parametrize("tile", [(1024, 2048), (7, 5)])
def test_nearest_against_measuring_all(tile, monkeypatch):
    monkeypatch.setattr(encoder_outputs, "TILE", tile)
    random = np.random.default_rng(0)
    points, vectors = random.normal(5, 1, (60, 3)).astype(np.float32), random.normal(5, 1, (20, 3)).astype(np.float32)
    vectors[4] = points[17]
    expected = np.linalg.norm(vectors[:, None] - points[None], axis=-1).min(1)
    found = nearest_distances(points, vectors)
    assert np.allclose(found, expected, rtol=1e-6) and found[4] == 0
    merged = np.minimum(nearest_distances(points[:13], vectors), nearest_distances(points[13:], vectors))
    assert np.array_equal(merged, found)


def test_a_dead_code_is_far_from_everything_the_encoder_gives():
    vectors = np.array([[0, 0], [4, 0], [50, 50]], np.float32)
    codes = np.random.default_rng(0).integers(0, 2, (5, 6, 6))
    latents = vectors[codes] + np.random.default_rng(1).normal(0, 0.1, (5, 6, 6, 2)).astype(np.float32)
    book = Codebook("b", 3, 2, "euclidean")
    keys = np.random.default_rng(2).random(codes.shape)
    of = [
        EncoderOutputs.of(tokenizer(book, vectors), "codes", codes[part], latents[part], keys[part], 40)
        for part in (slice(0, 2), slice(2, 5), slice(0, 5))
    ]
    assert of[2].nearest[0] < 0.05 and of[2].nearest[1] < 0.05
    assert of[2].nearest[2] == pytest.approx(np.hypot(46, 50), abs=0.5)
    chosen = np.argsort(keys.reshape(-1))[:40]
    assert np.array_equal(of[2].points, latents.reshape(-1, 2)[chosen])
    assert np.array_equal(of[2].codes, codes.reshape(-1)[chosen])
    merged = of[0] + of[1]
    for part in ("keys", "points", "codes", "nearest"):
        assert np.array_equal(getattr(merged, part), getattr(of[2], part))


def test_of_a_grid_distances_are_in_steps_of_rounding_after_the_bound():
    book = Codebook("b", 35, 2, "grid", (7, 5))
    digits = np.stack([np.arange(35) % 7 - 3, np.arange(35) // 7 - 2], -1)
    grid = tokenizer(book, (digits / [3, 2]).astype(np.float32))
    codes = np.array([[[17, 3]]])  # digits (0, 0) and (0, -2)
    bounded = np.array([[[[0.1, 0.05], [0.0, -0.8]]]])
    found = costs(grid, "codes", codes, np.arctanh(bounded).astype(np.float32))
    assert np.allclose(found, [[[np.hypot(0.3, 0.1), 0.4]]], atol=1e-6)
    outputs = EncoderOutputs.of(grid, "codes", codes, np.arctanh(bounded).astype(np.float32), np.zeros((1, 1, 2)), 2)
    assert np.allclose(outputs.nearest[[17, 3]], [np.hypot(0.3, 0.1), 0.4], atol=1e-6)
    assert outputs.nearest[31] == pytest.approx(np.hypot(0.3, 1.9), abs=1e-6)  # digits (0, 2)
    assert np.allclose(outputs.points, bounded.reshape(2, 2), atol=1e-6)
