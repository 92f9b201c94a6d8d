"""Whole runs of tiny priors: they learn, a kill costs nothing, two processes count as one."""

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.core.errors import ConfigError
from explorer.core.strict import from_json, to_json
from explorer.models.checkpoint import WEIGHTS
from explorer.priors.build import build_network
from explorer.priors.config import read_prior_config
from explorer.priors.prior import load_prior
from explorer.training import prior_loop
from explorer.training.evaluate_prior import main as measure
from explorer.training.prior import main
from explorer.training.prior_batches import PriorBatches, random_holes
from explorer.training.prior_config import RECIPES, Holes, PriorRecipe, PriorStage, View, read_prior_recipe
from explorer.training.prior_grids import Grids, load_grids, seen, split_pictures
from explorer.training.prior_loop import PriorRun
from explorer.training.state import LOG, load_state

ROOT = Path(__file__).parents[2]
LIMIT = 120
BACKBONE = {"widths": [8, 12, 16], "down": [1, 1, 1], "up": [1, 1], "heads": 2, "label_width": 4, "dropout": 0.1}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Encoded once for all runs of this file."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def prior_recipe(tmp_path):
    """Writes a tiny recipe with the given changes and returns its path."""

    def write(kind="masked", steps=40, **changes):
        backbone = {**BACKBONE, **changes.pop("backbone", {})}
        value = {
            "id": f"{kind}.tiny",
            "title": "Tiny",
            "summary": "For tests.",
            "tokenizer": "vq_ema.caltech_f8_1024",
            "network": {"kind": kind, "backbone": backbone},
            "stages": [{"steps": steps, "learning_rate": [0.01, 0.01]}],
            "views": [{"how": "square", "side": 64}, {"how": "whole", "side": 64}],
            "window": 8,
            "batch": 4,
            "average": 0.9,
            "warmup": 5,
            "muon": 5.0,
            **changes,
        }
        path = tmp_path / "recipe.json"
        path.write_text(json.dumps(value))
        return path

    return write


def _command(recipe, data, cache, out, *more):
    arguments = ["--config", recipe, "--data", data, "--cache", cache, "--out", out, "--threads", "1"]
    return ["-m", "explorer.training.prior", *map(str, [*arguments, "--device", "cpu", *more])]


def _curves(folder):
    lines = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


@pytest.mark.parametrize(
    ("kind", "tokenizer", "measured"),
    [
        ("masked", "vq_ema.caltech_f8_1024", ["half", "hole"]),
        ("causal", "fsq.caltech_f8_1000", ["raster"]),
    ],
)
def test_a_run_learns_and_writes_a_prior_that_loads(
    kind, tokenizer, measured, prior_recipe, pictures, cache, tmp_path, monkeypatch
):
    monkeypatch.setattr(prior_loop, "LOG_EVERY", 10)
    out, path = tmp_path / "out", prior_recipe(kind, 40, tokenizer=tokenizer)
    assert main(_command(path, pictures, cache, out, "--watch-every", "20")[2:]) == 0
    curves = _curves(out)
    assert [line["step"] for line in curves] == [10, 20, 30, 40]
    assert curves[-1]["bits"] < curves[0]["bits"] - 0.2
    assert [f"held_out_bits_{measured[0]}" in line for line in curves] == [False, True] * 2
    config = read_prior_config(out)
    evaluation = config.evaluation["held_out"]
    assert list(evaluation["bits_per_token"]) == measured and evaluation["marginal_entropy"] > 0
    assert config.classes == ("class0", "class1")
    assert config.training["data"]["pictures"] == 36 and config.training["data"]["held_out"] == 4
    assert "bits per token" in (out / "README.md").read_text()
    prior = load_prior(out)
    found = prior.log_probabilities(np.zeros((1, 8, 8), np.int64), np.ones((1, 8, 8), bool), [1])
    assert found.shape == (64, prior.spec.size) and np.allclose(np.exp(found).sum(1), 1, atol=1e-4)
    assert oct((out / WEIGHTS).stat().st_mode)[-3:] == "644"
    assert main(_command(path, pictures, cache, out)[2:]) == 0, "a finished run is refused"
    assert _curves(out) == curves


@pytest.mark.parametrize("how", ["told to stop", "killed"])
def test_a_stopped_run_ends_as_an_uninterrupted_one(how, prior_recipe, pictures, cache, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(prior_loop, "LOG_EVERY", 8)
    path, stopped = prior_recipe(steps=30), tmp_path / "stopped"
    assert main(_command(path, pictures, cache, tmp_path / "whole")[2:]) == 0
    one_step = PriorRun._one_step

    def disturbed(run):
        if run.step == 20 and how == "killed":
            raise MemoryError
        if run.step == 12 and how == "told to stop":
            os.kill(os.getpid(), signal.SIGTERM)
        one_step(run)

    with monkeypatch.context() as patched:
        patched.setattr(PriorRun, "_one_step", disturbed)
        if how == "killed":
            with pytest.raises(MemoryError):
                main(_command(path, pictures, cache, stopped, "--save-every", "0")[2:])
        else:
            assert main(_command(path, pictures, cache, stopped, "--save-every", "1000")[2:]) == 130
            assert "run the same command again" in capsys.readouterr().err
    assert load_state(stopped)["step"] == (20 if how == "killed" else 13)
    assert main(_command(path, pictures, cache, stopped)[2:]) == 0
    whole, resumed = load_state(tmp_path / "whole"), load_state(stopped)
    for part in ("network", "averaged"):
        assert all(torch.equal(tensor, resumed[part][name]) for name, tensor in whole[part].items())
    assert (stopped / WEIGHTS).read_bytes() == (tmp_path / "whole" / WEIGHTS).read_bytes()
    assert _curves(stopped) == _curves(tmp_path / "whole")


def test_two_processes_train_what_one_would(prior_recipe, pictures, cache, tmp_path):
    path = prior_recipe(steps=15, backbone={"dropout": 0.0})
    assert main(_command(path, pictures, cache, tmp_path / "one")[2:]) == 0
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    result = subprocess.run(
        [sys.executable, *command, *_command(path, pictures, cache, tmp_path / "two")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    one, two = load_state(tmp_path / "one"), load_state(tmp_path / "two")
    for name, tensor in one["network"].items():
        assert torch.allclose(tensor, two["network"][name], atol=2e-3, rtol=1e-2), name
    assert _curves(tmp_path / "one")[0]["bits"] == pytest.approx(_curves(tmp_path / "two")[0]["bits"], abs=1e-3)


def test_only_what_is_to_come_may_change(prior_recipe, pictures, cache, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(_command(prior_recipe(steps=10), pictures, cache, out)[2:]) == 0
    decay = [{"steps": 10, "learning_rate": [0.01, 0.01]}, {"steps": 5, "learning_rate": [0.01, 0.0]}]
    assert main(_command(prior_recipe(stages=decay), pictures, cache, out)[2:]) == 0
    assert load_state(out)["step"] == 15
    for change, word in (
        ({"stages": [{"steps": 20, "learning_rate": [0.02, 0.01]}]}, "past"),
        ({"stages": [{"steps": 5, "learning_rate": [0.01, 0.01]}]}, "past"),
        ({"stages": decay, "seed": 1}, "recipe"),
    ):
        assert main(_command(prior_recipe(**change), pictures, cache, out)[2:]) == 2
        assert word in capsys.readouterr().err


def test_a_run_without_progress_ends_and_keeps_its_best(prior_recipe, pictures, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(prior_loop, "LOG_EVERY", 5)
    out = tmp_path / "out"
    path = prior_recipe(steps=2000, patience=2, stages=[{"steps": 2000, "learning_rate": [0.3, 0.3]}])
    assert main(_command(path, pictures, cache, out, "--watch-every", "5")[2:]) == 0
    config = read_prior_config(out)
    kept, stopped = config.training["kept"]["step"], config.training["steps"]
    assert kept > 0 and stopped == kept + 10 < 2000


def test_a_run_may_begin_where_another_ended(prior_recipe, pictures, cache, tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    assert main(_command(prior_recipe(steps=5), pictures, cache, first)[2:]) == 0
    begun = prior_recipe(steps=1, tokenizer="fsq.caltech_f8_1000", start_from="first", warmup=10**9)
    assert main(_command(begun, pictures, cache, second)[2:]) == 0
    before, after = load_state(first)["best"]["weights"], load_state(second)["network"]
    for part, tensor in after.items():
        taken = part in before and before[part].shape == tensor.shape and not part.startswith(("table.", "head."))
        if taken:
            assert torch.allclose(tensor, before[part], atol=2e-3), part
    assert "the weights of `masked.tiny`" in (second / "README.md").read_text()
    other = prior_recipe("causal", 1, start_from="first")
    assert main(_command(other, pictures, cache, tmp_path / "third")[2:]) == 2
    assert "another network" in capsys.readouterr().err


def test_a_window_that_no_view_holds_is_refused(prior_recipe, pictures, cache, tmp_path, capsys):
    assert main(_command(prior_recipe(window=9), pictures, cache, tmp_path / "out")[2:]) == 2
    assert "window of 9 cells" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"speed": 1}, "unknown key 'speed'"),
        ({"batch": "4"}, "batch must be int"),
        ({"network": {"kind": "diffusion"}}, "'kind' is one of"),
        ({"stages": []}, "at least one stage"),
        ({"views": [{"how": "round", "side": 64}]}, "views[0].how must be one of"),
    ],
)
def test_recipes_are_strict(change, words, prior_recipe):
    with pytest.raises(ConfigError) as error:
        read_prior_recipe(str(prior_recipe(**change)))
    assert words in str(error.value)


@pytest.mark.parametrize("name", sorted(path.stem for path in RECIPES.glob("*.json")))
def test_shipped_recipes_make_files_of_at_most_12_megabytes(name):
    recipe = read_prior_recipe(name)
    assert recipe.id == name and from_json(PriorRecipe, to_json(recipe)) == recipe
    radices = (8, 5, 5, 5) if recipe.tokenizer.startswith("fsq") else ()
    network = build_network(recipe.network, math.prod(radices) if radices else 1024, radices, 99)
    assert 2 * sum(tensor.numel() for tensor in network.state_dict().values()) < 12e6


def test_held_out_pictures_are_never_trained_on(pictures):
    train, held_out = split_pictures(pictures)
    names = {file.name for file in train.files}, {file.name for file in held_out.files}
    assert not names[0] & names[1] and (len(names[0]), len(names[1])) == (36, 4)
    assert train.classes == held_out.classes == ("class0", "class1")
    assert train.labels.tolist() == [0] * 18 + [1] * 18


def test_views_fit_the_grid_and_are_encoded_once(pictures, tmp_path):
    train, _ = split_pictures(pictures)

    class Counting:
        calls = 0

        def __init__(self):
            from explorer.models import registry
            from explorer.models.tokenizer import load_tokenizer

            self.inner = load_tokenizer(registry.folder_of("vq_ema.caltech_f8_1024"))
            self.spec = self.inner.spec

        def encode(self, images):
            self.calls += 1
            return self.inner.encode(images)

    tokenizer = Counting()
    first = load_grids(train, View("whole", 64), True, tokenizer, tmp_path)
    again = load_grids(train, View("whole", 64), True, tokenizer, tmp_path)
    assert tokenizer.calls == 36
    assert all(np.array_equal(a, b) for a, b in zip(first.codes, again.codes, strict=True))
    assert {grid.shape for grid in first.codes} == {(8, 10)}
    assert seen(np.zeros((20, 400, 3), np.uint8), View("whole", 64), 8).shape == (64, 192, 3)


def test_batches_are_functions_of_their_step_and_shared_between_processes():
    grids = {("square", 64, flipped): Grids([np.full((8, 9), i) for i in range(5)], np.arange(5)) for flipped in (0, 1)}
    network = {"kind": "masked", "backbone": BACKBONE}
    recipe = from_json(
        PriorRecipe,
        {
            **dict.fromkeys(("id", "title", "summary", "tokenizer"), "x"),
            "network": network,
            "stages": [{"steps": 10, "learning_rate": [1, 1]}],
            "views": [{"how": "square", "side": 64}],
            "window": 8,
            "batch": 4,
            "label_dropout": 0.5,
        },
    )
    whole = PriorBatches(recipe, grids, 5)(3)
    again = PriorBatches(recipe, grids, 5)(3)
    halves = [PriorBatches(recipe, grids, 5, rank, 2)(3) for rank in (0, 1)]
    for name in ("codes", "open", "labels", "places"):
        assert torch.equal(getattr(whole, name), getattr(again, name))
        assert torch.equal(getattr(whole, name), torch.cat([getattr(half, name) for half in halves]))
    assert whole.total == halves[0].total == int(whole.open.sum())
    many = [PriorBatches(recipe, grids, 5)(step) for step in range(100)]
    shares = torch.cat([batch.labels for batch in many]) == 5
    assert 0.4 < shares.float().mean() < 0.6
    kept = [
        (int(label), int(codes[0, 0])) for batch in many for label, codes in zip(batch.labels, batch.codes, strict=True)
    ]
    assert all(label in (5, code) for label, code in kept)


def test_holes_are_of_every_kind():
    rng = np.random.default_rng(0)
    anywhere = [random_holes(rng, 32, Holes(0.0, "cosine")).mean() for _ in range(300)]
    assert min(anywhere) < 0.1 and max(anywhere) > 0.9 and 0.55 < np.mean(anywhere) < 0.72
    evenly = [random_holes(rng, 32, Holes(0.0, "uniform")).mean() for _ in range(300)]
    assert min(evenly) < 0.1 and max(evenly) > 0.9 and 0.42 < np.mean(evenly) < 0.58
    boxes = [random_holes(rng, 32, Holes(1.0)) for _ in range(300)]
    assert all(hole.any() for hole in boxes)
    spans = [[int(np.ptp(cells)) + 1 for cells in np.nonzero(hole)] for hole in boxes]
    assert sum(hole.sum() == rows * columns < 900 for hole, (rows, columns) in zip(boxes, spans, strict=True)) > 60
    assert sum(hole.mean() > 0.5 for hole in boxes) > 20, "none lie around a box"


def test_stages_say_what_is_past():
    recipe = dataclasses.replace(
        read_prior_recipe(next(iter(sorted(str(path) for path in RECIPES.glob("*.json"))))),
        stages=(PriorStage(10, (1.0, 1.0)), PriorStage(10, (1.0, 0.0), (View("square", 64),))),
    )
    assert [part[:3] for part in recipe.past(15)] == [[10, 1.0, 1.0], [5, 1.0, 0.5]]
    assert recipe.past(15)[1][3:] == [[to_json(View("square", 64))], to_json(recipe.holes)]
    assert recipe.past(0) == []
    assert recipe.views_at(9) == recipe.views and recipe.views_at(10)[0].side == 64


def test_a_hole_and_the_calibration_are_measured_and_written(prior_recipe, pictures, cache, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(_command(prior_recipe(steps=2), pictures, cache, out)[2:]) == 0
    arguments = ["--data", str(pictures), "--cache", str(cache), "--pictures", "2", "--threads", "1"]
    assert measure([str(out), *arguments]) == 0
    evaluation = read_prior_config(out).evaluation
    hole, card = evaluation["hole"], (out / "README.md").read_text()
    assert hole["pictures"] == 2 and 5 < hole["psnr"] <= hole["psnr_best"] <= 40 and "dB" in card
    assert sum(row["cells"] for row in evaluation["calibration"]) == 2 * 512
    capsys.readouterr()
    assert measure([str(out), *arguments, "--state"]) == 0
    assert json.loads(capsys.readouterr().out)["hole"]["by_frequency"] == hole["by_frequency"]
    assert measure([str(tmp_path), *arguments, "--state"]) == 2
    assert "holds no run" in capsys.readouterr().err
