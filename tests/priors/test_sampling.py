"""Filling open cells: orders, cuts, guidance, what each step says of itself, and that seeds decide everything."""

import math

import numpy as np
import pytest

from explorer.core.errors import CodesError
from explorer.core.prior import DrawsByRows, PriorSpec
from explorer.priors.sampling import Drawing, cell_ranks, draw, entropy_bits, fill, guided_log_probabilities, stepwise
from tests.priors.conftest import CLASSES, SIZE

RNG = np.random.default_rng(0)


class Known:
    """A masked prior of 4 codes whose cell (r, c) is code (r + c) % 4, the more surely the further down it lies."""

    spec = PriorSpec("known", "", "", "masked", "t", "", 4, CLASSES, 0, "", "", "")

    def __init__(self, order="masked"):
        self.spec = PriorSpec("known", "", "", order, "t", "", 4, CLASSES, 0, "", "", "")
        self.passes = 0

    def log_probabilities(self, codes, open, labels=None):
        self.passes += 1
        _, rows, columns = np.nonzero(open)
        sure = 0.5 + 0.49 * rows / codes.shape[1]
        found = np.repeat(np.log((1 - sure) / 3)[:, None], 4, 1)
        found[np.arange(len(rows)), (rows + columns) % 4] = np.log(sure)
        return found.astype(np.float32)


def everything(shape=(1, 8, 8)):
    return np.zeros(shape, np.int64), np.ones(shape, bool)


@pytest.mark.parametrize("order", ["certain", "halton", "raster", "random"])
def test_every_order_fills_every_open_cell_once_and_nothing_else(masked, order):
    codes, open = RNG.integers(SIZE, size=(2, 7, 9)), RNG.random((2, 7, 9)) < 0.6
    filled, history = fill(masked, codes, open, seeds=[3, 4], labels=[0, None], steps=5, order=order)
    assert np.array_equal(filled[~open], codes[~open])
    for grid, steps in enumerate(history):
        cells = np.concatenate([step.cells for step in steps])
        assert sorted(map(tuple, cells)) == sorted(map(tuple, np.argwhere(open[grid])))
        assert all(filled[grid][tuple(step.cells.T)].tolist() == step.codes.tolist() for step in steps)
        assert len(steps) == 5 and len(steps[0].cells) < len(steps[-1].cells)
        assert all(0 < p <= 1 for step in steps for p in step.probabilities)
        still_open = [np.isfinite(step.entropy).sum() for step in steps]
        assert still_open == sorted(still_open, reverse=True) and len(set(still_open)) == 5
        assert np.array_equal(np.isfinite(steps[0].entropy), open[grid])
        assert all(np.nanmin(step.entropy) >= 0 for step in steps)


def test_seeds_decide_everything(masked):
    codes, open = everything((3, 8, 8))
    first, _ = fill(masked, codes, open, seeds=[1, 2, 1], steps=4)
    again, _ = fill(masked, codes, open, seeds=[1, 2, 1], steps=4)
    assert np.array_equal(first, again)
    assert np.array_equal(first[0], first[2]) and not np.array_equal(first[0], first[1])


def test_the_most_certain_cells_come_first():
    _, history = fill(Known(), *everything(), seeds=[0], steps=4, drawing=Drawing(temperature=0))
    calm = Drawing(temperature=0, hesitation=0)
    _, certain = fill(Known(), *everything(), seeds=[0], steps=4, drawing=calm)
    assert certain[0][0].cells[:, 0].min() >= 6 and certain[0][-1].cells[:, 0].max() <= 4
    assert history[0][0].cells.tolist() != certain[0][0].cells.tolist(), "hesitation changes nothing"


def test_one_pass_per_step_serves_all_grids():
    prior = Known()
    fill(prior, *everything((4, 8, 8)), seeds=[0, 1, 2, 3], steps=6)
    assert prior.passes == 6


def test_more_steps_than_cells_fill_one_at_a_time():
    codes, open = everything((1, 4, 4))
    open[0, 1:] = False
    _, history = fill(Known(), codes, open, seeds=[0], steps=50)
    assert [len(step.cells) for step in history[0]] == [1, 1, 1, 1]


def test_orders_are_what_their_names_say():
    assert cell_ranks("raster", (2, 3), 0).tolist() == [[0, 1, 2], [3, 4, 5]]
    halton = cell_ranks("halton", (8, 8), 0)
    assert sorted(halton.ravel()) == list(range(64))
    quarters = [(halton[r : r + 4, c : c + 4] < 16).sum() for r in (0, 4) for c in (0, 4)]
    assert max(quarters) - min(quarters) <= 2, "not spread evenly"
    assert cell_ranks("random", (8, 8), 0).tolist() != cell_ranks("random", (8, 8), 1).tolist()


def test_temperature_and_cuts_change_what_is_drawn():
    found = np.log(np.array([[0.5, 0.3, 0.15, 0.05]], np.float32)).repeat(4000, 0)
    uniform = np.random.default_rng(0).random(4000)

    def shares(**changes):
        return np.bincount(draw(found, uniform, Drawing(**changes)), minlength=4) / 4000

    assert np.allclose(shares(), [0.5, 0.3, 0.15, 0.05], atol=0.03)
    assert shares(temperature=0).tolist() == [1, 0, 0, 0]
    squared = np.array([0.25, 0.09, 0.0225, 0.0025])
    assert np.allclose(shares(temperature=0.5), squared / squared.sum(), atol=0.03)
    assert np.allclose(shares(top_k=2), [0.625, 0.375, 0, 0], atol=0.03)
    assert np.allclose(shares(top_p=0.9), np.array([0.5, 0.3, 0.15, 0]) / 0.95, atol=0.03)
    assert shares(top_p=0.1).tolist() == [1, 0, 0, 0]
    assert draw(found[:1], np.array([1 - 1e-16]), Drawing())[0] < 4


def test_guidance_moves_away_from_the_prior_without_a_class(prior):
    codes, open = RNG.integers(SIZE, size=(2, 6, 6)), np.ones((2, 6, 6), bool)
    given, free = prior.log_probabilities(codes, open, [0, 1]), prior.log_probabilities(codes, open)
    assert np.allclose(guided_log_probabilities(prior, codes, open, [0, 1], 0.0), given, atol=1e-5)
    found = guided_log_probabilities(prior, codes, open, [0, 1], 2.0)
    expected = 3 * given - 2 * free
    expected -= np.log(np.exp(expected).sum(-1, keepdims=True))
    assert np.allclose(found, expected, atol=1e-3)
    assert np.array_equal(guided_log_probabilities(prior, codes, open, [None, None], 2.0), free)


def test_a_causal_prior_fills_cell_by_cell_in_raster_order(causal):
    codes, open = RNG.integers(SIZE, size=(2, 6, 5)), RNG.random((2, 6, 5)) < 0.5
    filled, history = fill(causal, codes, open, seeds=[0, 1], labels=[0, 2], order="raster")
    assert np.array_equal(filled[~open], codes[~open])
    for grid, steps in enumerate(history):
        assert [step.cells[0].tolist() for step in steps] == np.argwhere(open[grid]).tolist()
        assert all(np.isfinite(step.entropy).sum() == 1 for step in steps)
    probabilities = np.exp(causal.log_probabilities(filled, open, [0, 2]))
    order = [(grid, *cell) for grid in (0, 1) for cell in np.argwhere(open[grid])]
    told = [float(step.probabilities[0]) for steps in history for step in steps]
    assert np.allclose(told, [p[filled[cell]] for p, cell in zip(probabilities, order, strict=True)], atol=1e-5)
    with pytest.raises(CodesError, match="raster order"):
        fill(causal, codes, open, seeds=[0, 1])


def test_row_by_row_is_what_the_whole_pass_says(causal):
    assert isinstance(causal, DrawsByRows)
    codes, open = RNG.integers(SIZE, size=(2, 7, 6)), np.ones((2, 7, 6), bool)
    whole = causal.log_probabilities(codes, open, [1, None]).reshape(2, 7, 6, SIZE)
    for row in (0, 3, 6):
        cell = causal.row(codes, row, [1, None])
        for column in range(6):
            assert np.allclose(cell(codes[:, row], column), whole[:, row, column], atol=1e-5), (row, column)


def test_a_causal_prior_without_rows_is_asked_cell_by_cell():
    codes, open = everything((1, 3, 4))
    filled, _ = fill(Known("causal"), codes, open, seeds=[0], order="raster", drawing=Drawing(temperature=0))
    assert np.array_equal(filled[0], np.add.outer(np.arange(3), np.arange(4)) % 4)


def test_causal_guidance_is_heard(causal):
    codes, open = everything((1, 4, 4))
    strong = Drawing(guidance=4.0)
    plain, _ = fill(causal, codes, open, seeds=[0], labels=[1], order="raster")
    guided, _ = fill(causal, codes, open, seeds=[0], labels=[1], order="raster", drawing=strong)
    unlabelled, _ = fill(causal, codes, open, seeds=[0], order="raster", drawing=strong)
    free, _ = fill(causal, codes, open, seeds=[0], order="raster")
    assert not np.array_equal(plain, guided) and np.array_equal(unlabelled, free)


def test_entropy_is_in_bits():
    assert entropy_bits(np.log(np.full((1, 8), 0.125, np.float32))) == pytest.approx(3)
    assert entropy_bits(np.log(np.array([[0.5, 0.5 - 1e-7, 1e-7]], np.float32)))[0] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": [1, 2]}, "2 seeds for 1 grids"),
        ({"steps": 0}, "at least one step"),
        ({"labels": [9]}, "Label 9 is out of range"),
    ],
)
def test_what_cannot_be_filled_is_refused(changes, words):
    with pytest.raises(CodesError, match=words):
        fill(Known(), *everything(), **{"seeds": [0], **changes})


@pytest.mark.parametrize("changes", [{"temperature": -1}, {"top_p": 0}, {"top_k": -1}, {"guidance": math.nan}])
def test_what_cannot_be_drawn_is_refused(changes):
    with pytest.raises(CodesError, match="Drawing needs"):
        Drawing(**changes)


def test_nothing_open_is_nothing_done(prior):
    codes = RNG.integers(SIZE, size=(1, 4, 4))
    order = "raster" if prior.spec.order == "causal" else "certain"
    filled, history = fill(prior, codes, np.zeros(codes.shape, bool), seeds=[0], order=order)
    assert np.array_equal(filled, codes) and history == [[]]


def test_the_caller_s_arrays_stay_as_they_were(masked):
    codes, open = RNG.integers(SIZE, size=(1, 4, 4)), np.ones((1, 4, 4), bool)
    before = codes.copy()
    for _ in stepwise(masked, codes, open, seeds=[0], labels=None, steps=2, order="certain", drawing=Drawing()):
        pass
    assert np.array_equal(codes, before) and open.all()
