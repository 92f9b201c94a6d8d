"""What every prior promises: normalised log-probabilities, and which cells they may depend on."""

import numpy as np
import pytest
import torch

from explorer.core.errors import CodesError
from explorer.core.prior import Prior
from explorer.priors.network import places
from tests.priors.conftest import SIZE

RNG = np.random.default_rng(0)
SHAPES = [(8, 8), (7, 10), (1, 1), (3, 13)]


def grids(shape, count=2):
    return RNG.integers(SIZE, size=(count, *shape))


@pytest.mark.parametrize("shape", SHAPES)
def test_log_probabilities_are_normalised_one_row_per_open_cell(prior, shape):
    codes = grids(shape)
    open = RNG.random(codes.shape) < 0.5
    found = prior.log_probabilities(codes, open, [1, None])
    assert isinstance(prior, Prior)
    assert found.shape == (open.sum(), SIZE) and found.dtype == np.float32
    assert np.allclose(np.exp(found.astype(np.float64)).sum(1), 1, atol=1e-5)


def test_rows_come_in_the_order_of_the_open_cells(prior):
    codes, open = grids((8, 8)), np.zeros((2, 8, 8), bool)
    for cell in ((0, 2, 5), (0, 6, 1), (1, 0, 3)):
        open[cell] = True
    together = prior.log_probabilities(codes, np.ones_like(open)).reshape(2, 8, 8, SIZE)
    if prior.spec.order == "causal":
        assert np.allclose(prior.log_probabilities(codes, open), together[open], atol=1e-5)
    alone = prior.log_probabilities(codes[1:], open[1:])
    assert np.allclose(prior.log_probabilities(codes, open)[2], alone[0], atol=1e-5)


def test_the_training_loss_is_the_log_probability_of_the_true_code(prior):
    codes = torch.from_numpy(grids((8, 8)))
    open, labels = torch.ones(codes.shape, dtype=torch.bool), torch.tensor([0, 3])
    where = torch.from_numpy(places(8, 8)).expand(2, -1, -1, -1)
    with torch.inference_mode():
        surprise = prior._network(codes, open, labels, where)
        every = prior._network.log_probabilities(codes, open, labels, where)
    assert torch.allclose(-every.gather(1, codes[open][:, None])[:, 0], surprise, atol=1e-4)


def test_a_masked_prior_does_not_look_into_open_cells(masked):
    codes = grids((8, 8))
    open = RNG.random(codes.shape) < 0.5
    other = np.where(open, -1, codes)
    assert np.array_equal(masked.log_probabilities(codes, open), masked.log_probabilities(other, open))


def test_a_masked_prior_looks_at_cells_on_all_sides(masked):
    codes, open = grids((8, 8), 1), np.zeros((1, 8, 8), bool)
    open[0, 4, 4] = True
    before = masked.log_probabilities(codes, open)
    for cell in ((0, 0), (0, 7), (7, 0), (7, 7), (4, 5)):
        other = codes.copy()
        other[(0, *cell)] = (other[(0, *cell)] + 1) % SIZE
        assert not np.array_equal(masked.log_probabilities(other, open), before), cell


@pytest.mark.parametrize("shape", [(8, 8), (6, 9)])
def test_a_causal_prior_depends_on_earlier_cells_only(causal, shape):
    codes, open = grids(shape, 1), np.ones((1, *shape), bool)
    before = causal.log_probabilities(codes, open)
    for changed in RNG.permutation(shape[0] * shape[1])[:20]:
        other = codes.copy()
        other.reshape(-1)[changed] = (other.reshape(-1)[changed] + 1) % SIZE
        after = causal.log_probabilities(other, open)
        assert np.array_equal(after[: changed + 1], before[: changed + 1]), f"cell {changed} reaches back"


def test_a_causal_prior_sees_every_earlier_cell(causal):
    codes, open = grids((8, 8), 1), np.ones((1, 8, 8), bool)
    before = causal.log_probabilities(codes, open)[44]  # row 5, column 4
    blind = []
    for earlier in range(44):
        other = codes.copy()
        other.reshape(-1)[earlier] = (other.reshape(-1)[earlier] + 1) % SIZE
        if np.array_equal(causal.log_probabilities(other, open)[44], before):
            blind.append(earlier)
    assert blind == []


def test_the_class_matters(prior):
    codes, open = grids((8, 8), 1), np.ones((1, 8, 8), bool)
    found = [prior.log_probabilities(codes, open, [label]) for label in (0, 1, None)]
    assert not np.array_equal(found[0], found[1]) and not np.array_equal(found[0], found[2])
    assert np.array_equal(found[2], prior.log_probabilities(codes, open))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda codes, open: (codes[0], open, None), "(B, h, w)"),
        (lambda codes, open: (codes, open[:1], None), "open cells"),
        (lambda codes, open: (codes, open.astype(int), None), "open cells"),
        (lambda codes, open: (codes, open, [0]), "1 labels for 2 grids"),
        (lambda codes, open: (codes, open, [0, 3]), "Label 3 is out of range"),
        (lambda codes, open: (codes + SIZE, open, None), "between 0 and 23"),
        (lambda codes, open: (codes - SIZE, open, None), "between 0 and 23"),
    ],
)
def test_what_does_not_fit_is_refused(prior, change, words):
    codes, open = grids((4, 4)), np.zeros((2, 4, 4), bool)
    open[:, 0, 0] = True
    with pytest.raises(CodesError) as error:
        prior.log_probabilities(*change(codes, open))
    assert words in str(error.value)


def test_classes_have_numbers(prior):
    assert prior.spec.label("bee") == 1
    with pytest.raises(CodesError, match="knows no class 'dog'"):
        prior.spec.label("dog")
