"""Vector quantization whose codebook is learned by exponential moving averages.

van den Oord, Vinyals, Kavukcuoglu 2017, arXiv 1711.00937, appendix A.1; Razavi, van den Oord,
Vinyals 2019, arXiv 1906.00446.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, distributed

from explorer.quantizers.base import Quantized, Quantizer, straight_through
from explorer.quantizers.nearest import nearest, nearest_k


class EMAVectorQuantizer(Quantizer):
    """Each code vector is the running mean of the encoder outputs that chose it.

    The codebook has no gradient; the only loss is "commitment" |z - sg(e)|^2. In training mode each
    forward pass moves the averages, summed over all processes, after the codes were chosen.
    `cluster_size` counts encoder outputs per code and batch, averaged with `decay`.
    """

    def __init__(self, size: int, dim: int, decay: float = 0.99, smoothing: float = 1e-5):
        super().__init__()
        self.size, self.dim, self.latent_dim = size, dim, dim
        self.decay, self.smoothing = decay, smoothing
        codebook = torch.empty(size, dim).uniform_(-1 / size, 1 / size)
        self.register_buffer("codebook", codebook)
        self.register_buffer("cluster_size", torch.ones(size))
        self.register_buffer("cluster_sum", codebook.clone())

    def forward(self, z: Tensor) -> Quantized:
        with torch.autocast(z.device.type, enabled=False):
            z = z.float()
            flat = z.reshape(-1, self.dim)
            indices = nearest(flat, self.codebook)
            chosen = self.vectors(indices).reshape(z.shape)
            losses = {"commitment": F.mse_loss(z, chosen)}
            if self.training:
                self._update(flat.detach(), indices)
            return Quantized(straight_through(z, chosen), indices.reshape(z.shape[:-1]), losses)

    def vectors(self, indices: Tensor) -> Tensor:
        return F.embedding(indices, self.codebook)

    def rank(self, z: Tensor, k: int) -> tuple[Tensor, Tensor]:
        indices, distances = nearest_k(z.reshape(-1, self.dim), self.codebook, k)
        return indices.reshape(*z.shape[:-1], -1), distances.reshape(*z.shape[:-1], -1)

    def mean_vector(self) -> Tensor:
        """The mean code vector (D,), by how often each was chosen in training."""
        return self.cluster_size / self.cluster_size.sum() @ self.codebook

    @torch.no_grad()
    def _update(self, z: Tensor, indices: Tensor) -> None:
        counts_and_sums = z.new_zeros(self.size, self.dim + 1)
        counts_and_sums.index_add_(0, indices, torch.cat([z.new_ones(len(z), 1), z], 1))
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(counts_and_sums)
        self.cluster_size.lerp_(counts_and_sums[:, 0], 1 - self.decay)
        self.cluster_sum.lerp_(counts_and_sums[:, 1:], 1 - self.decay)
        self.codebook.copy_(self.cluster_sum / self.smoothed(self.cluster_size)[:, None])

    def smoothed(self, sizes: Tensor) -> Tensor:
        """Cluster sizes (K,) with Laplace smoothing, so that none is zero; a code vector is its sum over this."""
        total = sizes.sum()
        return (sizes + self.smoothing) / (total + self.size * self.smoothing) * total

    @torch.no_grad()
    def reseat(self, codes: Tensor, vectors: Tensor) -> None:
        """Move some code vectors elsewhere with the weight of an average code; for start and revival."""
        vectors = vectors.to(self.codebook)
        weight = self.cluster_size.mean()
        self.codebook[codes] = vectors
        self.cluster_size[codes] = weight
        self.cluster_sum[codes] = vectors * weight
