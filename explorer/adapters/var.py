"""The multi-scale residual tokenizer of VAR: ten maps from 1 x 1 to 16 x 16 cells that share a codebook.

Tian, Jiang, Yuan, Peng, Wang 2024, "Visual Autoregressive Modeling: Scalable Image Generation via Next-Scale
Prediction", arXiv 2404.02905.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.adapters.convolutional import decoder, encoder, halvings, taming_names
from explorer.adapters.files import StateDict
from explorer.adapters.network import CODES, PublishedNetwork, fill, on_meta, to_signed, to_unit
from explorer.core.spec import Codebook, Level
from explorer.models.blocks import first, last
from explorer.quantizers import Quantizer, VectorQuantizer

GRIDS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16)
MIX = 0.5
"""Share of a scale's convolution in what it adds; the rest is the plain enlarged map."""

_CONVOLUTIONS = "quantize.quant_resi.qresi_ls"


class MultiScale(PublishedNetwork):
    """Pictures in [-1, 1] of one size. Every scale codes, at its grid, what the coarser ones left over."""

    def __init__(self, tensors: StateDict, grids: Sequence[int]):
        super().__init__()
        size, dim = tensors["quantize.embedding.weight"].shape
        stride, self.grids = 2 ** halvings(tensors), tuple(grids)
        self.side = self.multiple = stride * grids[-1]
        self.codebooks = (Codebook(CODES, size, dim, "euclidean"),)
        self.levels = tuple(
            Level(_name(n), CODES, self.side // n if self.side % n == 0 else None, grid=(n, n)) for n in grids
        )
        with on_meta():
            self.quantizer = VectorQuantizer(size, dim)
            self.encoder, self.decoder = encoder(tensors), decoder(tensors)
            self.quant_conv = nn.Conv2d(*_channels(tensors, "quant_conv"), 3, padding=1)
            self.post_quant_conv = nn.Conv2d(*_channels(tensors, "post_quant_conv"), 3, padding=1)
            shared = sum(name.startswith(_CONVOLUTIONS) for name in tensors) // 2
            self.scale_convolutions = nn.ModuleList(nn.Conv2d(dim, dim, 3, padding=1) for _ in range(shared))

    @property
    def quantizers(self) -> dict[str, Quantizer]:
        return {level.name: self.quantizer for level in self.levels}

    def encode(self, images: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, tuple[Tensor, Tensor]]:
        rest, found = self.quant_conv(self.encoder(to_signed(images))), {}
        for number, grid in enumerate(self.grids):
            name, finest = _name(grid), number == len(self.grids) - 1
            z = last(rest if finest else F.interpolate(rest, (grid, grid), mode="area"))
            indices = given[name] if given and name in given else self.quantizer(z).indices
            rest = rest - self._added(number, self.quantizer.vectors(indices))
            found[name] = z, indices
        return found

    def decode(self, vectors: Mapping[str, Tensor]) -> Tensor:
        """A missing scale adds nothing."""
        parts = [self._added(n, vectors[_name(grid)]) for n, grid in enumerate(self.grids) if _name(grid) in vectors]
        return to_unit(self.decoder(self.post_quant_conv(torch.stack(parts).sum(0))))

    def _added(self, number: int, vectors: Tensor) -> Tensor:
        """What a scale adds to the map (B, D, h, w) that is decoded."""
        finest = self.grids[-1]
        z = first(vectors)
        if self.grids[number] != finest:
            z = F.interpolate(z, (finest, finest), mode="bicubic")
        convolution = self.scale_convolutions[self._convolution_of(number)]
        return z * (1 - MIX) + convolution(z) * MIX

    def _convolution_of(self, number: int) -> int:
        """The convolution whose place in [0, 1] is nearest; the first and last lie a third of a step inside."""
        count = len(self.scale_convolutions)
        inside = 1 / 3 / count if count == 4 else 1 / 2 / count
        places = torch.linspace(inside, 1 - inside, count, dtype=torch.float64)
        return int((places - number / (len(self.grids) - 1)).abs().argmin())


def network(tensors: StateDict, grids: Sequence[int] = GRIDS) -> MultiScale:
    """The network of VAR's vae_*.pth; `grids` as it was trained."""
    hits = tensors["quantize.ema_vocab_hit_SV"]
    others = StateDict({name: t for name, t in tensors.items() if t is not hits}, tensors.file)
    split = _with_separate_attention(others)
    module = MultiScale(split, grids)
    names = taming_names(split)

    def published(name: str) -> str:
        if name == "quantizer.codebook":
            return "quantize.embedding.weight"
        return names(name.replace("scale_convolutions", _CONVOLUTIONS))

    fill(module, split, published)
    what = "running mean of uses per training batch"
    module.tallies = {level.name: {what: row} for level, row in zip(module.levels, hits, strict=True)}
    return module


def _with_separate_attention(tensors: StateDict) -> StateDict:
    """One convolution gives queries, keys and values; here each gets its own third."""
    split = StateDict({}, tensors.file)
    for name, tensor in tensors.items():
        if ".qkv." in name:
            split |= {name.replace("qkv", part): third for part, third in zip("qkv", tensor.chunk(3), strict=True)}
        else:
            split[name] = tensor
    return split


def _channels(tensors: StateDict, name: str) -> tuple[int, int]:
    out, channels = tensors[f"{name}.weight"].shape[:2]
    return channels, out


def _name(grid: int) -> str:
    return f"{grid} x {grid}"
