"""A trained network as a Prior: numpy in, numpy out, nothing remembered between calls."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

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
        found, numbers, where = self._tensors(codes, labels)
        with self._inference():
            return self._network.log_probabilities(found, self._tensor(open), numbers, where).cpu().numpy()

    def _tensors(self, codes: np.ndarray, labels: Sequence[int | None] | None) -> tuple[Tensor, Tensor, Tensor]:
        """Codes, class numbers and places as the network takes them."""
        none = len(self.spec.classes)
        numbers = np.array([none if label is None else label for label in labels or [None] * len(codes)], np.int64)
        where = np.broadcast_to(places(*codes.shape[1:]), (*codes.shape, 2))
        return self._tensor(codes.astype(np.int64)), self._tensor(numbers), self._tensor(where)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.require(array, requirements=["C", "W"])).to(self.device)

    @contextmanager
    def _inference(self) -> Iterator[None]:
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            yield


class CausalPrior(NetworkPrior):
    """Implements DrawsByRows too."""

    def row(
        self, codes: np.ndarray, row: int, labels: Sequence[int | None] | None = None
    ) -> Callable[[np.ndarray, int], np.ndarray]:
        self.spec.check(codes, np.zeros(codes.shape, bool), labels)
        found, numbers, where = self._tensors(codes, labels)
        with self._inference():  # rows below are not looked at, so they are left out
            above = self._network.above(found[:, : row + 1], numbers, where[:, : row + 1])[:, :, row:]

        def cell(so_far: np.ndarray, column: int) -> np.ndarray:
            part = self._tensor(so_far[:, None, : column + 1].astype(np.int64))
            with self._inference():
                features = self._network.along(
                    part, above[..., : column + 1], numbers, where[:, row : row + 1, : column + 1]
                )
                return self._network.head.log_probabilities(features[:, :, 0, column]).cpu().numpy()

        return cell


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
    return as_prior(spec_of(config), load_network(folder, config), torch.device(device), bf16)


def as_prior(spec: PriorSpec, network: PriorNetwork, device: torch.device, bf16: bool = False) -> NetworkPrior:
    """A network as a Prior of its order."""
    kind = CausalPrior if spec.order == "causal" else NetworkPrior
    return kind(spec, network, device, bf16)
