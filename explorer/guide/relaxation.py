"""One draw of the Gumbel-softmax: the weights that a temperature gives to the codes of a cell.

Jang, Gu, Poole 2016, arXiv 1611.01144.
"""

from typing import Any

import numpy as np
import torch

from explorer.quantizers.gumbel import GumbelQuantizer
from explorer.quantizers.seeded import seeded


def relaxed(logits: np.ndarray, temperature: float, seed: int, shown: int = 10) -> dict[str, Any]:
    """Of logits (K,): the likeliest codes, their probabilities and the weights of one draw.

    {"codes", "probabilities", "weights": of those, "rest": weight of all others, "largest": the code with the largest
    weight and that weight, "kl": to the uniform distribution, in nats}.
    """
    given = torch.from_numpy(logits.astype(np.float32))
    quantizer = GumbelQuantizer(len(given), len(given), temperature)
    quantizer.codebook.data = torch.eye(len(given))  # so that the mixed vector is the weights themselves
    with seeded(seed), torch.no_grad():
        found = quantizer(given[None])
    weights, chances = found.quantized[0], given.softmax(0)
    codes = chances.topk(min(shown, len(given))).indices
    return {
        "codes": codes.tolist(),
        "probabilities": chances[codes].tolist(),
        "weights": weights[codes].tolist(),
        "rest": float(1 - weights[codes].sum()),
        "largest": [int(weights.argmax()), float(weights.max())],
        "kl": found.losses["kl"].item(),
    }
