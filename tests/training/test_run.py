"""Whole runs of a tiny recipe: what they write, that a kill costs nothing, that two processes count as one."""

import dataclasses
import itertools
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
from explorer.training.adversarial import Adversary
from explorer.training.card import model_card
from explorer.training.config import RECIPES, AdversarialConfig, read_recipe
from explorer.training.loop import Run, RunOptions, learning_rate
from explorer.training.state import LOG, STATE, CurveLog, load_state, save_state
from tests.training.conftest import NETWORK

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
    path = recipe(steps=150)
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
    assert 0 < reached < 150, "the run was over before it could be killed"
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


BETA = {"codebook": 1.0, "commitment": 0.25}
TWO_GRIDS = {"kind": "two_grids", "width_f4": 8, "width_f8": 8, "encoder_f4": 0, "encoder_f8": 0, "decoder_f4": 1}
EVERY = {
    "vq": ({"kind": "vector", "size": 16, "dim": 4}, {"loss_weights": BETA}),
    "gumbel": (
        {"kind": "gumbel", "size": 16, "dim": 4},
        {"kl": [0.01, 0.001], "temperature": [1.0, 0.1], "anneal": 0.5},
    ),
    "fsq": ({"kind": "finite_scalar", "levels": [5, 3]}, {}),
    "vq_l2": ({"kind": "normalized_vector", "size": 16, "dim": 4}, {"loss_weights": BETA}),
    "lfq": (
        {"kind": "lookup_free", "bits": 5},
        {"loss_weights": {"commitment": 0.25, "cell_entropy": 0.01, "codebook_entropy": 0.01}},
    ),
    "rvq": (
        {"kind": "residual", "size": 8, "dim": 4, "stages": 3},
        {"loss_weights": {"commitment": 0.25}, "data_start": True, "revival": {"every": 20}},
    ),
    "vqvae2": (
        {"kind": "vector_ema", "size": 8, "dim": 4},
        {"loss_weights": {"commitment": 0.25}, "data_start": True, "revival": {"every": 20}},
    ),
    "ae": ({"kind": "point", "dim": 4}, {}),
    "vae": ({"kind": "gaussian", "dim": 4}, {"loss_weights": {"kl": 0.001}}),
    "vqgan": (
        {"kind": "vector_ema", "size": 16, "dim": 4},
        {"loss_weights": {"commitment": 0.25}, "adversarial": {"start": 0.5, "width": 8, "layers": 2}},
    ),
}


@pytest.mark.parametrize("family", EVERY)
def test_every_kind_of_model_trains(recipe, pictures, tmp_path, family):
    quantizer, more = EVERY[family]
    plain = {"loss_weights": {}, "data_start": False, "revival": None}
    model = {"quantizer": quantizer, "network": TWO_GRIDS if family == "vqvae2" else NETWORK}
    path = recipe(**{**plain, **more}, family=family, model=model, steps=200)
    assert main([*_command(path, pictures, tmp_path / "out")[2:], "--bf16"]) == 0
    first, last = _curves(tmp_path / "out")
    assert last["held_out_psnr"] > 10 and last["psnr"] > first["psnr"] - 0.5
    loaded = load_tokenizer(tmp_path / "out")
    for level in loaded.spec.levels:
        suffix = f" {level.name}" if len(loaded.spec.levels) > 1 else ""
        assert last[f"tokens{suffix}"] == 100 * 4 * (32 // level.stride) ** 2
        assert 1 <= last[f"used{suffix}"] <= loaded.spec.codebook(level.name).size
    assert ("loss_discriminator" in last) == (family == "vqgan") and "loss_discriminator" not in first


def test_residual_stages_start_on_what_the_stages_before_leave(recipe, pictures, tmp_path):
    """On other cells than the stage before, whose code vectors leave nothing where they were placed."""
    quantizer, more = EVERY["rvq"]
    path = recipe(**more, model={"quantizer": quantizer, "network": NETWORK}, steps=200)
    run = Run(read_recipe(str(path)), RunOptions(data=pictures, out=tmp_path, device=torch.device("cpu")))
    run._one_step()
    spread = [float(stage.codebook.std()) for stage in run.model.quantizers.values()]
    assert all(after > 0.2 * before for before, after in itertools.pairwise(spread))


def test_the_adversarial_term_is_balanced_against_all_that_measures_distance():
    """Of a reconstruction that is right to the pixel only the features push, and the adversarial term against them."""
    torch.manual_seed(0)
    adversary = Adversary(AdversarialConfig(width=8, layers=2), torch.device("cpu"), False, lambda module: module)
    images, last = torch.rand(2, 3, 16, 16), torch.nn.Parameter(torch.zeros(3))
    reconstruction = images + last[:, None, None] + 0.02 * torch.rand(2, 3, 16, 16)
    losses = adversary.losses(images, reconstruction, 0.0 * reconstruction.sum(), last)
    pushes = {name: torch.autograd.grad(loss, last, retain_graph=True)[0].norm() for name, loss in losses.items()}
    assert float(pushes["adversarial"]) == pytest.approx(0.8 * float(pushes["features"]), rel=0.05)


def test_a_discriminator_learns_alone_before_the_autoencoder_hears_of_it(recipe, pictures, tmp_path):
    quantizer, more = EVERY["vqgan"]
    model = {"quantizer": quantizer, "network": NETWORK}

    def losses(head_start: int) -> list[set[str]]:
        adversarial = {"start": 0.4, "head_start": head_start, "width": 8, "layers": 2}
        path = recipe(**{**more, "adversarial": adversarial, "revival": None}, model=model, steps=10)
        out = tmp_path / str(head_start)
        run, found = Run(read_recipe(str(path)), RunOptions(pictures, out, torch.device("cpu"))), []
        for run.step in range(10):
            found.append({name for name in run._one_step()[0] if name.startswith("loss_")})
        return found

    known = losses(0)[0]
    assert losses(0) == [known] * 4 + [known | {"loss_features", "loss_adversarial", "loss_discriminator"}] * 6
    assert losses(3)[4:7] == [known | {"loss_discriminator"}] * 3
    assert losses(3)[7:] == losses(0)[7:]


def test_an_adversary_goes_on_after_a_stop(recipe, pictures, tmp_path):
    """Its discriminator and optimizer are part of the state: a run in two halves ends like one in a piece."""
    quantizer, more = EVERY["vqgan"]
    changes = {**more, "adversarial": {"start": 0.2, "width": 8, "layers": 2}, "revival": None}
    path = recipe(**changes, model={"quantizer": quantizer, "network": NETWORK}, steps=200)
    read = read_recipe(str(path))
    options = {"data": pictures, "device": torch.device("cpu"), "save_every": 0.0}
    whole = Run(read, RunOptions(out=tmp_path / "whole", **options))
    whole.train()
    halves = Run(read, RunOptions(out=tmp_path / "halves", **options))
    halves._save, save = lambda: (save(), _stop()), halves._save
    with pytest.raises(KeyboardInterrupt):
        halves.train()
    again = Run(read, RunOptions(out=tmp_path / "halves", **options))
    assert again.step == 100
    again.train()
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, again.model.state_dict()[name]), name


def test_a_batch_that_processes_cannot_share_is_named_at_once(recipe, pictures, tmp_path, monkeypatch):
    stages = [{"steps": 5, "learning_rate": [0.1, 0.1]}, {"steps": 5, "learning_rate": [0.1, 0.1], "batch": 3}]
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="batch of 3 can't be shared evenly by 2"):
        Run(read_recipe(str(recipe(stages=stages))), RunOptions(pictures, tmp_path, torch.device("cpu")))


def _stop():
    raise KeyboardInterrupt


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
    assert main([*_command(recipe(steps=100), pictures, tmp_path / "out")[2:], "--bf16"]) == 2
    assert "another precision" in capsys.readouterr().err


def test_a_run_that_is_over_leaves_what_was_measured_of_its_model(recipe, pictures, tmp_path):
    command = _command(recipe(steps=100), pictures, tmp_path / "out")[2:]
    assert main(command) == 0
    config = tmp_path / "out" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "evaluation": {"measured": "once"}}))
    assert main(command) == 0 and read_config(config.parent).evaluation == {"measured": "once"}
    (config.parent / "model.safetensors").unlink()
    assert main(command) == 0 and load_tokenizer(config.parent).spec.levels


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


def test_a_recipe_fills_up_from_its_base(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(
        '{"base": "caltech_f8", "id": "a.b", "title": "", "family": "vq", "summary": "", "batch": 2, '
        '"model": {"network": {"width_f4": 8}, "quantizer": {"kind": "vector", "size": 4, "dim": 2}}}'
    )
    found, base = read_recipe(str(path)), read_recipe("fsq.caltech_f8_1000")
    assert (found.batch, found.model.network.width_f4) == (2, 8)
    assert (found.crop, found.stages, found.model.network.width_f8) == (base.crop, base.stages, 224)
    changed = read_recipe(str(path), {"model": {"quantizer": {"size": 9}}, "seed": 3})
    assert (changed.model.quantizer.size, changed.model.quantizer.dim, changed.seed) == (9, 2, 3)
    path.write_text('{"base": "nothing"}')
    with pytest.raises(ConfigError, match="no base 'nothing'"):
        read_recipe(str(path))


def test_the_zoo_differs_in_what_stands_between_encoder_and_decoder_alone():
    """Data, budget, optimizer and the loss on pixels are one; VQ-VAE-2 has a second grid, VQGAN an adversary.

    Those that go on from a finished model have its budget behind them, and a smaller one of their own, but for LFQ,
    which has the whole of it again, and residual VQ, which has it again and goes on; the three with the largest
    codebooks have a fifth of it each, all alike, and so has VQ on the sphere after the autoencoder's.
    """
    shared = (
        "batch",
        "crop",
        "warmup",
        "weight_decay",
        "muon",
        "clip",
        "l1",
        "seed",
        "short_side",
        "leave_out",
    )
    recipes = [read_recipe(path.stem) for path in sorted(RECIPES.glob("*.json"))]
    assert len(recipes) > 10
    for recipe in recipes:
        assert [getattr(recipe, name) for name in shared] == [getattr(recipes[0], name) for name in shared]
        assert recipe.model.network == recipes[0].model.network or recipe.family == "vqvae2"
    assert {recipe.id: recipe.start_from for recipe in recipes if recipe.start_from} == {
        "vqgan.caltech_f8_1024": "vq_ema.caltech_f8_1024",
        "vae.caltech_f8": "ae.caltech_f8",
        "vq_l2.caltech_f8_1024": "ae.caltech_f8",
        "lfq.caltech_f8_1024": "ae.caltech_f8",
        "rvq.caltech_f8_4x256": "ae.caltech_f8",
    }
    again = {"lfq.caltech_f8_1024": 32_000, "rvq.caltech_f8_4x256": 72_000}
    assert {recipe.id: recipe.steps for recipe in recipes if recipe.id in again} == again
    base = recipes[0].stages
    assert all(recipe.stages[: len(base)] == base for recipe in recipes if recipe.id in again)
    assert all(
        recipe.steps <= recipes[0].steps / 4 for recipe in recipes if recipe.start_from and recipe.id not in again
    )
    largest = {"vq.caltech_f8_16384", "vq_ema.caltech_f8_16384", "fsq.caltech_f8_15360"}
    whole = {recipe.stages for recipe in recipes if not recipe.start_from and recipe.id not in largest}
    fifth = {recipe.stages for recipe in recipes if recipe.id in {*largest, "vq_l2.caltech_f8_1024"}}
    assert len(whole) == len(fifth) == 1
    of_whole, of_fifth = (next(iter(stages)) for stages in (whole, fifth))
    assert of_fifth == tuple(dataclasses.replace(stage, steps=stage.steps // 5) for stage in of_whole)


def test_a_run_begins_with_what_fits_of_a_finished_model(recipe, pictures, tmp_path):
    assert main(_command(recipe(steps=200), pictures, tmp_path / "first")[2:]) == 0
    finished, start = load_file(tmp_path / "first" / "model.safetensors"), {"start_from": str(tmp_path / "first")}

    def began(**changes) -> Run:
        path = recipe(**start, data_start=False, revival=None, **changes)
        return Run(read_recipe(str(path)), RunOptions(pictures, tmp_path / "second", torch.device("cpu")))

    same = began()
    assert same.start["id"] == "tiny.test_f8_32" and same.start["anew"] == []
    assert all(torch.equal(same.model.state_dict()[name], found.float()) for name, found in finished.items())
    assert same._watch() == pytest.approx(_curves(tmp_path / "first")[-1]["held_out_psnr"], abs=0.1)

    model = {"quantizer": {"kind": "gaussian", "dim": 4}, "network": NETWORK}
    other = began(model=model, loss_weights={"kl": 0.001}, steps=200)
    widened = [name for name in other.start["anew"] if not name.startswith("encoder.")]
    assert other.start["anew"] and not widened
    other.train()
    training = read_config(tmp_path / "second").training
    assert training["start"] == other.start
    told = model_card(dataclasses.replace(read_config(tmp_path / "second"), evaluation={}))
    assert f"the weights of `tiny.test_f8_32` (sha256 `{same.start['sha256'][:12]}`), all but `encoder." in told

    (tmp_path / "second" / STATE).unlink()
    with pytest.raises(ConfigError, match="another network"):
        began(model={**model, "network": {**NETWORK, "width_f4": 16, "width_f8": 24}})


def test_a_model_to_begin_with_that_is_not_there_is_named(recipe, pictures, tmp_path):
    read = read_recipe(str(recipe(start_from="nowhere")))
    with pytest.raises(CheckpointError, match="nowhere"):
        Run(read, RunOptions(pictures, tmp_path, torch.device("cpu")))


def test_bfloat16_where_it_is_slow_is_warned_of(recipe, pictures, tmp_path, monkeypatch, caplog):
    for has, warned in (("AVX512", 0), ("AVX2", 1)):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda has=has: has)
        Run(read_recipe(str(recipe())), RunOptions(pictures, tmp_path, torch.device("cpu"), bf16=True))
        assert [record.levelname for record in caplog.records] == ["WARNING"] * warned


def test_a_discriminator_looks_from_another_place_each_time():
    """So that its strides never stand at the same pixels of a cell, and both pictures are seen from the same place."""
    torch.manual_seed(0)
    adversary = Adversary(AdversarialConfig(width=8, layers=2), torch.device("cpu"), False, lambda module: module)
    rows, columns = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    places = (rows * 16 + columns)[None, None]
    cuts = [adversary._cut(places, places + 0.5) for _ in range(200)]
    assert {cut.shape for pair in cuts for cut in pair} == {(1, 1, 12, 12)}
    assert all(torch.equal(a + 0.5, b) for a, b in cuts)
    assert len({float(a[0, 0, 0, 0]) for a, _ in cuts}) == 16
