"""Shared by all tests: tiny networks with random weights, saved as checkpoint folders."""

import os
from pathlib import Path

import pytest

# Two processes run the tests, each with an app of its own; more threads than cores would only stand in line. One number
# of threads for tests and apps also makes what they compute equal bit for bit. It counts only before torch is imported.
# UMAP's numba would else give torch, which shares its OpenMP, all cores from then on.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

from explorer.models import registry
from explorer.models.config import (
    FORMAT_VERSION,
    CheckpointConfig,
    EMAVectorConfig,
    FiniteScalarConfig,
    GaussianConfig,
    GumbelConfig,
    LookupFreeConfig,
    ModelConfig,
    NormalizedVectorConfig,
    OneGridConfig,
    PointConfig,
    ResidualConfig,
    TwoGridsConfig,
    VectorConfig,
    write_config,
)

TINY = OneGridConfig(width_f4=8, width_f8=16, encoder_f4=0, encoder_f8=1, decoder_f8=1, decoder_f4=1)
TINY_TWO = TwoGridsConfig(width_f4=8, width_f8=16, encoder_f4=0, encoder_f8=1, top_f8=0, bottom_f4=1, decoder_f4=1)
KINDS = {
    "vector": VectorConfig(size=24, dim=4),
    "vector_ema": EMAVectorConfig(size=24, dim=4),
    "gumbel": GumbelConfig(size=24, dim=4),
    "finite_scalar_tan": FiniteScalarConfig(levels=(8, 5, 5), bound="tan"),
    "finite_scalar_atanh": FiniteScalarConfig(levels=(8, 5, 5), bound="atanh"),
    "normalized_vector": NormalizedVectorConfig(size=24, dim=4),
    "lookup_free": LookupFreeConfig(bits=5),
    "residual": ResidualConfig(size=24, dim=4, stages=3),
    "two_grids": EMAVectorConfig(size=24, dim=4),
}
"""A quantizer of every kind, and a network of every kind."""
CODED = [id for id in registry.available() if registry.spec(id).levels]
WITHOUT_CODES = [id for id in registry.available() if not registry.spec(id).levels]
"""Of the bundled models those that make codes, and those that keep floats."""
CONTINUOUS = {"point": PointConfig(dim=4), "gaussian": GaussianConfig(dim=4)}


def network_of(kind: str):
    """The tiny network of a kind of KINDS or CONTINUOUS."""
    return TINY_TWO if kind == "two_grids" else TINY


def random_model(quantizer, network=TINY, seed=0):
    """An untrained network whose codebooks are spread out, so that a picture uses many codes."""
    import torch

    from explorer.models.build import build_model

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build_model(ModelConfig(quantizer, network))
        for book in model.quantizers.values():
            if hasattr(book, "codebook"):
                book.codebook.data = torch.randn(book.size, book.dim)
    return model.requires_grad_(False).eval()


def write_checkpoint(folder: Path, quantizer, network=TINY, seed=0) -> CheckpointConfig:
    """A complete checkpoint folder of `random_model`, and its config."""
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
        sha256=save_weights(folder, model),
        source="made by a test",
        licence="none",
        trained_on="nothing",
        training={},
    )
    write_config(folder, config)
    return config


def write_rising_reference(folder: Path, tokenizer) -> None:
    """A reference.npz in which code k was counted k times."""
    import numpy as np

    from explorer.analysis.usage import Usage
    from explorer.training.reference import reference_arrays

    spec = tokenizer.spec
    usage = {level.name: Usage(np.arange(spec.codebook(level.name).size)) for level in spec.levels}
    np.savez(folder / "reference.npz", **reference_arrays(tokenizer, usage))


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory):
    """Kind -> checkpoint folder of a tiny network; read only."""
    root = tmp_path_factory.mktemp("tiny")
    everything = KINDS | CONTINUOUS
    for kind, quantizer in everything.items():
        write_checkpoint(root / kind, quantizer, network_of(kind))
    return {kind: root / kind for kind in everything}


@pytest.fixture(scope="session")
def app_url():
    """The address of one running app, for all tests that need a server."""
    from tests.app_server import running_app

    with running_app() as url:
        yield url


class Clock:
    """A clock that stands still until its `now` is moved."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()
