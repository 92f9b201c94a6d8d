"""A checkpoint comes back as it was saved, and one that is damaged or does not fit says what is wrong."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from explorer.core.errors import CheckpointError
from explorer.models.checkpoint import load_model, save_weights, sha256
from explorer.models.config import read_config, write_config
from explorer.models.tokenizer import load_tokenizer
from tests.conftest import KINDS, network_of, random_model, write_checkpoint


@pytest.fixture
def folder(tmp_path):
    write_checkpoint(tmp_path, KINDS["vector_ema"])
    return tmp_path


def reseal(folder, **changes):
    """Write the weights' present sha256, and other changes, into the config."""
    changes = {"sha256": sha256(folder / "model.safetensors")} | changes
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config))


def pictures():
    return np.random.default_rng(0).random((1, 64, 96, 3), dtype=np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_save_load_gives_the_same_codes(kind, tmp_path):
    config = write_checkpoint(tmp_path / "first", KINDS[kind], network_of(kind))
    first = load_tokenizer(tmp_path / "first")
    (tmp_path / "again").mkdir()
    digest = save_weights(tmp_path / "again", load_model(tmp_path / "first", config))
    write_config(tmp_path / "again", config)
    again = load_tokenizer(tmp_path / "again")
    assert digest == config.sha256 and again.spec == first.spec
    codes = first.encode(pictures()).codes
    assert again.encode(pictures()).codes == codes
    assert np.array_equal(again.decode(codes), first.decode(codes))


def test_weights_are_rounded_once_and_the_codebook_never(folder):
    model, loaded = random_model(KINDS["vector_ema"]), load_model(folder, read_config(folder))
    assert torch.equal(loaded.quantizer.codebook, model.quantizer.codebook)
    for name, tensor in loaded.state_dict().items():
        assert tensor.dtype == torch.float32
        if not name.startswith("quantizer."):
            assert torch.equal(tensor, model.state_dict()[name].half().float()), name


def test_loaded_network_is_ready_for_inference_and_draws_nothing(folder):
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    model = load_model(folder, read_config(folder))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not model.training and not any(parameter.requires_grad for parameter in model.parameters())


def test_config_round_trips(folder):
    config = read_config(folder)
    write_config(folder, config)
    assert read_config(folder) == config


def drop(state):
    del state["encoder.1.bias"]


def add(state):
    state["encoder.1.extra"] = torch.zeros(3)


def misshape(state):
    state["quantizer.codebook"] = torch.zeros(24, 5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop, r"encoder\.1\.bias is missing"),
        (add, r"encoder\.1\.extra is not part of this model"),
        (misshape, r"quantizer\.codebook has shape \(24, 5\), expected \(24, 4\)"),
    ],
)
def test_weights_that_do_not_fit_are_named(folder, change, words):
    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, folder / "model.safetensors")
    reseal(folder)
    with pytest.raises(CheckpointError, match=words):
        load_tokenizer(folder)


def test_many_problems_are_counted(folder):
    save_file({"a": torch.zeros(1)}, folder / "model.safetensors")
    reseal(folder)
    with pytest.raises(CheckpointError, match=r"is missing.*and \d+ more"):
        load_tokenizer(folder)


def test_wrong_sha256(folder):
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(CheckpointError, match="sha256"):
        load_tokenizer(folder)


@pytest.mark.parametrize("keep", [0, 5, 1000])
def test_damaged_file(folder, keep):
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:keep])
    reseal(folder)
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        load_tokenizer(folder)


def test_missing_files(folder, tmp_path):
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"no model\.safetensors"):
        load_tokenizer(folder)
    with pytest.raises(CheckpointError, match=r"no readable config\.json"):
        load_tokenizer(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": 1}, "unknown key 'colour'"),
        ({"format_version": 2}, "format_version 2; this program reads 1"),
        ({"format_version": None}, "format_version None"),
        ({"parameters": "many"}, r"config\.parameters must be int"),
        ({"model": {"quantizer": {"kind": "magic"}}}, "vector, vector_ema, gumbel, finite_scalar"),
        ({"model": {"quantizer": {"kind": "vector", "size": 4, "dim": 2, "beta": 1}}}, "unknown key 'beta'"),
    ],
)
def test_wrong_config_is_named(folder, changes, words):
    reseal(folder, **changes)
    with pytest.raises(CheckpointError, match=words):
        load_tokenizer(folder)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe"])
def test_unreadable_config(folder, data):
    (folder / "config.json").write_bytes(data)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        read_config(folder)


def test_missing_config_key(folder):
    config = json.loads((folder / "config.json").read_text())
    del config["licence"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="lacks the key 'licence'"):
        read_config(folder)


def test_weights_of_another_config_do_not_load(folder):
    config = read_config(folder)
    other = dataclasses.replace(config, model=dataclasses.replace(config.model, quantizer=KINDS["vector"]))
    with pytest.raises(CheckpointError, match="not part of this model"):
        load_model(folder, other)
