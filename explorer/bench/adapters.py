"""A published network inside our Tokenizer against the library's own calls on the same weights, random ones."""

import numpy as np
import torch
from diffusers import VQModel

from explorer.adapters.families import Facts, build_tokenizer
from explorer.adapters.files import StateDict
from explorer.bench.measure import Row, alternate

SIDE = 128
OVERHEAD = 1.05
FACTS = Facts("bench", "Bench", "random weights", "nothing", "made here", "none", "0" * 64)
LEVELS = 3
CONFIG = {
    "down_block_types": ["DownEncoderBlock2D"] * LEVELS,
    "up_block_types": ["UpDecoderBlock2D"] * LEVELS,
    "block_out_channels": [128, 256, 512],
    "layers_per_block": 2,
    "latent_channels": 3,
    "num_vq_embeddings": 8192,
}
"""The first stage of latent diffusion at f4."""


@torch.inference_mode()
def rows() -> list[Row]:
    torch.manual_seed(0)
    model = VQModel(**CONFIG).eval()
    model.quantize.embedding.weight.normal_()
    ours = build_tokenizer(StateDict(model.state_dict(), "bench"), "diffusers_vq", {"config": CONFIG}, FACTS)
    images = np.random.default_rng(0).random((1, SIDE, SIDE, 3), np.float32)
    batch = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous() * 2 - 1
    codes = ours.encode(images).codes
    indices = torch.from_numpy(codes["codes"].astype(np.int64))
    _same(codes["codes"], _encode(model, batch).numpy())
    encode, bare_encode = alternate(lambda: ours.encode(images), lambda: _encode(model, batch))
    decode, bare_decode = alternate(lambda: ours.decode(codes), lambda: _decode(model, indices))
    what = f"VQModel f4, {SIDE} x {SIDE}"
    return [
        Row(f"{what}: encode", encode, "diffusers, bare", bare_encode, OVERHEAD),
        Row(f"{what}: decode", decode, "diffusers, bare", bare_decode, OVERHEAD),
    ]


def _encode(model: VQModel, batch: torch.Tensor) -> torch.Tensor:
    return model.quantize(model.encode(batch).latents)[2][2]


def _decode(model: VQModel, indices: torch.Tensor) -> torch.Tensor:
    vectors = model.quantize.get_codebook_entry(indices.flatten(), (*indices.shape, CONFIG["latent_channels"]))
    return model.decode(vectors, force_not_quantize=True).sample


def _same(ours: np.ndarray, theirs: np.ndarray) -> None:
    different = int((ours.reshape(-1) != theirs.reshape(-1)).sum())
    if different > ours.size // 1000:
        raise RuntimeError(f"{different:,} of {ours.size:,} codes differ from the library's: no comparison of speed.")
