"""What is made beside the weights of every kind of model is read back as it was seen."""

import shutil

import numpy as np
import pytest

from explorer.analysis.swatches import swatches
from explorer.analysis.usage import Usage
from explorer.core.errors import CheckpointError
from explorer.core.images import fit, to_unit
from explorer.models import registry
from explorer.models.config import read_config
from explorer.models.tokenizer import load_tokenizer
from explorer.services.occurrences import FILE, occurrences
from explorer.services.reference import golden, reference, reference_usage
from explorer.training.reference import SIZE, held_out, main
from tests.conftest import KINDS


@pytest.fixture(params=[*KINDS, "point"])
def model(request, tiny_folders, tmp_path, monkeypatch):
    """A copy of a tiny checkpoint, known to the registry."""
    folder = tmp_path / request.param
    shutil.copytree(tiny_folders[request.param], folder, ignore=shutil.ignore_patterns("*.npz"))
    monkeypatch.setitem(registry._folders, read_config(folder).id, folder)
    caches = (registry.spec, golden, reference, occurrences)
    for cache in caches:
        cache.cache_clear()
    yield load_tokenizer(folder)
    for cache in caches:
        cache.cache_clear()


def test_what_is_made_is_read_back(model, pictures):
    spec = model.spec
    folder = registry.folder_of(spec.id)
    assert main([str(folder), "--data", str(pictures)]) == 0
    shipped = golden(spec.id)
    if not spec.levels:
        assert occurrences(spec.id) == {} and shipped.codes is None and not (folder / FILE).exists()
        return
    assert model.encode(to_unit(shipped.image)[None]).codes == shipped.codes
    assert np.abs(model.decode(shipped.codes)[0] - to_unit(shipped.reconstruction)).max() < 0.6 / 255

    split = held_out(read_config(folder), pictures)
    squares = np.stack([fit(picture, SIZE, "square", spec.multiple) for picture in split.pictures])
    codes, found = model.encode(to_unit(squares)).codes, occurrences(spec.id)
    assert list(found) == [level.name for level in spec.levels]
    for name, level in found.items():
        assert np.array_equal(
            reference(spec.id).counts[name], np.bincount(codes[name].reshape(-1), minlength=level.counts.size)
        )
        assert np.array_equal(
            reference(spec.id).incidence[name], Usage.of_pictures(codes[name], level.counts.size).incidence
        )
        assert reference_usage(spec.id)[name].pictures == len(squares)
        shown_alone = swatches(model, name, np.arange(level.counts.size))
        assert np.array_equal(reference(spec.id).swatches[name], shown_alone)
        assert np.array_equal(level.positions.sum((1, 2)), level.counts)
        code = int(level.counts.argmax())
        shown = level.exemplars(code)
        assert 2 <= len(shown) <= len(squares) == 4
        for exemplar in shown:
            assert codes[name][exemplar.picture, exemplar.row, exemplar.column] == code
            assert exemplar.name == split.names[exemplar.picture]
        assert len(level.nearest) == (0 if spec.codebook(name).metric == "logit" else spec.codebook(name).size)


def test_a_missing_file_is_said_in_words(model):
    if model.spec.levels:
        counts = {f"counts/{level.name}": np.zeros(3) for level in model.spec.levels}
        np.savez(registry.folder_of(model.spec.id) / "reference.npz", **counts)
        with pytest.raises(CheckpointError, match=r"has no occurrences\.npz"):
            occurrences(model.spec.id)
