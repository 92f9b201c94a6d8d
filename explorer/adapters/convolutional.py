"""The encoder and decoder of Esser, Rombach, Ommer 2021 (VQGAN, arXiv 2012.09841) in diffusers' modules.

Latent diffusion, LlamaGen, VAR and the Cosmos tokenizer use the same blocks under other names. Widths, depths,
halvings and the places of attention are read off the tensors, named as taming-transformers names them.
"""

import re
from collections.abc import Callable

from torch import nn

from explorer.adapters.files import StateDict
from explorer.adapters.network import counted

EPS = 1e-6
GROUPS = 32


def encoder(tensors: StateDict) -> nn.Module:
    """The module of the tensors `encoder.*`, without values."""
    from diffusers.models.autoencoders.vae import Encoder
    from diffusers.models.downsampling import Downsample2D

    widths = _widths(tensors, "encoder.down")
    with_attention = [f"encoder.down.{level}.attn.0.norm.weight" in tensors for level in range(len(widths))]
    module = Encoder(
        in_channels=tensors["encoder.conv_in.weight"].shape[1],
        out_channels=tensors["encoder.conv_out.weight"].shape[0],
        down_block_types=[("Attn" if attention else "") + "DownEncoderBlock2D" for attention in with_attention],
        block_out_channels=widths,
        layers_per_block=counted(tensors, "encoder.down.0.block.{}."),
        norm_num_groups=GROUPS,
        double_z=False,
        mid_block_add_attention="encoder.mid.attn_1.norm.weight" in tensors,
    )
    _widen_start(module, tensors, widths[0])
    for level, block in enumerate(module.down_blocks):
        halves = f"encoder.down.{level}.downsample.conv.weight" in tensors
        width = widths[level]
        block.downsamplers = (
            nn.ModuleList([Downsample2D(width, use_conv=True, padding=0, name="op")]) if halves else None
        )
    return module


def decoder(tensors: StateDict) -> nn.Module:
    """The module of the tensors `decoder.*`, without values; `decoder.up.0` is the finest level."""
    from diffusers.models.autoencoders.vae import Decoder
    from diffusers.models.upsampling import Upsample2D

    widths = _widths(tensors, "decoder.up")
    coarse_first = list(reversed(range(len(widths))))
    with_attention = [f"decoder.up.{level}.attn.0.norm.weight" in tensors for level in coarse_first]
    module = Decoder(
        in_channels=tensors["decoder.conv_in.weight"].shape[1],
        out_channels=tensors["decoder.conv_out.weight"].shape[0],
        up_block_types=[("Attn" if attention else "") + "UpDecoderBlock2D" for attention in with_attention],
        block_out_channels=widths,
        layers_per_block=counted(tensors, "decoder.up.0.block.{}.") - 1,
        norm_num_groups=GROUPS,
        mid_block_add_attention="decoder.mid.attn_1.norm.weight" in tensors,
    )
    for level, block in zip(coarse_first, module.up_blocks, strict=True):
        doubles = f"decoder.up.{level}.upsample.conv.weight" in tensors
        block.upsamplers = nn.ModuleList([Upsample2D(widths[level], use_conv=True)]) if doubles else None
    return module


def halvings(tensors: StateDict) -> int:
    """How often the encoder halves the sides of its input."""
    return sum(name.endswith("downsample.conv.weight") for name in tensors if name.startswith("encoder."))


def taming_names(tensors: StateDict) -> Callable[[str], str]:
    """From a name in diffusers' modules, with `encoder.` or `decoder.` before it, to that in taming-transformers."""
    levels = counted(tensors, "decoder.up.{}.")

    def published(name: str) -> str:
        # down_blocks.i and up_blocks.i hold resnets, attentions and one halving or doubling each
        name = re.sub(r"\bdown_blocks\.", "down.", name)
        name = re.sub(r"\bup_blocks\.(\d+)\.", lambda found: f"up.{levels - 1 - int(found[1])}.", name)
        name = re.sub(r"\bmid_block\.resnets\.(\d)", lambda found: f"mid.block_{int(found[1]) + 1}", name)
        name = re.sub(r"\bmid_block\.attentions\.0", "mid.attn_1", name)
        for ours, theirs in _PARTS.items():
            name = name.replace(ours, theirs)
        return name

    return published


_PARTS = {
    ".resnets.": ".block.",
    ".attentions.": ".attn.",
    ".downsamplers.0.": ".downsample.",
    ".upsamplers.0.": ".upsample.",
    "conv_shortcut": "nin_shortcut",
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
    "conv_norm_out": "norm_out",
}


def _widths(tensors: StateDict, side: str) -> list[int]:
    levels = max(1, counted(tensors, side + ".{}."))
    return [tensors[f"{side}.{level}.block.0.conv1.weight"].shape[0] for level in range(levels)]


def _widen_start(module: nn.Module, tensors: StateDict, width: int) -> None:
    """diffusers' encoder starts at the width of its first level; the original may start narrower."""
    from diffusers.models.resnet import ResnetBlock2D

    start, channels = tensors["encoder.conv_in.weight"].shape[:2]
    if start == width:
        return
    module.conv_in = nn.Conv2d(channels, start, 3, padding=1)
    module.down_blocks[0].resnets[0] = ResnetBlock2D(
        in_channels=start, out_channels=width, temb_channels=None, groups=GROUPS, eps=EPS
    )
