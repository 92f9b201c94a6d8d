"""Nearest codes by hand, for a learned book, a small grid and one too large to list."""

from types import SimpleNamespace

import numpy as np

from explorer.analysis.neighbours import nearest_codes
from explorer.core.digits import from_digits, to_digits
from explorer.core.spec import Codebook


def tokenizer(book, vectors=None):
    spec = SimpleNamespace(codebook=lambda level: book)
    return SimpleNamespace(spec=spec, vectors=lambda name, indices: vectors[indices])


def test_of_a_learned_book_by_the_distance_of_vectors():
    vectors = np.array([[0, 0], [3, 4], [0, 1], [0, 0], [6, 8]], np.float32)
    found, distances = nearest_codes(tokenizer(Codebook("b", 5, 2, "euclidean"), vectors), "codes", 3, 4)
    assert found.tolist() == [3, 0, 2, 1]
    assert distances.tolist() == [0, 0, 1, 5]


def test_of_a_grid_by_steps_of_its_digits():
    book = Codebook("b", 60, 3, "grid", (5, 4, 3))
    code = int(from_digits(np.array([2, 1, 1]), book.radices))
    found, distances = nearest_codes(tokenizer(book), "codes", code, 7)
    assert found[0] == code and distances.tolist() == [0, 1, 1, 1, 1, 1, 1]
    steps = to_digits(found, book.radices) - to_digits(np.array(code), book.radices)
    assert np.array_equal(np.abs(steps).sum(1), [0, 1, 1, 1, 1, 1, 1])


def test_of_a_large_grid_the_nearest_are_found_without_listing_it():
    book = Codebook("b", 64000, 6, "grid", (8, 8, 8, 5, 5, 5))
    code = int(from_digits(np.array([0, 3, 7, 2, 2, 4]), book.radices))
    found, distances = nearest_codes(tokenizer(book), "codes", code, 12)
    everything = to_digits(np.arange(64000), book.radices) - to_digits(np.array(code), book.radices)
    expected = np.sort(np.sqrt(np.square(everything).sum(-1)))[:12]
    assert found[0] == code and np.allclose(distances, expected)
