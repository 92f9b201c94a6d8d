"""Files of a careful stranger: each is refused with a sentence, in little memory, and leaves nothing behind."""

import ast
import io
import random
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
import torch

import explorer
from explorer.services.model_store import ModelStore
from explorer.ui.context import AppContext
from tests.attack import hostile_files
from tests.attack.hostile_files import CONFIGS, FLOODS, PICKLES
from tests.attack.measured import ROOT, Outcome, read_each

MEGABYTES = 500
"""What reading one hostile file may take beside what the program has."""
HARMLESS = {"a tensor whose state makes it a terabyte"}
"""Opened as what they are without the harm."""
NOT_JSON = {
    "explorer/core/untrusted_json.py": "the one reader of JSON from outside",
    "explorer/adapters/catalogue.py": "the catalogue, a file of the program",
    "explorer/services/scan_state.py": "a scan's own state, any damage to which is said",
    "explorer/training/state.py": "a run's own log",
    "explorer/training/sweep.py": "a run's own log",
    "explorer/ui/server/gate.py": "bodies of requests, bounded by the gate itself",
}
"""Files that may call json.loads, and why."""


def bad(outcomes: dict[str, Outcome]) -> dict[str, Outcome]:
    """Those that were not refused with a sentence, or took too much memory."""
    return {
        name: one
        for name, one in outcomes.items()
        if one.grown > MEGABYTES or one.what != ("opened" if name in HARMLESS else "refused") or len(one.text) > 500
    }


def test_hostile_pickles_are_refused_in_little_memory(tmp_path):
    few = [name for name in PICKLES if name not in FLOODS] + ["twenty million lists"]
    assert bad(read_each("checkpoint", hostile_files.zipped(tmp_path, few))) == {}


def test_hostile_archives_and_lists_of_tensors_are_refused_in_little_memory(tmp_path):
    assert bad(read_each("checkpoint", hostile_files.containers(tmp_path))) == {}


@pytest.mark.slow
def test_floods_are_refused_in_little_memory_in_files_of_both_kinds(tmp_path):
    assert bad(read_each("checkpoint", hostile_files.zipped(tmp_path, sorted(FLOODS)))) == {}
    outcomes = read_each("checkpoint", hostile_files.old(tmp_path, PICKLES))
    assert bad({name: one for name, one in outcomes.items() if name not in HARMLESS}) == {}


def test_hostile_codes_are_refused_in_little_memory(tmp_path):
    files = {}
    for name, data in hostile_files.codes().items():
        files[name] = tmp_path / str(len(files))
        files[name].write_bytes(data)
    assert bad(read_each("codes", files)) == {}


def test_hostile_configs_are_refused_in_little_memory(tmp_path):
    files = {}
    for name, data in CONFIGS.items():
        files[name] = tmp_path / f"{len(files)}.json"
        files[name].write_bytes(data)
    assert bad(read_each("config", files)) == {}


def damaged(whole: bytes, chance: random.Random) -> bytes:
    """A pickle with a few bytes changed, a part repeated, or a part of it missing."""
    data = bytearray(whole)
    for _ in range(chance.randint(1, 6)):
        at, length = chance.randrange(len(data)), chance.choice((1, 1, 2, 8, 60))
        part = data[at : at + length]
        data[at : at + length] = chance.choice(
            (bytes(chance.randrange(256) for _ in part), b"", bytes(part) * chance.choice((2, 50)), bytes(part)[::-1])
        )
    return bytes(data)


def state_dict() -> bytes:
    """The pickle of a small training run, with all that torch.save writes of one."""
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.zeros(1, 3, 4, 4)).sum().backward()
    optimizer.step()
    buffer = io.BytesIO()
    torch.save({"state_dict": model.state_dict(), "optimizer": optimizer.state_dict(), "half": torch.float16}, buffer)
    with zipfile.ZipFile(buffer) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith("/data.pkl")))


@pytest.mark.parametrize("count", [60, pytest.param(3000, marks=pytest.mark.slow)])
def test_damaged_pickles_are_refused_or_opened(tmp_path, count):
    whole, chance = state_dict(), random.Random(count)
    files = {
        str(i): hostile_files.archive(tmp_path / f"{i}.pt", damaged(whole, chance), bytes(4000)) for i in range(count)
    }
    outcomes = read_each("checkpoint", files)
    odd = {name: one for name, one in outcomes.items() if one.what not in ("refused", "opened") or one.grown > 100}
    assert odd == {}
    assert any(one.what == "refused" for one in outcomes.values())


def test_json_from_outside_is_read_in_one_place():
    """A new json.loads is a way around the bounds; so is json.load."""
    found = set()
    for path in [*(ROOT / "explorer").rglob("*.py"), ROOT / "app.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Attribute) and node.attr in ("load", "loads", "JSONDecoder")
            if named and isinstance(node.value, ast.Name) and node.value.id == "json":
                found.add(path.relative_to(ROOT).as_posix())
    assert found - set(NOT_JSON) == set()


# ---- the page ---------------------------------------------------------------------------------------------


class Named(dict):
    """Components by their names."""

    def __missing__(self, name: str) -> str:
        return name


@pytest.fixture
def uploads(tmp_path, monkeypatch):
    """The folder of uploads."""
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


@pytest.fixture(scope="module")
def context():
    return AppContext(ModelStore("cpu"), tuple(explorer.available()[:1]))


@pytest.mark.parametrize("name", ["lists within each other", "a shared page of lists within each other"])
def test_load_codes_says_a_sentence_and_keeps_no_upload(uploads, context, name):
    from explorer.ui.shared import Session
    from explorer.ui.tokenize import TokenizeTab

    tab, path = TokenizeTab(context), uploads / "codes.json"
    path.write_bytes(hostile_files.codes()[name])
    with pytest.raises(gr.Error) as caught:
        list(tab.on_codes(str(path), Session(context.default_model, "Astronaut", None)))
    assert "nested deeper" in caught.value.message and not path.exists()


def test_what_a_request_names_outside_of_the_uploads_is_not_removed(uploads, tmp_path, context):
    from explorer.ui.shared import Session
    from explorer.ui.tokenize import TokenizeTab

    mine = tmp_path / "mine.json"
    mine.write_text("[]")
    (uploads / "link").symlink_to(tmp_path)
    for path in (mine, uploads / "link" / "mine.json"):
        with pytest.raises(gr.Error):
            list(TokenizeTab(context).on_codes(str(path), Session(context.default_model, "Astronaut", None)))
        assert mine.exists()


def opened(context: AppContext, *paths: Path) -> dict:
    """What the page was last told when files were opened as a visitor's own checkpoint."""
    from explorer.ui.more_models import MoreModels

    more, told = MoreModels(context), {}
    more.outputs = Named()
    request = SimpleNamespace(session_hash="page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("explorer.services.watched.EVERY", 0.01)
        try:
            for update in more.on_open([str(path) for path in paths], "", "", "", "", "", None, request):
                told |= update
        except gr.Error as error:
            told["error"] = error.message
    return told


@pytest.mark.parametrize("name", ["lists within each other", "one key twice", "not UTF-8"])
def test_a_hostile_config_leaves_the_button_free_and_no_upload(uploads, context, name):
    weights, config = uploads / "model.pt", uploads / "config.json"
    torch.save({"a": torch.zeros(1)}, weights)
    config.write_bytes(CONFIGS[name])
    told = opened(context, weights, config)
    assert told["open"]["interactive"] is True and told["own_cancel"]["visible"] is False
    assert re.search(r"config\.json .*(nested deeper|twice|not JSON)", told["own_status"])
    assert list(uploads.iterdir()) == []


def test_an_error_that_nobody_foresaw_leaves_the_button_free_and_no_upload(uploads, context, monkeypatch):
    (uploads / "model.pt").write_bytes(b"weights")
    monkeypatch.setattr("explorer.ui.more_models.open_own", lambda *_, **__: {}["no such key"])
    told = opened(context, uploads / "model.pt")
    assert told["open"]["interactive"] is True and "went wrong inside the program" in told["own_status"]
    assert list(uploads.iterdir()) == []
