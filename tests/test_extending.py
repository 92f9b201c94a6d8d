"""The steps of explorer/EXTENDING.md, followed in a copy of the source."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DIFF = re.compile(r"```diff\n(.*?)```", re.DOTALL)


@pytest.mark.skipif(not shutil.which("git"), reason="needs git to apply the changes")
def test_what_the_page_adds_works(tmp_path):
    shutil.copytree(ROOT / "explorer", tmp_path / "explorer")
    (tmp_path / "checkpoints").mkdir()
    for folder in (ROOT / "checkpoints").iterdir():
        (tmp_path / "checkpoints" / folder.name).symlink_to(folder)
    changes = DIFF.findall((ROOT / "explorer" / "EXTENDING.md").read_text(encoding="utf-8"))
    assert len(changes) == 4
    for change in changes:
        done = subprocess.run(["git", "apply", "-"], input=change, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stderr}\n{change}"
    checks = shutil.copy(ROOT / "tests" / "extending.py", tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", tmp_path, "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [*command, checks], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert "4 passed" in done.stdout
