"""VQ-VAE in the layout of MishaLaskin/vqvae: the network of the VQ-VAE paper for 32 x 32 pictures.

van den Oord, Vinyals, Kavukcuoglu 2017, "Neural Discrete Representation Learning", arXiv 1711.00937.
"""

import re

from torch import Tensor, nn

from explorer.adapters.files import StateDict
from explorer.adapters.network import OneLevelNetwork, counted, fill, on_meta, to_signed, to_unit
from explorer.adapters.residual import ResidualLayer, decoder_reach
from explorer.models.blocks import first, last
from explorer.quantizers import VectorQuantizer

_ENCODER, _DECODER = "encoder.conv_stack", "decoder.inverse_conv_stack"
_BOOK = "vector_quantization.embedding.weight"


class FirstVQVAE(OneLevelNetwork):
    """Two strided convolutions to stride 4, residual layers that share one weight, and the mirror of it all."""

    def __init__(self, tensors: StateDict):
        layers = counted(tensors, _DECODER + ".1.stack.{}.")
        with on_meta():
            quantizer = VectorQuantizer(*tensors[_BOOK].shape)
        super().__init__(quantizer, "euclidean", stride=4, reach=decoder_reach(layers))
        half, channels = tensors[f"{_ENCODER}.0.weight"].shape[:2]
        wide = tensors[f"{_ENCODER}.2.weight"].shape[0]
        with on_meta():
            self.encoder = nn.Sequential(
                nn.Conv2d(channels, half, 4, stride=2, padding=1),
                nn.ReLU(),
                nn.Conv2d(half, wide, 4, stride=2, padding=1),
                nn.ReLU(),
                nn.Conv2d(wide, wide, 3, padding=1),
                _stack(tensors, f"{_ENCODER}.5.stack"),
            )
            self.before = nn.Conv2d(wide, quantizer.dim, 1)
            self.decoder = nn.Sequential(
                nn.ConvTranspose2d(quantizer.dim, wide, 3, padding=1),
                _stack(tensors, f"{_DECODER}.1.stack"),
                nn.ConvTranspose2d(wide, half, 4, stride=2, padding=1),
                nn.ReLU(),
                nn.ConvTranspose2d(half, channels, 4, stride=2, padding=1),
            )

    def latents(self, images: Tensor) -> Tensor:
        return last(self.before(self.encoder(to_signed(images))))

    def pictures(self, vectors: Tensor) -> Tensor:
        return to_unit(self.decoder(first(vectors)))


def network(tensors: StateDict) -> FirstVQVAE:
    """The network of a MishaLaskin/vqvae state dict."""
    module = FirstVQVAE(tensors)
    fill(module, tensors, _published)
    return module


def _stack(tensors: StateDict, name: str) -> nn.Sequential:
    """Residual layers, then a ReLU. The file lists one shared layer several times."""
    layers = [
        ResidualLayer(tensors[f"{name}.{number}.res_block.1.weight"], bias=False, skips_relu=True)
        for number in range(counted(tensors, name + ".{}."))
    ]
    return nn.Sequential(*layers, nn.ReLU())


def _published(name: str) -> str:
    name = re.sub(r"^(encoder\.5|decoder\.1)\.(\d+)\.", r"\1.stack.\2.", name)
    name = name.replace(".wide.", ".res_block.1.").replace(".pointwise.", ".res_block.3.")
    name = re.sub(r"^encoder", _ENCODER, name)
    name = re.sub(r"^decoder", _DECODER, name)
    return name.replace("quantizer.codebook", _BOOK).replace("before.", "pre_quantization_conv.")
