"""The discrete VAE of DALL-E: a logit for each of 8,192 codes per cell, and a strictly local decoder.

Ramesh, Pavlov, Goh, Gray, Voss, Radford, Chen, Sutskever 2021, "Zero-Shot Text-to-Image Generation",
arXiv 2102.12092. The files are published as pickled modules; `explorer.adapters.convert_dall_e` turns them into
the state dict that is read here, with the prefixes `encoder.` and `decoder.`.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from explorer.adapters.files import StateDict
from explorer.adapters.network import OneLevelNetwork, counted, fill, on_meta
from explorer.models.blocks import first, last
from explorer.quantizers import GumbelQuantizer

MARGIN = 0.1
"""Pictures are squeezed into [MARGIN, 1 - MARGIN], where the decoder's sigmoid is steep."""

_BOOK = "decoder.blocks.input.w"


class DiscreteVAE(OneLevelNetwork):
    """Codes are the largest logits. A code vector is a column of the decoder's first, 1x1, convolution."""

    def __init__(self, tensors: StateDict):
        groups = counted(tensors, "decoder.blocks.group_{}.", start=1)
        blocks = counted(tensors, "decoder.blocks.group_1.block_{}.", start=1)
        stride = 2 ** (groups - 1)
        with on_meta():
            quantizer = GumbelQuantizer(*reversed(tensors[_BOOK].shape[:2]))
        # Each block has three 3x3 convolutions; group by group a cell of theirs is half as wide.
        super().__init__(quantizer, "logit", stride=stride, reach=3 * blocks * (2 * stride - 1))
        with on_meta():
            self.encoder = _side(tensors, "encoder", nn.MaxPool2d(2), groups, blocks)
            self.decoder = _side(tensors, "decoder", nn.Upsample(scale_factor=2, mode="nearest"), groups, blocks)
            self.bias = nn.Parameter(torch.empty(quantizer.dim))

    def latents(self, images: Tensor) -> Tensor:
        return last(self.encoder((1 - 2 * MARGIN) * images + MARGIN))

    def pictures(self, vectors: Tensor) -> Tensor:
        means = torch.sigmoid(self.decoder(first(vectors + self.bias))[:, :3])
        return (means - MARGIN) / (1 - 2 * MARGIN)


class _Block(nn.Module):
    """x, perhaps made wider, + gain * four convolutions of x."""

    def __init__(self, tensors: StateDict, name: str, gain: float):
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for number in range(1, 5):
            layers[f"relu_{number}"] = nn.ReLU()
            layers[f"conv_{number}"] = _convolution(tensors, f"{name}.res_path.conv_{number}")
        self.res_path, self.gain = nn.Sequential(layers), gain
        wider = f"{name}.id_path.w" in tensors
        self.id_path = _convolution(tensors, f"{name}.id_path") if wider else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.id_path(x) + self.gain * self.res_path(x)


def _side(tensors: StateDict, side: str, between: nn.Module, groups: int, blocks: int) -> nn.Sequential:
    """The encoder, or the decoder after its lookup: groups of blocks with a halving or doubling between them."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    if side == "encoder":
        parts["input"] = _convolution(tensors, "encoder.blocks.input")
    for group in range(1, groups + 1):
        name, gain = f"{side}.blocks.group_{group}", 1 / (groups * blocks) ** 2
        members = OrderedDict((f"block_{n}", _Block(tensors, f"{name}.block_{n}", gain)) for n in range(1, blocks + 1))
        parts[f"group_{group}"] = nn.Sequential(members)
        if group < groups:
            parts[f"between_{group}"] = between
    output = OrderedDict(relu=nn.ReLU(), conv=_convolution(tensors, f"{side}.blocks.output.conv"))
    parts["output"] = nn.Sequential(output)
    return nn.Sequential(OrderedDict(blocks=nn.Sequential(parts)))


def _convolution(tensors: StateDict, name: str) -> nn.Conv2d:
    out, channels, kernel, _ = tensors[f"{name}.w"].shape
    return nn.Conv2d(channels, out, kernel, padding=(kernel - 1) // 2)


def network(tensors: StateDict) -> DiscreteVAE:
    """The network of the converted state dicts of encoder and decoder."""
    module = DiscreteVAE(tensors)
    book = StateDict(tensors, tensors.file)
    book[_BOOK] = tensors[_BOOK][:, :, 0, 0].t().contiguous()  # (K, D)
    ours = {"quantizer.codebook": _BOOK, "bias": "decoder.blocks.input.b"}

    def published(name: str) -> str:
        return ours.get(name) or name.replace(".weight", ".w").replace(".bias", ".b")

    fill(module, book, published)
    return module
