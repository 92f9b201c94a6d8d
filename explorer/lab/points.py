"""The 2-D lab: points of the plane to encoder outputs to codes and back to the plane, and what of it can be drawn."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from explorer.lab.distributions import points
from explorer.lab.experiment import Experiment
from explorer.lab.plan import Plan

WIDTH, BATCH = 32, 128


class PointsTask:
    """Two layers of 32 units on either side."""

    def __init__(self, plan: Plan):
        self.everything = torch.from_numpy(points(plan.data, plan.seed, plan.drawn))
        self.variance = self.everything.var(0).mean().clamp_min(1e-3).item()
        self._dim = plan.dim

    def networks(self) -> tuple[nn.Module, nn.Module]:
        return _layers(2, self._dim), _layers(self._dim, 2)

    def batch(self, generator: torch.Generator) -> Tensor:
        return self.everything[torch.randint(len(self.everything), (BATCH,), generator=generator)]


def _layers(inputs: int, outputs: int) -> nn.Sequential:
    layers = [nn.Linear(inputs, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, outputs)]
    for layer in layers:
        # Variance is kept from layer to layer, so that encoder outputs are about as large as the data from the start.
        nn.init.kaiming_normal_(layer.weight, nonlinearity="linear" if layer is layers[-1] else "relu")
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layers[0], nn.SiLU(), layers[1], nn.SiLU(), layers[2])


@dataclass(frozen=True)
class PlaneView:
    """One moment of an experiment. latents (N, 2), codes (K, 2): as they are compared; decoded (K, 2), indices (N,).

    explained: share of the outputs' variance that the plane of the drawing holds; 1 where nothing was left out.
    """

    latents: np.ndarray
    codes: np.ndarray
    decoded: np.ndarray
    indices: np.ndarray
    explained: float


class PlaneCamera:
    """Looks at an experiment; more than two dimensions are projected onto the two in which the outputs vary most."""

    def __init__(self):
        self._axes: np.ndarray | None = None

    def look(self, experiment: Experiment) -> PlaneView:
        seen = experiment.see()
        with torch.no_grad():
            latents = experiment.bottleneck.comparable(seen.latents).numpy()
            codes = experiment.bottleneck.code_vectors().numpy()
        explained = 1.0
        if latents.shape[1] > 2:
            middle = latents.mean(0)
            axes, explained = self._follow(latents - middle)
            latents, codes = (latents - middle) @ axes, (codes - middle) @ axes
        return PlaneView(latents, codes, experiment.decoded_codes().numpy(), seen.indices.numpy(), explained)

    def _follow(self, centred: np.ndarray) -> tuple[np.ndarray, float]:
        """The two principal axes (D, 2), turned within their plane to where they were before, and their share."""
        variances, vectors = np.linalg.eigh(centred.T @ centred)
        axes = vectors[:, :-3:-1]
        if self._axes is not None and len(self._axes) == len(axes):
            left, _, right = np.linalg.svd(axes.T @ self._axes)
            axes = axes @ left @ right
        self._axes = axes
        return axes.astype(np.float32), float(variances[-2:].sum() / max(variances.sum(), 1e-12))
