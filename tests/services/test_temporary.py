"""The folder of visitors' files: this process's alone, tidy, and gone at the end."""

import os
import time

from explorer.services.temporary import private_folder, sweep


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
