"""VQGAN as taming-transformers and latent-diffusion publish it, with a nearest-code or a Gumbel quantizer.

Esser, Rombach, Ommer 2021, "Taming Transformers for High-Resolution Image Synthesis", arXiv 2012.09841;
Rombach, Blattmann, Lorenz, Esser, Ommer 2022, arXiv 2112.10752.
"""

from torch import Tensor, nn

from explorer.adapters.convolutional import decoder, encoder, halvings, taming_names
from explorer.adapters.files import StateDict
from explorer.adapters.network import OneLevelNetwork, fill, on_meta, to_signed, to_unit
from explorer.models.blocks import first, last
from explorer.quantizers import GumbelQuantizer, NormalizedVectorQuantizer, Quantizer, VectorQuantizer

TRAINING_ONLY = ("loss.",)


class VQGAN(OneLevelNetwork):
    """Pictures in [-1, 1]; 1x1 convolutions around the quantizer; global: its normalisation spans the picture.

    For a Gumbel quantizer `quant_conv` is followed by the 1x1 convolution that gives the logits.
    """

    def __init__(self, tensors: StateDict, quantizer: Quantizer, metric: str):
        super().__init__(quantizer, metric, stride=2 ** halvings(tensors))
        with on_meta():
            self.encoder, self.decoder = encoder(tensors), decoder(tensors)
            self.quant_conv = _pointwise(tensors, "quant_conv")
            self.post_quant_conv = _pointwise(tensors, "post_quant_conv")
            if metric == "logit":
                self.logits = _pointwise(tensors, "quantize.proj")

    def latents(self, images: Tensor) -> Tensor:
        z = self.quant_conv(self.encoder(to_signed(images)))
        # The original samples with Gumbel noise even when it encodes; the codes are those of the largest logits.
        return last(self.logits(z) if hasattr(self, "logits") else z)

    def pictures(self, vectors: Tensor) -> Tensor:
        return to_unit(self.decoder(self.post_quant_conv(first(vectors))))


def network(tensors: StateDict) -> VQGAN:
    """The network of a taming-transformers or latent-diffusion state dict."""
    gumbel = "quantize.embed.weight" in tensors
    book = "quantize.embed.weight" if gumbel else "quantize.embedding.weight"
    return built(tensors, GumbelQuantizer if gumbel else VectorQuantizer, book, TRAINING_ONLY)


def built(tensors: StateDict, kind: type[Quantizer], book: str, ignored: tuple[str, ...]) -> VQGAN:
    """The filled network of tensors with taming's names, its quantizer of a kind and its code vectors in `book`."""
    with on_meta():
        quantizer = kind(*tensors[book].shape)
    metric = {VectorQuantizer: "euclidean", NormalizedVectorQuantizer: "cosine", GumbelQuantizer: "logit"}[kind]
    module = VQGAN(tensors, quantizer, metric)
    names = taming_names(tensors)
    ours = {"quantizer.codebook": book, "logits.weight": "quantize.proj.weight", "logits.bias": "quantize.proj.bias"}
    fill(module, tensors, lambda name: ours.get(name) or names(name), ignored)
    return module


def _pointwise(tensors: StateDict, name: str) -> nn.Conv2d:
    out, channels = tensors[f"{name}.weight"].shape[:2]
    return nn.Conv2d(channels, out, 1)
