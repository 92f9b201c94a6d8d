"""Maps of planted structure: what is near stays near, what is far stays far, and a seed decides everything."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from explorer.analysis.projection import pca, umap

RNG = np.random.default_rng(0)
GROUPS = np.repeat(np.arange(3), 40)
CLUSTERS = np.eye(3, 8)[GROUPS] * 10 + RNG.normal(size=(120, 8))


def test_pca_is_scikit_learns_but_for_shift_scale_and_signs():
    vectors, others = RNG.normal(size=(200, 6)) * [5, 3, 1, 1, 1, 1] + 7, RNG.normal(size=(50, 6)) + 7
    found, reference = pca(vectors, 3, others), PCA(3).fit(vectors)
    ours = np.concatenate([found.points, found.others])
    theirs = np.concatenate([reference.transform(vectors), reference.transform(others)])
    for axis in range(3):
        assert abs(np.corrcoef(ours[:, axis], theirs[:, axis])[0, 1]) > 0.99999
    # one scale for all axes, and everything in view
    spread = np.ptp(ours, axis=0) / np.ptp(theirs, axis=0)
    assert np.allclose(spread, spread[0], rtol=1e-4)
    assert np.abs(ours).max() == pytest.approx(1)


def test_fewer_components_than_asked_for_are_zero():
    found = pca(RNG.normal(size=(5, 2)), 3)
    assert found.points.shape == (5, 3)
    assert not found.points[:, 2].any()


def test_equal_vectors_are_one_point():
    assert not pca(np.ones((6, 4)), 2).points.any()


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def clustered(told):
    """A map of three clusters, and of their three centres afterwards."""
    return umap(CLUSTERS, 2, np.eye(3, 8) * 10, progress=told.append)


def test_umap_keeps_clusters_apart_and_places_others_among_their_own(clustered):
    centres = np.stack([clustered.points[group == GROUPS].mean(0) for group in range(3)])
    to_centre = np.linalg.norm(clustered.points[:, None] - centres, axis=-1)
    assert (to_centre.argmin(1) == GROUPS).all()
    assert (np.linalg.norm(clustered.others[:, None] - centres, axis=-1).argmin(1) == range(3)).all()


def test_progress_rises_to_the_end(clustered, told):
    first_layout = told[: told.index(1.0) + 1]
    assert len(first_layout) > 3
    assert first_layout == sorted(first_layout)


def test_a_seed_decides_the_map(clustered):
    again = umap(CLUSTERS, 2, np.eye(3, 8) * 10)
    assert (again.points == clustered.points).all()
    assert (again.others == clustered.others).all()


def test_a_handful_of_vectors_can_be_mapped_and_less_is_refused():
    assert umap(RNG.normal(size=(5, 4)), 3).points.shape == (5, 3)
    with pytest.raises(ValueError, match="at least 4"):
        umap(RNG.normal(size=(3, 4)), 2)
    with pytest.raises(ValueError, match="finite"):
        umap(np.full((9, 2), np.nan), 2)
