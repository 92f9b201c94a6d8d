"""A prior's weights to and from disk: model.safetensors in float16 beside config.json, strict in both directions."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from explorer.core.atomic import atomic
from explorer.models.checkpoint import WEIGHTS, load_strictly, read_weights, sha256
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
    state = read_weights(folder, config.sha256)
    with seeded(0):  # building a network draws its start; that must not disturb a caller
        network = build_network(config.network, config.size, config.radices, len(config.classes))
    load_strictly(network, state, folder / WEIGHTS)
    return network.to(memory_format=torch.channels_last).requires_grad_(False).eval()
