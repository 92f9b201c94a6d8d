"""The sweep's plan, one tiny run of it end to end, and that finished runs are not run again."""

import json

import pytest

from explorer.training import sweep
from explorer.training.config import merged, read_recipe


def test_the_plan_has_every_family_at_every_size_and_the_first_seed_first():
    points = sweep.plan(2)
    assert len(points) == len(set(points)) == 2 * 3 * 6
    assert [point.seed for point in points] == [0] * 18 + [1] * 18
    recipes = [point.recipe(1500) for point in points]
    assert all(recipe.steps == 1500 for recipe in recipes)
    shared = {(recipe.batch, recipe.crop, recipe.model.network, recipe.l1, recipe.muon) for recipe in recipes}
    assert len(shared) == 1
    assert points[2].recipe(1500).model.quantizer.levels == (5, 3)


def test_a_run_is_written_once(pictures, recipe, tmp_path, monkeypatch, capsys):
    tiny = json.loads(recipe().read_text())

    def read(base, changes=None):
        if changes is None:
            return read_recipe(base)
        quantizer = read_recipe(base).model.quantizer
        kind = {"quantizer": {"kind": quantizer.kind, **({} if quantizer.kind == "finite_scalar" else {"dim": 4})}}
        value = {**tiny, "model": {**tiny["model"], **kind}, "loss_weights": {"codebook": 1.0, "commitment": 0.25}}
        if quantizer.kind != "vector_ema":
            value |= {"data_start": False, "revival": None}
        path = tmp_path / "changed.json"
        path.write_text(json.dumps(merged(value, changes)))
        return read_recipe(str(path))

    monkeypatch.setattr(sweep, "read_recipe", read)
    monkeypatch.setattr(sweep, "SIZES", (16,))
    arguments = ["--data", str(pictures), "--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    arguments += ["--steps", "100", "--seeds", "1"]
    assert sweep.main([*arguments, "--part", "1/2"]) == 0
    assert sorted(path.stem for path in (tmp_path / "out").iterdir()) == ["fsq_16_seed0", "vq_16_seed0"]
    assert sweep.main(arguments) == 0
    found = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "out").iterdir()}
    assert sorted(found) == ["fsq_16_seed0", "vq_16_seed0", "vq_ema_16_seed0"]
    for record in found.values():
        assert record["steps"] == 100 and record["curves"]["step"] == [100]
        assert record["size"] == (15 if record["family"] == "fsq" else 16)
        assert record["held_out"]["tokens"] == record["held_out"]["pictures"] * 16 * 16
        assert record["curves"]["dead"][0] == record["size"] - record["curves"]["used"][0]
    assert not any((tmp_path / "work").iterdir())
    monkeypatch.setattr(sweep, "run", lambda *_: pytest.fail("a finished run was run again"))
    assert sweep.main(arguments) == 0
