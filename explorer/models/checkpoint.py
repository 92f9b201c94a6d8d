"""Weights to and from disk: model.safetensors beside config.json, strict in both directions."""

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from explorer.core.atomic import atomic
from explorer.core.errors import CheckpointError
from explorer.models.autoencoder import Autoencoder
from explorer.models.build import build_model
from explorer.models.config import CheckpointConfig, read_config
from explorer.quantizers import EMAVectorQuantizer, Quantizer
from explorer.quantizers.seeded import seeded

WEIGHTS = "model.safetensors"


def save_weights(folder: Path, model: Autoencoder) -> str:
    """Write the weights in float16 (codebooks in float32) and return the file's sha256.

    The rounded weights are the model: everything measured or shown uses them. The running sums of an
    EMA codebook follow from its vectors and sizes, so they are left out.
    """
    books = {
        f"{name}.{part}"
        for name, module in model.named_modules()
        if isinstance(module, Quantizer)
        for part in module.state_dict()
    }
    state = {
        name: tensor.detach().cpu().contiguous().to(torch.float32 if name in books else torch.float16)
        for name, tensor in model.state_dict().items()
        if name.rpartition(".")[2] != "cluster_sum"
    }
    with atomic(folder / WEIGHTS) as temporary:
        save_file(state, temporary)
        temporary.chmod(0o644)  # save_file writes it for its owner alone
    return sha256(folder / WEIGHTS)


def is_whole(folder: Path) -> bool:
    """Whether there are weights in a folder, and a config.json that is theirs."""
    try:
        return sha256(folder / WEIGHTS) == read_config(folder).sha256
    except (CheckpointError, OSError):
        return False


def load_model(folder: Path, config: CheckpointConfig) -> Autoencoder:
    """The network of a checkpoint folder in float32, eval mode; every key, shape and the sha256 checked."""
    state = read_weights(folder, config.sha256)
    try:
        with seeded(0):  # building a network draws its start; that must not disturb a caller
            model = build_model(config.model)
    except (ValueError, RuntimeError, MemoryError, ArithmeticError) as error:  # sizes that make no network
        raise CheckpointError(f"{folder.name}/config.json describes no network: {error}.") from error
    for name, module in model.named_modules():
        if isinstance(module, EMAVectorQuantizer) and f"{name}.codebook" in state and f"{name}.cluster_size" in state:
            sums = state[f"{name}.codebook"] * module.smoothed(state[f"{name}.cluster_size"])[:, None]
            state.setdefault(f"{name}.cluster_sum", sums)
    load_strictly(model, state, folder / WEIGHTS)
    return model.requires_grad_(False).eval()


def read_weights(folder: Path, digest: str) -> dict[str, torch.Tensor]:
    """The tensors of a folder's weights, once the file has the sha256 that its config says."""
    path = folder / WEIGHTS
    if not path.is_file():
        raise CheckpointError(f"{folder.name} has no {WEIGHTS}; fetch the checkpoint again.")
    found = sha256(path)
    if found != digest:
        raise CheckpointError(
            f"{folder.name}/{WEIGHTS} has sha256 {found[:12]}..., but its config.json says {digest[:12]}...: "
            "the file is damaged or belongs to another version. Fetch the checkpoint again."
        )
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{folder.name}/{WEIGHTS} is not a readable safetensors file: {error}.") from error


def load_strictly(model: torch.nn.Module, state: dict[str, torch.Tensor], path: Path) -> None:
    """Load a state dict; anything missing, unexpected or of another shape is an error that names it."""
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    problems = [f"{name} is missing" for name in expected if name not in state]
    problems += [f"{name} is not part of this model" for name in state if name not in expected]
    problems += [
        f"{name} has shape {tuple(tensor.shape)}, expected {expected[name]}"
        for name, tensor in state.items()
        if name in expected and tuple(tensor.shape) != expected[name]
    ]
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise CheckpointError(f"{path} does not fit its config: {'; '.join(problems[:3])}{more}.")
    model.load_state_dict(state)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
