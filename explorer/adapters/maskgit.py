"""The decoder of a MaskGIT-VQGAN, in which the first TiTok models end.

Chang, Zhang, Jiang, Liu, Freeman 2022, "MaskGIT: Masked Generative Image Transformer", arXiv 2202.04200.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from explorer.adapters.files import StateDict
from explorer.adapters.network import counted

GROUPS, EPS = 32, 1e-6


class PixelDecoder(nn.Module):
    """The decoder of a MaskGIT-VQGAN; `up.0` is the finest level."""

    def __init__(self, tensors: StateDict, name: str):
        super().__init__()
        self.conv_in, self.conv_out = (
            _convolution(tensors, f"{name}.conv_in"),
            _convolution(tensors, f"{name}.conv_out"),
        )
        self.mid = _residual(tensors, f"{name}.mid")
        self.up = nn.ModuleList()
        for level in range(counted(tensors, name + ".up.{}.")):
            parts = {"block": _residual(tensors, f"{name}.up.{level}.block")}
            if f"{name}.up.{level}.upsample_conv.weight" in tensors:
                parts["upsample_conv"] = _convolution(tensors, f"{name}.up.{level}.upsample_conv")
            self.up.append(nn.ModuleDict(parts))
        self.norm_out = nn.GroupNorm(GROUPS, tensors[f"{name}.norm_out.weight"].shape[0], eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mid(self.conv_in(x))
        for level in reversed(self.up):
            x = level["block"](x)
            if "upsample_conv" in level:
                x = level["upsample_conv"](F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.conv_out(F.silu(self.norm_out(x)))


class _Residual(nn.Module):
    """Two normalised 3x3 convolutions without biases. Where widths differ the 1x1 shortcut is fed with their OUTPUT,
    as the published weights were trained."""

    def __init__(self, tensors: StateDict, name: str):
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, tensors[f"{name}.norm1.weight"].shape[0], eps=EPS)
        self.norm2 = nn.GroupNorm(GROUPS, tensors[f"{name}.norm2.weight"].shape[0], eps=EPS)
        self.conv1, self.conv2 = _convolution(tensors, f"{name}.conv1"), _convolution(tensors, f"{name}.conv2")
        shortcut = f"{name}.nin_shortcut"
        self.nin_shortcut = _convolution(tensors, shortcut) if f"{shortcut}.weight" in tensors else None

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        return inner + (x if self.nin_shortcut is None else self.nin_shortcut(inner))


def _residual(tensors: StateDict, name: str) -> nn.Sequential:
    return nn.Sequential(*(_Residual(tensors, f"{name}.{n}") for n in range(counted(tensors, name + ".{}."))))


def _convolution(tensors: StateDict, name: str) -> nn.Conv2d:
    out, channels, kernel, _ = tensors[f"{name}.weight"].shape
    return nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=f"{name}.bias" in tensors)
