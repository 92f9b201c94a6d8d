"""Open-MAGVIT2: lookup-free quantization, up to 2^18 codes, with a decoder modulated by the whole code map.

Luo, Shi, Ge, Yang, Wang, Shan 2024, "Open-MAGVIT2", arXiv 2409.04410; after Yu et al. 2023 (MAGVIT-v2),
arXiv 2310.05737.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from explorer.adapters.files import StateDict
from explorer.adapters.network import OneLevelNetwork, counted, fill, on_meta, to_signed, to_unit
from explorer.models.blocks import first, last
from explorer.quantizers import LookupFreeQuantizer

GROUPS, EPS = 32, 1e-6

_AVERAGED = "model_ema."
_NOT_THE_TOKENIZER = ("loss.", "model_ema.decay", "model_ema.num_updates", "model_ema.loss")


class OpenMAGVIT2(OneLevelNetwork):
    """Pictures in [-1, 1]; bit d is the sign of channel d, channel 0 the lowest; global."""

    def __init__(self, tensors: StateDict):
        bits, levels = tensors["encoder.conv_out.weight"].shape[0], counted(tensors, "encoder.down.{}.")
        super().__init__(
            LookupFreeQuantizer(bits), "grid", radices=(2,) * bits, variant="sign, 0 to -1", stride=2 ** (levels - 1)
        )
        with on_meta():
            self.encoder, self.decoder = _Encoder(tensors, levels), _Decoder(tensors, levels)

    def latents(self, images: Tensor) -> Tensor:
        return last(self.encoder(to_signed(images)))

    def pictures(self, vectors: Tensor) -> Tensor:
        return to_unit(self.decoder(first(vectors)))


class _Encoder(nn.Module):
    def __init__(self, tensors: StateDict, levels: int):
        super().__init__()
        self.conv_in = _convolution(tensors, "encoder.conv_in")
        self.down = nn.ModuleList(_level(tensors, f"encoder.down.{level}", "downsample") for level in range(levels))
        self.mid_block = _blocks(tensors, "encoder.mid_block")
        self.norm_out = _norm(tensors, "encoder.norm_out")
        self.conv_out = _convolution(tensors, "encoder.conv_out")

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for level in self.down:
            x = level["block"](x)
            x = level["downsample"](x) if "downsample" in level else x
        return self.conv_out(F.silu(self.norm_out(self.mid_block(x))))


class _Decoder(nn.Module):
    def __init__(self, tensors: StateDict, levels: int):
        super().__init__()
        self.conv_in = _convolution(tensors, "decoder.conv_in")
        self.mid_block = _blocks(tensors, "decoder.mid_block")
        self.up = nn.ModuleList(_level(tensors, f"decoder.up.{level}", "upsample") for level in range(levels))
        self.adaptive = nn.ModuleList(_Modulation(tensors, f"decoder.adaptive.{level}") for level in range(levels))
        self.norm_out = _norm(tensors, "decoder.norm_out")
        self.conv_out = _convolution(tensors, "decoder.conv_out")

    def forward(self, codes: Tensor) -> Tensor:
        x = self.mid_block(self.conv_in(codes))
        for level, modulation in zip(reversed(self.up), reversed(self.adaptive), strict=True):
            x = level["block"](modulation(x, codes))
            x = _to_space(level["upsample"]["conv1"](x)) if "upsample" in level else x
        return self.conv_out(F.silu(self.norm_out(x)))


class _Block(nn.Module):
    """Two normalised 3x3 convolutions without biases, and a skip that is a 1x1 convolution where widths differ."""

    def __init__(self, tensors: StateDict, name: str):
        super().__init__()
        self.norm1, self.norm2 = _norm(tensors, f"{name}.norm1"), _norm(tensors, f"{name}.norm2")
        self.conv1, self.conv2 = _convolution(tensors, f"{name}.conv1"), _convolution(tensors, f"{name}.conv2")
        shortcut = f"{name}.nin_shortcut"
        self.nin_shortcut = _convolution(tensors, shortcut) if f"{shortcut}.weight" in tensors else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(F.silu(self.norm1(x)))
        return self.conv2(F.silu(self.norm2(inner))) + self.nin_shortcut(x)


class _Modulation(nn.Module):
    """Group normalisation whose scale and shift come from the code map's standard deviation and mean."""

    def __init__(self, tensors: StateDict, name: str):
        super().__init__()
        width, bits = tensors[f"{name}.gamma.weight"].shape
        self.gamma, self.beta = nn.Linear(bits, width), nn.Linear(bits, width)

    def forward(self, x: Tensor, codes: Tensor) -> Tensor:
        cells = codes.flatten(2)
        scale = self.gamma((cells.var(-1) + EPS).sqrt())[..., None, None]
        shift = self.beta(cells.mean(-1))[..., None, None]
        return scale * F.group_norm(x, GROUPS, eps=EPS) + shift


def _level(tensors: StateDict, name: str, resampling: str) -> nn.ModuleDict:
    parts = {"block": _blocks(tensors, f"{name}.block")}
    if f"{name}.downsample.weight" in tensors:
        parts["downsample"] = _convolution(tensors, f"{name}.downsample", stride=2)
    if f"{name}.upsample.conv1.weight" in tensors:
        parts["upsample"] = nn.ModuleDict({"conv1": _convolution(tensors, f"{name}.upsample.conv1")})
    return nn.ModuleDict(parts)


def _blocks(tensors: StateDict, name: str) -> nn.Sequential:
    return nn.Sequential(*(_Block(tensors, f"{name}.{number}") for number in range(counted(tensors, name + ".{}."))))


def _norm(tensors: StateDict, name: str) -> nn.GroupNorm:
    return nn.GroupNorm(GROUPS, tensors[f"{name}.weight"].shape[0], eps=EPS)


def _convolution(tensors: StateDict, name: str, stride: int = 1) -> nn.Conv2d:
    out, channels, kernel, _ = tensors[f"{name}.weight"].shape
    return nn.Conv2d(channels, out, kernel, stride, padding=kernel // 2, bias=f"{name}.bias" in tensors)


def _to_space(x: Tensor) -> Tensor:
    """(B, 4 C, h, w) to (B, C, 2h, 2w); the four places are the SLOWEST part of the channels, unlike pixel_shuffle."""
    batch, channels, height, width = x.shape
    squares = x.reshape(batch, 2, 2, channels // 4, height, width)
    return squares.permute(0, 3, 4, 1, 5, 2).reshape(batch, channels // 4, 2 * height, 2 * width)


def network(tensors: StateDict) -> OpenMAGVIT2:
    """The network of an Open-MAGVIT2 state dict, with the averaged weights where the file has them, as its authors
    evaluate it."""
    module = OpenMAGVIT2(tensors)
    if any(name.startswith(_AVERAGED) for name in tensors):
        raw = ("encoder.", "decoder.")
        fill(module, tensors, lambda name: _AVERAGED + name.replace(".", ""), ignored=(*raw, *_NOT_THE_TOKENIZER))
    else:
        fill(module, tensors, ignored=_NOT_THE_TOKENIZER)
    return module
