"""Shared by all tests: tiny networks with random weights, saved as checkpoint folders."""

from pathlib import Path

import pytest

from explorer.models.config import (
    FORMAT_VERSION,
    CheckpointConfig,
    EMAVectorConfig,
    FiniteScalarConfig,
    GumbelConfig,
    ModelConfig,
    NetworkConfig,
    VectorConfig,
    write_config,
)

TINY = NetworkConfig(width_f4=8, width_f8=16, encoder_f4=0, encoder_f8=1, decoder_f8=1, decoder_f4=1)
KINDS = {
    "vector": VectorConfig(size=24, dim=4),
    "vector_ema": EMAVectorConfig(size=24, dim=4),
    "gumbel": GumbelConfig(size=24, dim=4),
    "finite_scalar_tan": FiniteScalarConfig(levels=(8, 5, 5), bound="tan"),
    "finite_scalar_atanh": FiniteScalarConfig(levels=(8, 5, 5), bound="atanh"),
}
"""A quantizer of every kind."""


def random_model(quantizer, network=TINY, seed=0):
    """An untrained network whose codebook is spread out, so that a picture uses many codes."""
    import torch

    from explorer.models.autoencoder import QuantizedAutoencoder

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = QuantizedAutoencoder(ModelConfig(quantizer, network))
        if hasattr(model.quantizer, "codebook"):
            model.quantizer.codebook.data = torch.randn(model.quantizer.size, model.quantizer.dim)
    return model.requires_grad_(False).eval()


def write_checkpoint(folder: Path, quantizer, network=TINY, seed=0) -> CheckpointConfig:
    """A complete checkpoint folder of `random_model`, and its config."""
    from explorer.models.blocks import decoder_reach
    from explorer.models.checkpoint import save_weights

    folder.mkdir(parents=True, exist_ok=True)
    model = random_model(quantizer, network, seed)
    config = CheckpointConfig(
        format_version=FORMAT_VERSION,
        id=f"tiny.{quantizer.kind}",
        title="Tiny",
        family="tiny",
        summary="Random weights.",
        model=ModelConfig(quantizer, network),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        reach=decoder_reach(network),
        sha256=save_weights(folder, model),
        source="made by a test",
        licence="none",
        trained_on="nothing",
        training={},
    )
    write_config(folder, config)
    return config


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory):
    """Kind -> checkpoint folder of a tiny network; read only."""
    root = tmp_path_factory.mktemp("tiny")
    for kind, quantizer in KINDS.items():
        write_checkpoint(root / kind, quantizer)
    return {kind: root / kind for kind in KINDS}


@pytest.fixture(scope="session")
def app_url():
    """The address of one running app, for all tests that need a server."""
    from tests.app_server import running_app

    with running_app() as url:
        yield url
