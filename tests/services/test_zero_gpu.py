"""ZeroGPU: large published models borrow the GPU for whole pictures, everything else stays where it is."""

import dataclasses
import pickle
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import explorer
from explorer.adapters.catalogue import entries
from explorer.services import zero_gpu
from explorer.services.editing import redecode
from explorer.services.model_store import resolve_device
from explorer.services.tokenization import decode, tokenize

BUNDLED = "fsq.caltech_f8_1000"
PUBLISHED = next(iter(entries()))
PICTURE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


class Posing:
    """The bundled tokenizer under another id and with as many parameters."""

    def __init__(self, id: str, parameters: int):
        self._real = explorer.load(BUNDLED, "cpu")
        self.spec = dataclasses.replace(self._real.spec, id=id, parameters=parameters)
        self.encode, self.decode, self.vectors = self._real.encode, self._real.decode, self._real.vectors


@pytest.fixture
def borrowed(monkeypatch):
    """The calls that went to the GPU, on a Space whose `spaces` sends arguments and results through pickle."""
    calls = []

    def borrow(duration):
        def decorated(function):
            def call(*arguments):
                calls.append(arguments[:2])
                return pickle.loads(pickle.dumps(function(*pickle.loads(pickle.dumps(arguments)))))

            return call

        return decorated

    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU=borrow))
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setattr(zero_gpu, "_borrowed", [])
    monkeypatch.setattr(zero_gpu, "_opened", lambda id: Posing(id, zero_gpu.LARGE))
    zero_gpu.prepare()
    return calls


def test_a_large_published_model_codes_pictures_on_the_gpu_and_edits_them_here(borrowed):
    large = Posing(PUBLISHED, zero_gpu.LARGE)
    found = tokenize(large, PICTURE)
    assert borrowed == [(PUBLISHED, "encode"), (PUBLISHED, "decode")]
    here = tokenize(Posing(BUNDLED, zero_gpu.LARGE), PICTURE)
    assert found.codes == here.codes and np.array_equal(found.reconstruction, here.reconstruction)
    assert np.array_equal(decode(large, found.file).reconstruction, found.reconstruction)
    assert len(borrowed) == 3
    changed = found.codes.edit("codes", [(0, 0)], (int(found.codes["codes"][0, 0, 0]) + 1) % 1000)
    redecode(large, found.codes, changed)
    assert len(borrowed) == 3


def test_bundled_and_small_models_stay_on_the_cpu(borrowed):
    tokenize(Posing(BUNDLED, 10 * zero_gpu.LARGE), PICTURE)
    tokenize(Posing(PUBLISHED, zero_gpu.LARGE - 1), PICTURE)
    assert borrowed == []
    assert resolve_device("auto") == "cpu"


def test_elsewhere_nothing_is_imported():
    program = "from explorer.services import zero_gpu; import sys; zero_gpu.prepare(); print(sorted(sys.modules))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert "'spaces'" not in done.stdout and "'torch'" not in done.stdout
