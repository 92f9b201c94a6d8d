"""The discrete image tokenizers of Cosmos (DI8x8, DI16x16): wavelets, a VQGAN's network, 64,000 FSQ codes.

NVIDIA 2024, Cosmos-Tokenizer, github.com/NVIDIA/Cosmos-Tokenizer; FSQ: Mentzer, Minnen, Agustsson, Tschannen
2023, arXiv 2309.15505, in the variant (1 + eps), atanh. The published TorchScript programs compute in bfloat16;
here the network is rebuilt in float32 and given their tensors.
"""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from explorer.adapters.convolutional import decoder, encoder, halvings, taming_names
from explorer.adapters.files import StateDict
from explorer.adapters.haar import analyse, synthesise
from explorer.adapters.network import OneLevelNetwork, fill, on_meta, to_signed, to_unit
from explorer.core.errors import CheckpointError
from explorer.models.blocks import first, last
from explorer.quantizers import FiniteScalarQuantizer

LEVELS = (8, 8, 8, 5, 5, 5)

_COMPUTED = ("quantizer.", "inv_quant.", "encoder.patcher.", "decoder.unpatcher.")
"""Buffers that TorchScript files carry and that follow from the levels."""


class CosmosDI(OneLevelNetwork):
    """Pictures in [-1, 1]; first digit fastest; global, by its normalisation and attention."""

    def __init__(self, tensors: StateDict, levels: Sequence[int]):
        wavelets = int(math.log2(tensors["encoder.conv_in.weight"].shape[1] / 3)) // 2
        super().__init__(
            FiniteScalarQuantizer(levels, "atanh"),
            "grid",
            radices=tuple(levels),
            variant="atanh",
            stride=2 ** (wavelets + halvings(tensors)),
        )
        self.wavelets = wavelets
        outside, inside = tensors["post_quant_conv.weight"].shape[:2]
        with on_meta():
            self.encoder, self.decoder = encoder(tensors), decoder(tensors)
            self.quant_conv, self.post_quant_conv = nn.Conv2d(outside, inside, 1), nn.Conv2d(inside, outside, 1)

    def latents(self, images: Tensor) -> Tensor:
        return last(self.quant_conv(self.encoder(analyse(to_signed(images), self.wavelets))))

    def pictures(self, vectors: Tensor) -> Tensor:
        return to_unit(synthesise(self.decoder(self.post_quant_conv(first(vectors))), self.wavelets))


def network(tensors: StateDict, levels: Sequence[int] = LEVELS) -> CosmosDI:
    """The network of the tensors of encoder.jit and decoder.jit; their own levels win over `levels`."""
    stored = tensors.get("quantizer._levels")
    levels = tuple(levels) if stored is None or stored.is_meta else tuple(stored.tolist())
    channels = tensors["quant_conv.weight"].shape[0]
    if len(levels) != channels:
        raise CheckpointError(f"{tensors.file} gives {channels} digits per code, but the levels are {levels}.")
    module = CosmosDI(tensors, levels)
    fill(module, tensors, taming_names(tensors), ignored=_COMPUTED)
    return module
