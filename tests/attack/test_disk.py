"""A damaged model, a full disk, a cache that can't be written, a killed process: the program starts and works."""

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

import explorer
from explorer.bench.servers import answer, free_port
from explorer.core.codes import Codes
from explorer.core.codes_file import CodesFile
from explorer.core.errors import DataError
from explorer.models import registry
from tests.attack.measured import ROOT
from tests.test_app import request

DEFAULT, OTHER = explorer.available()[:2]


@pytest.fixture
def full_disk(tmp_path):
    """A folder on a disk of its own that has no room left; skipped where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        with (folder / "filling").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError as error:
                assert error.errno == errno.ENOSPC
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def decoded() -> str:
    """What /decode answers."""
    from explorer.services.model_store import ModelStore
    from explorer.ui.api import Api
    from explorer.ui.context import AppContext

    api = Api(AppContext(ModelStore("cpu"), (DEFAULT,)))
    codes = CodesFile(Codes({"codes": np.zeros((1, 4, 4), np.int32)}), model=DEFAULT).to_dict()
    return api.decode(DEFAULT, codes)


def test_decode_on_a_full_disk_says_so_and_leaves_nothing(full_disk, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(full_disk))
    with pytest.raises(gr.Error, match="no room on its disk"):
        decoded()
    assert [path.name for path in full_disk.iterdir()] == ["filling"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_decode_where_nothing_can_be_written_says_so_and_leaves_nothing(tmp_path, monkeypatch, code):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    real = tempfile.NamedTemporaryFile

    def refusing(*arguments, **named):
        file = real(*arguments, **named)
        file.file.write = file.write = lambda data: (_ for _ in ()).throw(OSError(code, os.strerror(code)))
        return file

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refusing)
    with pytest.raises(gr.Error, match="no room on its disk"):
        decoded()
    assert list(tmp_path.iterdir()) == []


def test_writers_on_a_full_disk_say_so_and_leave_what_was_there(full_disk, tiny_folders):
    from explorer.analysis.usage import Usage
    from explorer.models.checkpoint import save_weights
    from explorer.models.config import read_config, write_config
    from explorer.services.scan_state import ScanState
    from tests.conftest import KINDS, random_model

    config = read_config(tiny_folders["vector"])
    usage = {"codes": Usage(np.ones(100_000, np.int64), np.ones(100_000, np.int64), 1)}
    for write in (
        lambda: write_config(full_disk, config),
        lambda: save_weights(full_disk, random_model(KINDS["vector"])),
        lambda: ScanState(usage).save(full_disk / "state", {}),
    ):
        with pytest.raises(DataError, match="could not be written"):
            write()
    assert [path.name for path in full_disk.iterdir()] == ["filling"]


def shelf_of(folder: Path) -> None:
    """The program in another folder, with links to its models, which can be replaced there."""
    shutil.copy(ROOT / "app.py", folder)
    (folder / "explorer").symlink_to(ROOT / "explorer")
    (folder / "checkpoints").mkdir()
    for there in registry.CHECKPOINTS.iterdir():
        (folder / "checkpoints" / there.name).symlink_to(there)


def test_it_starts_without_a_damaged_default_a_cache_and_what_a_killed_one_left(tmp_path):
    root, temporary, cache, log = (tmp_path / name for name in ("root", "temporary", "cache", "log"))
    root.mkdir()
    temporary.mkdir()
    cache.write_text("a file where a folder should be")
    shelf_of(root)
    (root / "checkpoints" / DEFAULT).unlink()
    (root / "checkpoints" / DEFAULT).mkdir()
    (root / "checkpoints" / DEFAULT / "config.json").write_bytes(b"[" * 10**5)
    last = explorer.available()[-1]
    (root / "checkpoints" / last).unlink()
    (root / "checkpoints" / last).write_text("")
    environment = {name: value for name, value in os.environ.items() if name != "GRADIO_TEMP_DIR"}
    environment |= {"TMPDIR": str(temporary), "XDG_CACHE_HOME": str(cache), "HF_HUB_OFFLINE": "1"}
    port = free_port()
    command = [sys.executable, "app.py", "--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
    for _ in range(2):  # the first is killed and leaves its uploads
        with log.open("w") as out:
            process = subprocess.Popen(command, cwd=root, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            answer(f"http://127.0.0.1:{port}/config")
            status, page = request(f"http://127.0.0.1:{port}/config")
            (folder,) = temporary.glob("codebook-explorer-*")
        finally:
            process.kill()
            process.wait()
    assert status == 200 and folder.stat().st_mode & 0o777 == 0o700
    shown = {part["props"].get("elem_id"): part["props"] for part in json.loads(page)["components"]}
    assert shown["model"]["value"] == OTHER and DEFAULT not in json.dumps(shown["model"])
    assert DEFAULT in shown["left-out"]["value"] and last in shown["left-out"]["value"]
    said = log.read_text()
    assert f"{DEFAULT} is left out" in said and f"{last} is left out" in said and "Traceback" not in said
    assert said.count("can't be kept") == 1 and "removed the uploads" in said


def test_no_model_at_all_is_a_sentence(tmp_path):
    shelf_of(tmp_path)
    for path in (tmp_path / "checkpoints").iterdir():
        path.unlink()
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "app.py", "--port", str(free_port())]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "error: None of the models in" in done.stderr and "Traceback" not in done.stderr
