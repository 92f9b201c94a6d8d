"""What is kept of planted pictures says what was planted; and of real networks of every kind it fits the codes."""

from types import SimpleNamespace

import numpy as np
import pytest

from explorer.analysis.cooccurrence import DIRECTIONS
from explorer.analysis.observations import Observations, observe
from explorer.analysis.occurrences import SIDE, summarize
from explorer.core.codes import Codes
from explorer.core.images import to_unit
from explorer.core.spec import Codebook, Level
from explorer.core.tokenizer import Encoding
from explorer.models.tokenizer import load_tokenizer
from tests.conftest import KINDS


class Brightness:
    """Cells of 8 x 8 pixels; the code is the nearest of eight evenly spaced brightnesses."""

    book = Codebook("book", 8, 1, "euclidean")
    spec = SimpleNamespace(levels=(Level("codes", "book", 8),), codebook=lambda level: Brightness.book)

    def encode(self, images):
        batch, height, width, _ = images.shape
        latents = images.mean(-1).reshape(batch, height // 8, 8, width // 8, 8).mean((2, 4))[..., None] * 7
        return Encoding(Codes({"codes": np.rint(latents[..., 0])}), {"codes": latents.astype(np.float32)})

    def vectors(self, codebook, indices):
        return np.asarray(indices, np.float32)[..., None]

    def comparable(self, level, latents):
        return latents


def planted():
    """Four pictures of 64 x 64: code 1 left and 6 right, the later the better; in the last a cell of code 3."""
    pictures = np.empty((4, 64, 64, 3))
    for number in range(4):
        pictures[number, :, :32] = (1 + 0.1 * (4 - number)) / 7
        pictures[number, :, 32:] = (6 - 0.05 * (4 - number)) / 7
    pictures[3, 16:24, 40:48] = 3 / 7
    return np.rint(pictures * 255).astype(np.uint8)


def test_what_was_planted_is_kept():
    pictures = planted()
    seen = observe(Brightness(), pictures)["codes"]
    kept = summarize(seen, 8, list("abcd"), lambda number: pictures[number], each=4, beside=2)
    assert kept.counts.tolist() == [0, 128, 0, 1, 0, 0, 127, 0]
    assert [exemplar.picture for exemplar in kept.exemplars(1)[:2]] == [3, 2]
    (only,) = kept.exemplars(3)
    assert (only.name, only.picture, only.row, only.column, only.quantile) == ("d", 3, 2, 5, 0)
    cell = only.pixels[only.margin : only.margin + 8, only.margin : only.margin + 8]
    assert np.abs(cell.astype(int) - round(255 * 3 / 7)).mean() < 12
    assert np.abs(only.pixels[:, -4:].astype(int) - round(255 * 6 / 7)).mean() < 12
    assert kept.exemplars(0) == []
    assert np.array_equal(kept.positions[1] > 0, np.repeat([[1] * 4 + [0] * 4], 8, 0))
    assert kept.nearest[7] == pytest.approx(7 - kept.output_points.max(), abs=0.01)
    assert kept.nearest[3] == pytest.approx(0, abs=0.01)
    assert len(kept.output_points) == len(kept.output_codes) == 256


def test_neighbours_come_with_their_counts_and_lifts():
    pictures = planted()[:, :40]
    kept = summarize(observe(Brightness(), pictures)["codes"], 8, "abcd", lambda number: pictures[number], 1, 2)
    beside, share, other = kept.beside(1), 80 / 160, 79 / 160
    assert beside["left"].codes.tolist() == [1] and beside["left"].counts.tolist() == [4 * 5 * 3]
    assert beside["right"].codes.tolist() == [1, 6] and beside["right"].counts.tolist() == [4 * 5 * 3, 4 * 5]
    across, down = 4 * 5 * 7, 4 * 4 * 8
    assert np.allclose(beside["right"].lifts, [60 / (across * share**2), 20 / (across * share * other)])
    assert beside["above"].codes.tolist() == [1] and beside["above"].counts.tolist() == [4 * 4 * 4]
    assert np.allclose(beside["above"].lifts, 64 / (down * share**2))
    assert all(len(side.codes) == 0 for side in kept.beside(3).values()), "what was seen once says nothing"


def test_independent_codes_have_a_lift_of_one():
    random = np.random.default_rng(0)
    pictures = np.rint(random.choice([1, 6], (24, 32, 32), p=[0.4, 0.6]).repeat(8, 1).repeat(8, 2) * 255 / 7)
    pictures = np.repeat(pictures[..., None], 3, -1).astype(np.uint8)
    kept = summarize(observe(Brightness(), pictures)["codes"], 8, "x" * 24, lambda number: pictures[number], 1, 2)
    for code in (1, 6):
        for direction in DIRECTIONS:
            assert np.allclose(kept.beside(code)[direction].lifts, 1, atol=0.06)


@pytest.fixture(scope="module")
def pictures():
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (5, 6, 6, 3)).repeat(8, 1).repeat(8, 2)
    return np.clip(coarse + random.normal(0, 20, coarse.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_kept_of_real_networks_fits_their_codes(tiny_folders, kind, pictures):
    tokenizer = load_tokenizer(tiny_folders[kind])
    encoding = tokenizer.encode(to_unit(pictures))
    for name, seen in observe(tokenizer, pictures, first=0).items():
        level, codes, latents = tokenizer.spec.level(name), encoding.codes[name], encoding.latents[name]
        kept = summarize(seen, level.stride, "abcde", lambda number: pictures[number], 3, 2)
        scores = tokenizer.rank(name, latents, 1).scores[..., 0]
        for code in range(tokenizer.spec.codebook(name).size):
            shown = kept.exemplars(code)
            assert len({exemplar.picture for exemplar in shown}) == len(shown)
            assert len(shown) == min(3, (codes == code).any((1, 2)).sum())
            for exemplar in shown:
                place = (exemplar.picture, exemplar.row, exemplar.column)
                cost = scores[place] if kept.nearest.size == 0 else np.sqrt(scores[place])
                assert codes[place] == code and exemplar.cost == pytest.approx(cost, rel=1e-2, abs=1e-3)
                inside = slice(exemplar.margin, SIDE - exemplar.margin)
                row, column = (at * level.stride for at in place[1:])
                cell = pictures[place[0], row : row + level.stride, column : column + level.stride]
                assert exemplar.pixels[inside, inside].mean() == pytest.approx(cell.mean(), abs=25)


@pytest.mark.parametrize("kind", ["vector", "gumbel", "residual", "two_grids"])
def test_pictures_seen_apart_add_up_to_those_seen_together(tiny_folders, kind, pictures):
    tokenizer = load_tokenizer(tiny_folders[kind])
    parts, whole = [observe(tokenizer, pictures[:2]), observe(tokenizer, pictures[2:], 2)], observe(tokenizer, pictures)
    for name, together in whole.items():
        merged = parts[0][name] + parts[1][name]
        arguments = (8, "abcde", lambda number: pictures[number], 3, 4)
        one, other = (summarize(seen, *arguments).to_arrays() for seen in (merged, together))
        assert isinstance(merged, Observations) and all(np.array_equal(one[field], other[field]) for field in one)
