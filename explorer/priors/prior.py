"""A trained network as a Prior: numpy in, numpy out, nothing remembered between calls."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from explorer.core.prior import PriorSpec
from explorer.priors.checkpoint import load_network
from explorer.priors.config import PriorConfig, read_prior_config
from explorer.priors.network import PriorNetwork, places


class NetworkPrior:
    """Implements Prior. `bf16` computes in bfloat16, which is faster where the processor has it; the
    log-probabilities are normalised in float32 either way."""

    def __init__(self, spec: PriorSpec, network: PriorNetwork, device: torch.device, bf16: bool = False):
        self.spec, self.device, self.bf16 = spec, device, bf16
        self._network = network.to(device).eval()

    def log_probabilities(
        self, codes: np.ndarray, open: np.ndarray, labels: Sequence[int | None] | None = None
    ) -> np.ndarray:
        self.spec.check(codes, open, labels)
        if not open.any():
            return np.zeros((0, self.spec.size), np.float32)
        none = len(self.spec.classes)
        numbers = [none if label is None else label for label in labels or [None] * len(codes)]
        where = np.broadcast_to(places(*codes.shape[1:]), (*codes.shape, 2)).copy()
        inputs = [
            torch.from_numpy(np.ascontiguousarray(array)).to(self.device)
            for array in (codes.astype(np.int64), open, np.array(numbers, np.int64), where)
        ]
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            return self._network.log_probabilities(*inputs).cpu().numpy()


def spec_of(config: PriorConfig) -> PriorSpec:
    """What a prior is, from its config alone."""
    return PriorSpec(
        id=config.id,
        title=config.title,
        summary=config.summary,
        order=config.network.kind,
        tokenizer=config.tokenizer,
        tokenizer_sha256=config.tokenizer_sha256,
        size=config.size,
        classes=config.classes,
        parameters=config.parameters,
        trained_on=config.trained_on,
        licence=config.licence,
        sha256=config.sha256,
        evaluation=config.evaluation,
    )


def load_prior(folder: Path, device: str = "cpu", bf16: bool = False) -> NetworkPrior:
    """The prior of a folder, on a device."""
    config = read_prior_config(folder)
    return NetworkPrior(spec_of(config), load_network(folder, config), torch.device(device), bf16)
