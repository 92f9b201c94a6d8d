"""Collapse is real, each cure does what it says, switches act while it runs, and a seed decides everything."""

from dataclasses import replace

import pytest
import torch

from explorer.lab.experiment import EVERY, Experiment, entropy_term
from explorer.lab.plan import CURES, Plan, Settings
from explorer.lab.points import PointsTask


def experiment(*cures, plan=Plan(), **settings) -> Experiment:  # noqa: B008
    return Experiment(PointsTask(plan), plan, Settings(cures=cures, **settings))


def trained(*cures, steps=150, **more) -> Experiment:
    return on(experiment(*cures, **more), steps)


def on(found: Experiment, steps: int) -> Experiment:
    for _ in range(steps):
        found.advance()
    return found


@pytest.fixture(scope="module")
def plain():
    return trained()


def used(found: Experiment) -> int:
    return found.readings[-1].used


def test_plain_vq_collapses(plain):
    assert used(plain) <= 8 and plain.readings[-1].perplexity <= 8
    assert plain.readings[-1].loss < plain.readings[0].loss / 2, "it learns all the same"
    moved = (plain.bottleneck.code_vectors().abs().amax(1) > 1 / 64).sum()
    assert moved < 16, "dead codes stay in the square that they start in"


@pytest.mark.parametrize(("cure", "least"), [("restart", 40), ("l2", 40), ("fsq", 30), ("kmeans", 16)])
def test_a_cure_keeps_codes_alive(plain, cure, least):
    found = trained(cure)
    assert used(found) >= least
    assert found.readings[-1].loss < plain.readings[-1].loss / 2


def test_running_means_follow_the_encoder_faster(plain):
    followed = trained("ema", steps=50).readings[-1]
    assert followed.loss < 0.5 * plain.readings[followed.step // EVERY].loss


def test_low_dimensional_codes_have_the_dimension_that_is_looked_up_in():
    found = trained("low_dim", plan=Plan(dim=32), steps=2)
    assert found.bottleneck.code_vectors().shape == (64, 2)
    assert found.see().latents.shape == (1024, 32)


def test_the_entropy_term_uses_more_codes(plain):
    assert used(trained("entropy")) > used(plain)


def test_the_entropy_term_is_low_where_all_are_sure_and_all_codes_used():
    codes = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    even, one, unsure = torch.tensor([0.0, 1.0, 0.0, 1.0]), torch.zeros(4), torch.full((4,), 0.5)
    terms = [entropy_term(torch.stack([x, torch.zeros(4)], 1), codes).item() for x in (even, one, unsure)]
    assert terms == pytest.approx([-torch.log(torch.tensor(2.0)).item(), 0.0, 0.0], abs=1e-5)


def test_the_same_seed_gives_the_same_curve_bit_by_bit():
    def told() -> list:
        """A run whose switches are thrown at certain steps, and which is looked at now and then."""
        found = trained(steps=20)
        for cure in (*CURES, "ema"):
            found.adjust(Settings(cures=(cure,), learning_rate=2e-3))
            on(found, 7).see()
        return found.readings

    assert told() == told()
    assert trained(steps=20).readings != trained(steps=20, plan=Plan(seed=1)).readings


def test_looking_changes_nothing():
    watched = experiment("ema")
    for _ in range(12):
        watched.advance()
        watched.see()
        watched.decoded_codes()
    assert watched.readings == trained("ema", steps=12).readings


def test_both_sides_start_from_the_same_network_and_see_the_same_batches():
    left, right = experiment(), experiment("fsq")
    for one, other in zip(left.encoder.parameters(), right.encoder.parameters(), strict=True):
        assert torch.equal(one, other)
    draws = [torch.stack([one.task.batch(one._draw) for _ in range(3)]) for one in (left, right)]
    assert torch.equal(*draws)


def test_a_cure_that_is_switched_on_in_the_midst_of_it_brings_codes_back():
    found = trained()
    before = used(found)
    found.adjust(replace(found.settings, cures=("restart",)))
    assert used(on(found, 100)) >= 4 * before


def test_code_vectors_stay_when_only_the_way_they_are_learned_changes(plain):
    found = trained(steps=10)
    vectors = found.bottleneck.code_vectors().detach().clone()
    for cures in (("ema",), (), ("fsq",), ()):
        found.adjust(Settings(cures=cures))
        if "fsq" not in cures:
            assert torch.allclose(found.bottleneck.code_vectors(), vectors)
    found.adjust(Settings(cures=("l2",)))
    assert torch.allclose(found.bottleneck.code_vectors(), torch.nn.functional.normalize(vectors))


def test_k_means_places_all_codes_at_the_moment_it_is_switched_on():
    found = trained(steps=100)
    found.adjust(Settings(cures=("kmeans",)))
    assert len(found.see().indices.unique()) > 50
    on(found, 1)
    vectors = found.bottleneck.code_vectors().detach().clone()
    found.adjust(Settings(cures=("kmeans",), beta=1.0))  # another setting does not place them again
    found.adjust(Settings())
    assert torch.equal(found.bottleneck.code_vectors(), vectors)


def test_what_the_sliders_say_acts_from_the_next_step():
    found = experiment("ema")
    encoder = [parameter.detach().clone() for parameter in found.encoder.parameters()]
    found.adjust(Settings(cures=("ema",), learning_rate=1e-5, decay=0.5))
    assert found.bottleneck.quantizer.decay == 0.5
    on(found, 1)
    moved = max((a - b).abs().max().item() for a, b in zip(found.encoder.parameters(), encoder, strict=True))
    assert 0 < moved <= 1.01e-5
    heavy, light = trained(steps=EVERY, beta=4.0), trained(steps=EVERY, beta=0.0)
    assert heavy.readings[-1] != light.readings[-1]
