"""Tiny priors of every kind, with weights drawn at random so that every part has an effect."""

import pytest
import torch

from explorer.core.prior import PriorSpec
from explorer.priors.build import build_network
from explorer.priors.config import BackboneConfig, CausalConfig, MaskedConfig
from explorer.priors.prior import as_prior

BACKBONE = BackboneConfig(widths=(8, 12, 16), down=(1, 1, 1), up=(1, 1), heads=2, label_width=4, dropout=0.1)
NETWORKS = {"masked": MaskedConfig(BACKBONE), "causal": CausalConfig(BACKBONE, row_width=8, row_blocks=2)}
RADICES = {"learned": (), "digits": (4, 3, 2)}
SIZE, CLASSES = 24, ("ant", "bee", "cow")


def tiny_prior(kind, codebook):
    torch.manual_seed(0)
    network = build_network(NETWORKS[kind], SIZE, RADICES[codebook], len(CLASSES))
    for parameter in network.parameters():
        if parameter.dim() > 1 or not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)
    spec = PriorSpec(f"{kind}.tiny", "Tiny", "For tests.", kind, "tiny.t", "0" * 64, SIZE, CLASSES, 1, "", "", "0" * 64)
    return as_prior(spec, network.to(memory_format=torch.channels_last), torch.device("cpu"))


@pytest.fixture(scope="session", params=[(kind, book) for kind in NETWORKS for book in RADICES], ids="-".join)
def prior(request):
    return tiny_prior(*request.param)


@pytest.fixture(scope="session", params=RADICES)
def masked(request):
    return tiny_prior("masked", request.param)


@pytest.fixture(scope="session", params=RADICES)
def causal(request):
    return tiny_prior("causal", request.param)
