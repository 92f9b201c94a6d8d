"""Whole runs of a tiny recipe: what they write, that a kill costs nothing, that two processes count as one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from explorer.core.errors import CheckpointError, ConfigError, DataError
from explorer.models.config import read_config
from explorer.models.tokenizer import load_tokenizer
from explorer.training.__main__ import main
from explorer.training.config import RECIPES, read_recipe
from explorer.training.loop import learning_rate
from explorer.training.state import LOG, STATE, CurveLog, load_state, save_state

ROOT = Path(__file__).parents[2]
LIMIT = 120


def _command(recipe, data, out, *more):
    arguments = ["--config", recipe, "--data", data, "--out", out, "--threads", "1", "--device", "cpu", *more]
    return ["-m", "explorer.training", *map(str, arguments)]


def _run(command):
    result = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT)
    assert result.returncode == 0, result.stderr[-2000:]


def _curves(folder):
    lines = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def test_a_run_writes_a_checkpoint_that_loads(recipe, pictures, tmp_path):
    assert main(_command(recipe(), pictures, tmp_path / "out")[2:]) == 0
    config = read_config(tmp_path / "out")
    assert config.training["data"] == {
        "pictures": 36,
        "held_out": 4,
        "unreadable": 0,
        "rule": config.training["data"]["rule"],
    }
    assert load_tokenizer(tmp_path / "out").spec.codebooks[0].size == 32
    curves = _curves(tmp_path / "out")
    assert [line["step"] for line in curves] == [100, 200, 300, 400]
    assert curves[-1]["psnr"] > curves[0]["psnr"] + 1
    assert curves[-1]["tokens"] == 100 * 4 * 16
    assert "held_out_psnr" in curves[-1]


def test_a_killed_run_ends_with_the_weights_of_an_uninterrupted_one(recipe, pictures, tmp_path):
    path = recipe()
    _run(_command(path, pictures, tmp_path / "whole"))
    killed = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, *_command(path, pictures, killed, "--save-every", "0")],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + LIMIT
    while not (killed / STATE).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    reached = load_state(killed)["step"]
    assert 0 < reached < 400, "the run was over before it could be killed"
    _run(_command(path, pictures, killed))
    whole, resumed = load_file(tmp_path / "whole" / "model.safetensors"), load_file(killed / "model.safetensors")
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())
    assert _curves(killed) == _curves(tmp_path / "whole")


def test_two_processes_train_what_one_would(recipe, pictures, tmp_path):
    path = recipe(steps=50)  # Muon rounds to bfloat16, so last bits grow apart
    _run(_command(path, pictures, tmp_path / "one"))
    _run(
        [
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node",
            "2",
            *_command(path, pictures, tmp_path / "two"),
        ]
    )
    one, two = load_state(tmp_path / "one"), load_state(tmp_path / "two")
    for name, tensor in one["model"].items():
        assert torch.allclose(tensor, two["model"][name], atol=2e-3, rtol=1e-3), name
    sizes = [state["model"]["quantizer.cluster_size"].sum() for state in (one, two)]
    assert torch.allclose(sizes[0], sizes[1], rtol=1e-4)
    curve_one, curve_two = _curves(tmp_path / "one")[0], _curves(tmp_path / "two")[0]
    assert curve_one["tokens"] == curve_two["tokens"]
    assert curve_one["psnr"] == pytest.approx(curve_two["psnr"], abs=0.05)


@pytest.mark.parametrize(
    ("family", "quantizer", "weights"),
    [
        ("vq", {"kind": "vector", "size": 16, "dim": 4}, {"codebook": 1.0, "commitment": 0.25}),
        ("gumbel", {"kind": "gumbel", "size": 16, "dim": 4}, {"kl": 0.01}),
        ("fsq", {"kind": "finite_scalar", "levels": [5, 3]}, {}),
    ],
)
def test_every_quantizer_trains(recipe, pictures, tmp_path, family, quantizer, weights):
    path = recipe(
        family=family,
        model={"quantizer": quantizer, "network": {"width_f4": 8, "width_f8": 16, "encoder_f8": 1, "decoder_f8": 1}},
        steps=100,
        loss_weights=weights,
        data_start=False,
        revival=None,
        temperature=[1.0, 0.1] if family == "gumbel" else [],
        kl_warmup=0.5 if family == "gumbel" else 0.0,
    )
    assert main([*_command(path, pictures, tmp_path / "out")[2:], "--bf16"]) == 0
    assert _curves(tmp_path / "out")[-1]["psnr"] > 5


def test_what_went_wrong_is_said_in_a_sentence(recipe, pictures, tmp_path, capsys):
    (tmp_path / "nothing").mkdir()
    assert main(_command(recipe(), tmp_path / "nothing", tmp_path / "out")[2:]) == 2
    assert "No pictures in" in capsys.readouterr().err
    assert main(_command("no.such.recipe", pictures, tmp_path / "out")[2:]) == 2
    assert "fsq.caltech_f8_1000" in capsys.readouterr().err
    assert main(_command(recipe(loss_weights={}), pictures, tmp_path / "out")[2:]) == 2
    assert "'commitment'" in capsys.readouterr().err


def test_a_state_of_another_recipe_is_not_continued(recipe, pictures, tmp_path, capsys):
    assert main(_command(recipe(steps=100), pictures, tmp_path / "out")[2:]) == 0
    assert main(_command(recipe(steps=100, seed=1), pictures, tmp_path / "out")[2:]) == 2
    assert "another recipe" in capsys.readouterr().err


def test_a_full_disk_is_named_and_leaves_the_last_state(tmp_path):
    save_state(tmp_path, {"step": 1, "weights": torch.zeros(1000)})
    os.symlink("/dev/full", tmp_path / (STATE + ".part"))
    with pytest.raises(DataError, match="disk full"):
        save_state(tmp_path, {"step": 2, "weights": torch.zeros(1_000_000)})
    assert load_state(tmp_path)["step"] == 1


def test_a_damaged_state_is_named(tmp_path):
    (tmp_path / STATE).write_bytes(b"PK damaged")
    with pytest.raises(CheckpointError, match="delete it to start again"):
        load_state(tmp_path)


def test_resuming_drops_log_lines_after_the_state(tmp_path):
    (tmp_path / LOG).write_text('{"step": 100}\n{"step": 200}\n{"step": 30')
    CurveLog(tmp_path, 100).write({"step": 200, "psnr": 20.123456789})
    assert (tmp_path / LOG).read_text() == '{"step": 100}\n{"step": 200, "psnr": 20.123}\n'


def test_an_unknown_key_of_a_recipe_is_named(recipe):
    with pytest.raises(ConfigError, match="'learning_rat'"):
        read_recipe(str(recipe(learning_rat=0.1)))


def test_shipped_recipes_are_valid_and_named_after_their_model():
    for path in RECIPES.glob("*.json"):
        assert read_recipe(path.stem).id == path.stem


def test_stages_follow_each_other(recipe):
    stages = [
        {"steps": 500, "learning_rate": [0.01, 0.01], "zooms": [1.0]},
        {"steps": 500, "learning_rate": [0.01, 0.0], "zooms": [2.0]},
    ]
    found = read_recipe(str(recipe(stages=stages, warmup=100)))
    assert found.steps == 1000
    assert learning_rate(found, 0) == pytest.approx(0.0001)
    assert learning_rate(found, 100) == learning_rate(found, 500) == pytest.approx(0.01)
    assert learning_rate(found, 750) == pytest.approx(0.005)
    assert 0 < learning_rate(found, 999) < 0.0001
    assert found.stage(499)[0].zooms == (1.0,) and found.stage(500)[0].zooms == (2.0,)
