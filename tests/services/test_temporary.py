"""The folder of visitors' files: this process's alone, tidy, and gone at the end."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from explorer.core.errors import DataError
from explorer.services.temporary import ensure, private_folder, sweep

ROOT = Path(__file__).parents[2]


def test_it_is_private_and_gone_at_the_end(monkeypatch):
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    with private_folder() as folder:
        assert os.environ["GRADIO_TEMP_DIR"] == str(folder)
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "picture").write_bytes(b"picture")
    assert not folder.exists()


def test_one_that_is_set_is_left(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with private_folder() as folder:
        assert folder is None and os.environ["GRADIO_TEMP_DIR"] == str(tmp_path)
    assert tmp_path.exists()


def test_what_is_old_is_swept(tmp_path):
    old, new, mixed = (tmp_path / name for name in ("old", "new", "mixed"))
    for path in (old / "a", new / "b", mixed / "c", mixed / "d"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"picture")
    hour_ago = time.time() - 3600
    for path in (old / "a", mixed / "c"):
        os.utime(path, (hour_ago, hour_ago))
    sweep(tmp_path, seconds=1800)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["b", "d"]
    os.utime(old, (hour_ago, hour_ago))  # its file was removed just now
    sweep(tmp_path, seconds=1800)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mixed", "new"]


KILLED = """
import sys, time
from explorer.services.temporary import private_folder
with private_folder() as folder:
    (folder / "picture").write_bytes(b"picture")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files of its own."""
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@contextlib.contextmanager
def another_process():
    process = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield process, Path(process.stdout.readline().strip())
    finally:
        process.kill()
        process.wait()


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not(temporary):
    with another_process() as (_, living), another_process() as (killed, left):
        assert living.is_relative_to(temporary) and (left / "picture").exists()
        with private_folder() as folder:  # while both are alive
            assert (left / "picture").exists()
        killed.kill()
        killed.wait()
        assert (left / "picture").exists()
        with private_folder() as folder:
            assert not left.parent.exists() and (living / "picture").exists() and folder.exists()
    assert sorted(temporary.iterdir()) == [living.parent]  # killed as well, for the next start


def test_what_only_looks_like_a_leftover_is_not_touched(temporary, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for folder in (elsewhere, temporary / "codebook-explorer-others", temporary / "unrelated"):
        folder.mkdir(exist_ok=True)
        (folder / "owner").write_text("process 1")
    (temporary / "codebook-explorer-link").symlink_to(elsewhere)
    (temporary / "codebook-explorer-unmarked").mkdir()
    (temporary / "codebook-explorer-file").write_text("")
    (temporary / "codebook-explorer-odd").mkdir()
    (temporary / "codebook-explorer-odd" / "owner").symlink_to("/nowhere")
    before = sorted(path.name for path in temporary.iterdir())
    if os.getuid():
        (temporary / "codebook-explorer-others" / "owner").unlink()  # only root can give a folder away
    else:
        os.chown(temporary / "codebook-explorer-others", 65534, 65534)
    with private_folder():
        pass
    assert sorted(path.name for path in temporary.iterdir()) == before and (elsewhere / "owner").exists()


def test_an_inside_link_is_not_followed_when_a_leftover_is_removed(temporary, tmp_path_factory):
    kept = tmp_path_factory.mktemp("kept") / "file"
    kept.write_text("mine")
    with another_process() as (_, left):
        (left / "link").symlink_to(kept.parent)
    with private_folder():
        assert not left.parent.exists() and kept.exists()


@pytest.mark.parametrize("gone", ["files", "all", "made anew by gradio", "opened to others"])
def test_a_folder_that_vanished_is_made_anew_for_this_user_alone(temporary, gone):
    from explorer.ui.server.uploads import upload_folder

    with private_folder() as folder:
        if gone == "opened to others":
            folder.parent.chmod(0o755)
            folder.chmod(0o755)
        else:
            shutil.rmtree(folder if gone == "files" else folder.parent)
        if gone == "made anew by gradio":
            folder.mkdir(parents=True)
        assert upload_folder() == folder
        assert [path.stat().st_mode & 0o777 for path in (folder, folder.parent)] == [0o700, 0o700]
        code = "from explorer.services.temporary import remove_leftovers as r; print(r())"
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]" and folder.exists()  # it is still held
        sweep(folder, 0)
    assert list(temporary.iterdir()) == []


def test_a_folder_that_somebody_else_put_in_its_place_is_refused(temporary, tmp_path_factory):
    with private_folder() as folder:
        shutil.rmtree(folder.parent)
        folder.parent.symlink_to(tmp_path_factory.mktemp("others"))
        with pytest.raises(DataError, match="replaced by somebody else"):
            ensure(folder)
        folder.parent.unlink()


def test_no_folder_at_all_is_a_sentence(temporary, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "nowhere"))
    with (
        pytest.raises(DataError, match=r"No folder for uploads can be made \(No such file.*set TMPDIR"),
        private_folder(),
    ):
        pass
