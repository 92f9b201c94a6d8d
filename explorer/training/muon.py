"""Muon: momentum made orthogonal, for the weight matrices of hidden layers.

Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks", https://kellerjordan.github.io/posts/muon.
The steps are those of torch.optim.Muon, which iterates on the whole matrix in bfloat16: on a CPU without bfloat16
arithmetic that takes several times as long as the rest of a training step. Here it iterates on the matrix of inner
products of the shorter side, in float32.
"""

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.775, 2.0315)
"""Of the odd polynomial a x + b x^3 + c x^5, which drives singular values in (0, 1] towards 1."""


def orthogonalised(matrix: Tensor, iterations: int) -> Tensor:
    """A matrix (M, N) float32 with its singular values drawn towards 1, by Newton-Schulz iterations; zeros stay zeros.

    Each iteration is X <- P X with P = a I + b G + c G^2 and G = X X^T. Polynomials of one G commute, so that the
    iterations need G alone, which is small, and X is multiplied once, by the product of all P.
    """
    wide = matrix if len(matrix) <= matrix.shape[1] else matrix.T
    wide = wide / wide.norm().clamp(min=1e-7)
    a, b, c = COEFFICIENTS
    gram, product = wide @ wide.T, None
    for _ in range(iterations):
        step = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        step.diagonal().add_(a)
        product = step if product is None else step @ product
        gram = step @ gram @ step
    wide = wide if product is None else product @ wide
    return wide if len(matrix) <= matrix.shape[1] else wide.T


class Muon(torch.optim.Optimizer):
    """Over matrices (M, N) float32; a step has a root mean square of about lr / sqrt(max(N, M))."""

    def __init__(self, matrices: list[Tensor], iterations: int, weight_decay: float = 0.0, momentum: float = 0.95):
        super().__init__(matrices, {"lr": 0.0, "weight_decay": weight_decay, "momentum": momentum})
        self.iterations = iterations

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            for matrix in group["params"]:
                momentum = self.state[matrix].setdefault("momentum_buffer", torch.zeros_like(matrix))
                momentum.lerp_(matrix.grad, 1 - group["momentum"])
                update = orthogonalised(matrix.grad.lerp(momentum, group["momentum"]), self.iterations)
                rows, columns = matrix.shape
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.sub_(update, alpha=group["lr"] * max(1.0, rows / columns) ** 0.5)
