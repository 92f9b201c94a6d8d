"""The vision tokenizer of Emu3, made for videos, on single pictures; hosted in transformers' modules.

Wang et al. 2024, "Emu3: Next-Token Prediction is All You Need", arXiv 2409.18869; its decoder is modulated by the
codes, as in MoVQ (Zheng, Vuong, Cai, Phung 2022, arXiv 2209.09002).
"""

from typing import Any

from torch import Tensor

from explorer.adapters.files import StateDict
from explorer.adapters.network import OneLevelNetwork, counted, fill, on_meta, to_signed, to_unit
from explorer.models.blocks import last
from explorer.quantizers import VectorQuantizer

_BOOK = "quantize.embedding.weight"


class StillEmu3(OneLevelNetwork):
    """Pictures in [-1, 1], shown as a film of as many equal frames as one code covers; its first frame is taken."""

    def __init__(self, tensors: StateDict):
        from transformers.models.emu3.configuration_emu3 import Emu3VQVAEConfig
        from transformers.models.emu3.modeling_emu3 import Emu3VQVAE

        config = Emu3VQVAEConfig(**_config(tensors))
        with on_meta():
            quantizer = VectorQuantizer(*tensors[_BOOK].shape)
            hosted = Emu3VQVAE(config)
        super().__init__(quantizer, "euclidean", stride=2 ** (len(config.channel_multiplier) - 1))
        self.encoder, self.quant_conv = hosted.encoder, hosted.quant_conv
        self.post_quant_conv, self.decoder = hosted.post_quant_conv, hosted.decoder
        self.frames = config.temporal_downsample_factor

    def latents(self, images: Tensor) -> Tensor:
        film = to_signed(images).unsqueeze(1).repeat(1, self.frames, 1, 1, 1)
        z = self.quant_conv(self.encoder(film).permute(0, 2, 1, 3, 4))
        return last(z.squeeze(2))

    def pictures(self, vectors: Tensor) -> Tensor:
        z = vectors.permute(0, 3, 1, 2).unsqueeze(2)  # (B, D, time, h, w)
        film = self.decoder(self.post_quant_conv(z).permute(0, 2, 1, 3, 4), z.permute(0, 2, 1, 3, 4))
        return to_unit(film.unflatten(0, (len(vectors), self.frames))[:, 0])


def network(tensors: StateDict) -> StillEmu3:
    """The network of the state dict of BAAI/Emu3-VisionTokenizer."""
    module = StillEmu3(tensors)
    fill(module, tensors, published_name)
    return module


def published_name(name: str) -> str:
    """The authors' name of a tensor of transformers' Emu3VQVAE, whose parts were grouped anew."""
    for ours, theirs in _PARTS.items():
        name = name.replace(ours, theirs)
    before, _, after = name.partition(".attn_norms.")
    if after:
        number, _, rest = after.partition(".")
        name = f"{before}.attn.{number}.norm.{rest}"
    return name


_PARTS = {
    "quantizer.codebook": _BOOK,
    "down_block.down.": "down.",
    "up_block.up.": "up.",
    "middle_block.attn_norm.": "mid.attn_1.norm.",
    "middle_block.": "mid.",
    "q_proj": "q",
    "k_proj": "k",
    "v_proj": "v",
    "out_proj": "proj_out",
}


def _config(tensors: StateDict) -> dict[str, Any]:
    """What transformers wants to be told, read off the tensors."""
    levels = counted(tensors, "encoder.down.{}.")
    base, colours = tensors["encoder.conv_in.weight"].shape[:2]
    widths = [tensors[f"encoder.down.{level}.block.0.conv1.weight"].shape[0] for level in range(levels)]
    size, dim = tensors[_BOOK].shape
    return {
        "codebook_size": size,
        "embed_dim": dim,
        "latent_channels": tensors["encoder.conv_out.weight"].shape[0],
        "in_channels": colours,
        "out_channels": tensors["decoder.conv_out.weight"].shape[0],
        "temporal_downsample_factor": 2 ** counted(tensors, "encoder.time_conv.{}."),
        "base_channels": base,
        "channel_multiplier": [width // base for width in widths],
        "num_res_blocks": counted(tensors, "encoder.down.0.block.{}."),
        "attn_resolutions": [level for level in range(levels) if f"encoder.down.{level}.attn.0.q.weight" in tensors],
        "hidden_size": widths[-1],
    }
