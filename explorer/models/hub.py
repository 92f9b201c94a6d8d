"""Checkpoints of our own format on the Hugging Face Hub: a folder up, a tokenizer down."""

from pathlib import Path

from explorer.core.errors import CheckpointError, DownloadError
from explorer.core.tokenizer import Tokenizer
from explorer.models.config import read_config

NEEDED = ("config.json", "model.safetensors")
BESIDE = ("README.md", "LICENSE", "golden.npz", "reference.npz", "occurrences.npz", "maps.npz")
"""What else of a checkpoint folder is pushed where it is there; the state of a training run is not."""


def push_to_hub(folder: Path, repo: str, *, private: bool = False, token: str | None = None) -> str:
    """Upload a checkpoint folder to a repository, which is made where there is none; returns the commit's address.

    The folder is opened first, so that nothing is pushed that could not be loaded. token: else of whoever is logged in.
    """
    from huggingface_hub import HfApi

    from explorer.models.tokenizer import load_tokenizer

    load_tokenizer(folder)
    id, api = read_config(folder).id, HfApi(token=token)
    try:
        api.create_repo(repo, private=private, exist_ok=True)
        return api.upload_folder(
            folder_path=folder,
            repo_id=repo,
            allow_patterns=[*NEEDED, *BESIDE],
            commit_message=f"{id}, for Codebook Explorer",
        ).commit_url
    except Exception as error:  # the hub's client and its transport each have errors of their own
        raise DownloadError(f"{id} could not be pushed to {repo}: {error}. Log in with `hf auth login`.") from error


def from_pretrained(
    repo: str, *, revision: str | None = None, device: str = "cpu", token: str | None = None
) -> Tokenizer:
    """The tokenizer of a repository that `push_to_hub` filled, at a commit, tag or branch; loaded strictly."""
    from huggingface_hub import snapshot_download

    from explorer.models.tokenizer import load_tokenizer

    try:
        folder = Path(snapshot_download(repo, revision=revision, allow_patterns=list(NEEDED), token=token))
    except Exception as error:  # as above
        raise DownloadError(f"{repo} could not be downloaded: {error}") from error
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(f"{repo} has no {' and no '.join(missing)}, so it is no checkpoint of this project.")
    return load_tokenizer(folder, device)
