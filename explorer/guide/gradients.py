"""The gradient that passes the argmin by each of the two routes, and the pull of the two extra losses.

van den Oord, Vinyals, Kavukcuoglu 2017, arXiv 1711.00937.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.quantizers.base import straight_through, straight_through_by_hook
from explorer.quantizers.nearest import nearest
from explorer.quantizers.seeded import seeded
from explorer.quantizers.vector import VectorQuantizer

CODES, DIM = 32, 8


def both_routes(patches: np.ndarray, seed: int, shown: int = 6) -> dict[str, Any]:
    """The encoder's gradient of one step on patches (n, P) float32, three times from the same weights.

    {"none", "detach", "hook": the first numbers of the gradient of the encoder's weights, "norms": of the whole,
    "difference": the largest between detach and hook, "numbers": how many there are}.
    """
    x = torch.from_numpy(patches - patches.mean())
    none, detach, hook = (_gradient(x, seed, route) for route in ("none", "detach", "hook"))
    routes = {"none": none, "detach": detach, "hook": hook}
    return {
        **{name: gradient.flatten()[:shown].tolist() for name, gradient in routes.items()},
        "norms": {name: float(gradient.norm()) for name, gradient in routes.items()},
        "difference": float((detach - hook).abs().max()),
        "numbers": detach.numel(),
    }


def _gradient(x: Tensor, seed: int, route: str) -> Tensor:
    """What arrives at the weights of a linear encoder from a linear decoder's mean squared error."""
    with seeded(seed):
        encoder, decoder = nn.Linear(x.shape[1], DIM), nn.Linear(DIM, x.shape[1])
        codebook = torch.randn(CODES, DIM)
    z = encoder(x)
    chosen = codebook[nearest(z, codebook)]
    if route == "hook":
        leaf, second_backward = straight_through_by_hook(z, chosen)
        F.mse_loss(decoder(leaf), x).backward()
        second_backward()
    else:
        F.mse_loss(decoder(straight_through(z, chosen) if route == "detach" else chosen), x).backward()
    return torch.zeros_like(encoder.weight) if encoder.weight.grad is None else encoder.weight.grad


def pulls(z: np.ndarray, codebook: np.ndarray, beta: float) -> dict[str, Any]:
    """Where the codebook and the commitment term pull, for one latent z (D,) among code vectors (K, D).

    {"code", "losses": {codebook, commitment times beta}, "latent": minus the gradient at z (D,), "vectors": minus
    the gradient at every code vector (K, D)}.
    """
    latent = torch.tensor(z, dtype=torch.float32).requires_grad_()
    quantizer = VectorQuantizer(*codebook.shape)
    quantizer.codebook.data = torch.tensor(codebook, dtype=torch.float32)
    found = quantizer(latent[None])
    losses = {"codebook": found.losses["codebook"], "commitment": beta * found.losses["commitment"]}
    sum(losses.values()).backward()
    return {
        "code": int(found.indices[0]),
        "losses": {name: loss.item() for name, loss in losses.items()},
        "latent": (-latent.grad).tolist(),
        "vectors": (-quantizer.codebook.grad).tolist(),
    }
