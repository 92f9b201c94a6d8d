"""The autoencoder of the Pictures lab: what it is shown and what it gives back."""

import numpy as np
import pytest
import torch

from explorer.lab.experiment import Experiment
from explorer.lab.pictures import PicturesTask, look, originals, pictures
from explorer.lab.plan import Plan, Settings

PLAN = Plan(lab="pictures", data="examples", size=256, dim=32)


def test_crops_are_windows_of_the_pictures_some_of_them_mirrored():
    batch = PicturesTask(PLAN).batch(torch.Generator().manual_seed(0))
    assert batch.shape == (8, 3, 32, 32)
    windows = pictures().unfold(2, 32, 1).unfold(3, 32, 1)
    for number, crop in enumerate(batch[:2]):
        crop = crop.flip(2) if number % 2 else crop
        assert (windows == crop[None, :, None, None]).all(1).flatten(3).all(-1).any()


def test_it_learns_and_collapses_and_fsq_does_not():
    found = {}
    for cures in ((), ("fsq",)):
        experiment = Experiment(PicturesTask(PLAN), PLAN, Settings(cures=cures, learning_rate=2e-3))
        for _ in range(30):
            experiment.advance()
        found[cures] = experiment.readings[-1]
        assert found[cures].loss < 0.75 < 1.5 < experiment.readings[0].loss
    assert found[()].used < 16 < 40 < found["fsq",].used


def test_what_is_shown_of_a_moment():
    experiment = Experiment(PicturesTask(PLAN), PLAN, Settings())
    view = look(experiment)
    assert view.reconstructions.shape == originals().shape == (8, 64, 64, 3)
    assert view.reconstructions.dtype == view.swatches.dtype == np.uint8
    assert view.swatches.shape == (256, 4, 4, 3)
    assert view.counts.sum() == 8 * 16 * 16 and (view.counts > 0).sum() == experiment.readings[-1].used
    error = ((view.reconstructions - originals().astype(float)) / 127.5) ** 2
    assert error.mean() / experiment.task.variance == pytest.approx(experiment.readings[-1].loss, rel=0.15)
