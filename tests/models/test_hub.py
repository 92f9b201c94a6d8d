"""Our own format on the Hub, against a stand-in for its client: what is pushed comes back as the same tokenizer."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.core.errors import CheckpointError, DownloadError
from explorer.models.hub import from_pretrained, push_to_hub
from explorer.models.tokenizer import load_tokenizer
from tests.conftest import KINDS, write_checkpoint


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The folder of a Hub that keeps each repository as a folder."""
    root = tmp_path / "hub"

    class Api:
        def __init__(self, token=None):
            pass

        def create_repo(self, repo, private, exist_ok):
            (root / repo).mkdir(parents=True, exist_ok=exist_ok)

        def upload_folder(self, folder_path, repo_id, allow_patterns, commit_message):
            for path in Path(folder_path).iterdir():
                if path.name in allow_patterns:
                    shutil.copy(path, root / repo_id)
            return SimpleNamespace(commit_url=f"https://hub/{repo_id}/commit/1")

    def snapshot_download(repo, revision, allow_patterns, token):
        if not (root / repo).is_dir():
            raise OSError("404")
        return str(root / repo)

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    return root


def test_what_is_pushed_comes_back(hub, tmp_path):
    folder = tmp_path / "mine"
    write_checkpoint(folder, KINDS["finite_scalar_tan"])
    (folder / "training_state.pt").write_bytes(b"not for others")
    assert push_to_hub(folder, "me/mine") == "https://hub/me/mine/commit/1"
    assert {path.name for path in (hub / "me/mine").iterdir()} == {"config.json", "model.safetensors"}
    image = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)
    assert from_pretrained("me/mine").encode(image).codes == load_tokenizer(folder).encode(image).codes


def test_a_damaged_folder_is_not_pushed(hub, tmp_path):
    write_checkpoint(tmp_path / "mine", KINDS["vector"])
    (tmp_path / "mine" / "model.safetensors").write_bytes(b"words")
    with pytest.raises(CheckpointError):
        push_to_hub(tmp_path / "mine", "me/mine")
    assert not hub.exists()


def test_what_is_not_there_is_said(hub):
    with pytest.raises(DownloadError, match="me/none could not be downloaded"):
        from_pretrained("me/none")
    (hub / "me/empty").mkdir(parents=True)
    with pytest.raises(CheckpointError, match=r"has no config\.json and no model\.safetensors"):
        from_pretrained("me/empty")
