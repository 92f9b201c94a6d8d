"""Points of every distribution, and how more than two dimensions are drawn."""

import numpy as np
import pytest

from explorer.lab.distributions import NAMED, points
from explorer.lab.experiment import Experiment
from explorer.lab.plan import DISTRIBUTIONS, Plan, Settings
from explorer.lab.points import PlaneCamera, PointsTask


@pytest.mark.parametrize("name", NAMED)
def test_points_fill_the_plane_and_depend_on_the_seed(name):
    found = points(name, 3)
    assert found.shape == (1024, 2) and found.dtype == np.float32
    assert np.array_equal(found, points(name, 3)) and not np.array_equal(found, points(name, 4))
    assert np.abs(found).max() < 2.3, "beyond the square that the page draws"
    assert np.ptp(found, 0).min() > 1.2 and np.abs(found.mean(0)).max() < 0.4


def test_every_distribution_can_be_made():
    assert {*NAMED, "drawn"} == set(DISTRIBUTIONS)


def test_drawn_points_lie_where_they_were_drawn():
    found = points("drawn", 0, (1.0, 1.0, -1.0, 0.5))
    nearest = np.linalg.norm(found[:, None] - [[1, 1], [-1, 0.5]], axis=-1)
    assert nearest.min(1).max() < 0.2 and 400 < (nearest[:, 0] < nearest[:, 1]).sum() < 624


def seen(dim: int, *cures: str):
    plan = Plan(dim=dim)
    return Experiment(PointsTask(plan), plan, Settings(cures=cures))


def test_two_dimensions_are_drawn_as_they_are():
    experiment = seen(2)
    view = PlaneCamera().look(experiment)
    assert view.explained == 1
    assert np.array_equal(view.latents, experiment.see().latents.numpy())
    distances = np.linalg.norm(view.latents[:, None] - view.codes, axis=-1)
    assert np.allclose(distances.min(1), distances[np.arange(1024), view.indices], atol=1e-4)
    assert view.decoded.shape == (64, 2)


def test_more_dimensions_are_projected_onto_the_two_that_vary_most():
    experiment = seen(32)
    camera = PlaneCamera()
    view = camera.look(experiment)
    centred = experiment.see().latents.numpy()
    centred = centred - centred.mean(0)
    variances = np.linalg.eigvalsh(np.cov(centred.T))
    assert view.explained == pytest.approx(variances[-2:].sum() / variances.sum(), rel=1e-3)
    assert view.latents.var(0).sum() == pytest.approx(variances[-2:].sum(), rel=1e-2)
    experiment.advance()
    turned = camera.look(experiment)
    assert np.abs(turned.latents - view.latents).mean() < 0.1, "the picture jumps from step to step"
    experiment.adjust(Settings(cures=("low_dim",)))
    assert camera.look(experiment).explained == 1
