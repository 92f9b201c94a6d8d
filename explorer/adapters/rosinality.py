"""VQ-VAE-2 in the layout of rosinality/vq-vae-2-pytorch: a coarse top map and a finer bottom map.

Razavi, van den Oord, Vinyals 2019, "Generating Diverse High-Fidelity Images with VQ-VAE-2", arXiv 1906.00446.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from explorer.adapters.files import StateDict
from explorer.adapters.network import PublishedNetwork, fill, on_meta, to_signed, to_unit
from explorer.adapters.residual import ResidualLayer, decoder_reach
from explorer.core.spec import Codebook, Level
from explorer.models.blocks import first, last
from explorer.models.two_grids import BOTTOM, TOP, both
from explorer.quantizers import EMAVectorQuantizer, Quantizer


class TwoMaps(PublishedNetwork):
    """Pictures in [-1, 1]; the bottom map, stride 4, is quantized given the decoded top map, stride 8.

    skips_relu: whether residual layers hand on relu(x) or x.
    """

    def __init__(self, tensors: StateDict, skips_relu: bool):
        super().__init__()
        dim, size = tensors["quantize_t.embed"].shape
        wide, half = tensors["enc_b.blocks.2.weight"].shape[:2]
        layers = sum(name.startswith("dec.") and name.endswith(".conv.1.weight") for name in tensors)

        def residual(name: str, start: int) -> list[nn.Module]:
            numbers = range(start, start + layers)
            return [
                ResidualLayer(tensors[f"{name}.blocks.{number}.conv.1.weight"], bias=True, skips_relu=skips_relu)
                for number in numbers
            ] + [nn.ReLU()]

        def halve(channels: int, out: int) -> list[nn.Module]:
            return [nn.Conv2d(channels, out, 4, stride=2, padding=1), nn.ReLU()]

        def double(channels: int, out: int) -> nn.Module:
            return nn.ConvTranspose2d(channels, out, 4, stride=2, padding=1)

        with on_meta():
            self.top, self.bottom = EMAVectorQuantizer(size, dim), EMAVectorQuantizer(size, dim)
            self.enc_b = nn.Sequential(
                *halve(3, half), *halve(half, wide), nn.Conv2d(wide, wide, 3, padding=1), *residual("enc_b", 5)
            )
            self.enc_t = nn.Sequential(*halve(wide, half), nn.Conv2d(half, wide, 3, padding=1), *residual("enc_t", 3))
            self.quantize_conv_t = nn.Conv2d(wide, dim, 1)
            self.dec_t = nn.Sequential(nn.Conv2d(dim, wide, 3, padding=1), *residual("dec_t", 1), double(wide, dim))
            self.quantize_conv_b = nn.Conv2d(wide + dim, dim, 1)
            self.upsample_t = double(dim, dim)
            self.dec = nn.Sequential(
                nn.Conv2d(2 * dim, wide, 3, padding=1),
                *residual("dec", 1),
                double(wide, half),
                nn.ReLU(),
                double(half, 3),
            )
        reach = decoder_reach(layers)
        self.levels = (Level(TOP, TOP, 8, reach=reach + 4), Level(BOTTOM, BOTTOM, 4, reach=reach))
        self.codebooks = tuple(Codebook(name, size, dim, "euclidean") for name in (TOP, BOTTOM))
        self.multiple = 8

    @property
    def quantizers(self) -> dict[str, Quantizer]:
        return {TOP: self.top, BOTTOM: self.bottom}

    def encode(self, images: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, tuple[Tensor, Tensor]]:
        given = given or {}
        features = self.enc_b(to_signed(images))
        top_latents = last(self.quantize_conv_t(self.enc_t(features)))
        top = given[TOP] if TOP in given else self.top(top_latents).indices
        told = self.dec_t(first(self.top.vectors(top)))
        bottom_latents = last(self.quantize_conv_b(torch.cat([told, features], 1)))
        bottom = given[BOTTOM] if BOTTOM in given else self.bottom(bottom_latents).indices
        return {TOP: (top_latents, top), BOTTOM: (bottom_latents, bottom)}

    def decode(self, vectors: Mapping[str, Tensor]) -> Tensor:
        top, bottom = both(vectors, self.top, self.bottom)
        return to_unit(self.dec(torch.cat([self.upsample_t(first(top)), first(bottom)], 1)))

    def counters(self, level: str) -> dict[str, Tensor]:
        return {"running mean of uses per training batch": self.quantizers[level].cluster_size}


def network(tensors: StateDict, skips_relu: bool = True) -> TwoMaps:
    """The network of a rosinality/vq-vae-2-pytorch state dict.

    skips_relu: True for weights trained before 2021-01-23, when the first ReLU of a residual layer was in place,
    like the released vqvae_560.pt; nothing in a file says which it is.
    """
    module = TwoMaps(tensors, skips_relu)
    turned = StateDict(tensors, tensors.file)
    for name in ("quantize_t.embed", "quantize_b.embed", "quantize_t.embed_avg", "quantize_b.embed_avg"):
        turned[name] = tensors[name].t().contiguous()  # code k is COLUMN k of the file's
    fill(module, turned, _published)
    return module


def _published(name: str) -> str:
    part, _, rest = name.partition(".")
    if part in (TOP, BOTTOM):
        return f"quantize_{part[0]}." + {"codebook": "embed", "cluster_sum": "embed_avg"}.get(rest, rest)
    rest = rest.replace("wide.", "conv.1.").replace("pointwise.", "conv.3.")
    return f"{part}.blocks.{rest}" if part in ("enc_b", "enc_t", "dec_t", "dec") else f"{part}.{rest}"
