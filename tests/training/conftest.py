"""A folder of small drawn pictures and a tiny recipe that trains on it in seconds."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

NETWORK = {
    "kind": "one_grid",
    "width_f4": 8,
    "width_f8": 16,
    "encoder_f4": 0,
    "encoder_f8": 1,
    "decoder_f8": 1,
    "decoder_f4": 1,
}


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Forty gradients with a disc each, in two folders of twenty."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:64, 0:80]
    for i in range(40):
        colours = rng.random((3, 3))
        picture = colours[0] + (rows / 64)[..., None] * colours[1] - (columns / 80)[..., None] * colours[2]
        disc = (rows - rng.integers(10, 54)) ** 2 + (columns - rng.integers(10, 70)) ** 2 < 150
        picture[disc] = rng.random(3)
        place = folder / f"class{i % 2}"
        place.mkdir(exist_ok=True)
        Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8)).save(place / f"image_{i:04d}.png")
    return folder


@pytest.fixture
def recipe(tmp_path):
    """Writes a tiny vq_ema recipe with the given changes and returns its path."""

    def write(steps=400, **changes):
        value = {
            "id": "tiny.test_f8_32",
            "title": "Tiny",
            "family": "vq_ema",
            "summary": "For tests.",
            "model": {"quantizer": {"kind": "vector_ema", "size": 32, "dim": 4}, "network": NETWORK},
            "stages": [
                {"steps": steps // 2, "learning_rate": [0.001, 0.001], "zooms": [1.0, 1.5]},
                {"steps": steps - steps // 2, "learning_rate": [0.001, 0.0]},
            ],
            "batch": 4,
            "crop": 32,
            "muon": 20.0,
            "loss_weights": {"commitment": 0.25},
            "data_start": True,
            "revival": {"every": 20, "below": 0.1, "until": 0.8},
            **changes,
        }
        path = tmp_path / "recipe.json"
        path.write_text(json.dumps(value))
        return path

    return write


@pytest.fixture(autouse=True)
def same_threads_afterwards():
    """Runs of the trainer in this process set torch's threads, on which the last bits of a convolution depend."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
