"""A prior's weights to and from disk: model.safetensors in float16 beside config.json, strict in both directions."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from explorer.core.atomic import atomic
from explorer.core.errors import CheckpointError
from explorer.models.checkpoint import WEIGHTS, load_strictly, sha256
from explorer.priors.build import build_network
from explorer.priors.config import PriorConfig
from explorer.priors.network import PriorNetwork
from explorer.quantizers.seeded import seeded


def save_prior_weights(folder: Path, weights: Mapping[str, Tensor]) -> str:
    """Write weights in float16 and return the file's sha256. The rounded weights are the model."""
    with atomic(folder / WEIGHTS) as path:
        save_file({name: tensor.detach().cpu().half().contiguous() for name, tensor in weights.items()}, path)
        path.chmod(0o644)  # save_file writes it for its owner alone
    return sha256(folder / WEIGHTS)


def load_network(folder: Path, config: PriorConfig) -> PriorNetwork:
    """The network of a prior's folder in float32, eval mode; every key, shape and the sha256 checked."""
    path = folder / WEIGHTS
    if not path.is_file():
        raise CheckpointError(f"{folder} has no {WEIGHTS}; fetch the checkpoint again.")
    found = sha256(path)
    if found != config.sha256:
        raise CheckpointError(
            f"{path} has sha256 {found[:12]}..., but its config.json says {config.sha256[:12]}...: "
            "the file is damaged or belongs to another version. Fetch the checkpoint again."
        )
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a readable safetensors file: {error}.") from error
    with seeded(0):  # building a network draws its start; that must not disturb a caller
        network = build_network(config.network, config.size, config.radices, len(config.classes))
    load_strictly(network, state, path)
    return network.to(memory_format=torch.channels_last).requires_grad_(False).eval()
