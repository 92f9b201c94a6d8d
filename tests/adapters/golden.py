"""The reference data of published tokenizers: small random weights, and what the authors' own code makes of them.

It lies outside the repository, in `../shared/golden` or where EXPLORER_GOLDEN says; without it these tests are skipped.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.adapters.families import Facts, build_tokenizer
from explorer.adapters.files import StateDict, read_tensors

GOLDEN = Path(os.environ.get("EXPLORER_GOLDEN", Path(__file__).parents[3] / "shared" / "golden"))

needs_golden = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason=f"the reference data of published tokenizers is not here: {GOLDEN}"
)

FACTS = Facts("golden", "Golden", "random weights", "nothing", "made by a test", "none", "0" * 64)
DIFFUSERS = "diffusion_pytorch_model"


@dataclass(frozen=True)
class Case:
    """A folder of GOLDEN, the adapter that reads it, and how."""

    folder: str
    family: str
    file: str = "weights.safetensors"
    settings: dict = field(default_factory=dict)
    expected: str = "golden.npz"

    def __str__(self) -> str:
        return f"{self.folder}/{self.file}"

    def tensors(self) -> StateDict:
        return read_tensors([GOLDEN / self.folder / self.file])

    def tokenizer(self, device="cpu", **others):
        settings = {**self.settings, **others}
        config = (GOLDEN / self.folder / self.file).with_name("config.json")
        if self.family == "diffusers_vq":
            settings["config"] = json.loads(config.read_text(encoding="utf-8"))
        return build_tokenizer(self.tensors(), self.family, settings, FACTS, device)

    def arrays(self) -> dict[str, np.ndarray]:
        with np.load(GOLDEN / self.folder / self.expected) as file:
            return dict(file)


CASES = [
    Case("diffusers/ldm_f4", "diffusers_vq", f"model/{DIFFUSERS}.safetensors"),
    Case("diffusers/ldm_f4", "diffusers_vq", f"model_old_names_bin/{DIFFUSERS}.bin"),
    Case("diffusers/vqdiffusion_f8", "diffusers_vq", f"model/{DIFFUSERS}.safetensors"),
    Case("diffusers/vqdiffusion_f8", "diffusers_vq", f"model_fp16_old_names/{DIFFUSERS}.safetensors"),
    Case("diffusers/amused_f16", "diffusers_vq", f"model/{DIFFUSERS}.safetensors"),
    Case("diffusers/movq_f8", "diffusers_vq", f"model/{DIFFUSERS}.safetensors"),
    Case("taming/vqgan_f16", "taming"),
    Case("taming/gumbel_f8", "taming"),
    Case("taming/ldm_vq_f8", "taming"),
    Case("taming/ldm_vq_f4_ckpt", "taming"),
    Case("taming/ldm_vq_f4_ckpt", "taming", "weights.ckpt"),
    Case("llamagen/vq16", "llamagen"),
    Case("llamagen/vq8", "llamagen"),
    Case("llamagen/vq2_container", "llamagen", "weights.pt"),
    Case("dall_e/dvae", "dall_e"),
    Case("rosinality_vqvae2/ffhq_style", "rosinality", settings={"skips_relu": False}),
    Case(
        "rosinality_vqvae2/ffhq_style",
        "rosinality",
        "weights_distributed.pt",
        {"skips_relu": True},
        "golden_inplace_relu.npz",
    ),
    Case("mishalaskin_vqvae/cifar", "mishalaskin", "weights.pth"),
    Case("cosmos/di16_bf16", "cosmos"),
    Case("cosmos/di8_float32", "cosmos", settings={"levels": (8, 5, 4, 3)}),
    Case("open_magvit2/lfq", "open_magvit2", "weights.ckpt"),
    Case("var/vae", "var", "weights.pth"),
    Case("titok/legacy_pixel_decoder", "titok", settings={"encoder_heads": 2, "decoder_heads": 2}),
    Case("titok/direct_pixels", "titok", settings={"encoder_heads": 2, "decoder_heads": 3}),
]


def images_of(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The pictures of a case as a Tokenizer takes them, (B, H, W, 3)."""
    return np.ascontiguousarray(arrays["image"].transpose(0, 2, 3, 1))


def by_level(spec, arrays: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """An array of a case, or one per level, as level -> array in the shape of the level's codes (B, ...)."""
    if name not in arrays:
        return {level.name: arrays[f"{name}_{level.name}"] for level in spec.levels}
    whole = arrays[name]
    if len(spec.levels) == 1:
        return {spec.levels[0].name: whole.reshape(len(whole), -1) if spec.levels[0].length else whole}
    borders = np.cumsum([np.prod(level.grid) for level in spec.levels])[:-1]
    parts = zip(spec.levels, np.split(whole, borders, axis=1), strict=True)
    return {level.name: part.reshape(len(whole), *level.grid) for level, part in parts}


def on_meta(layout: dict[str, list], file: str) -> StateDict:
    """Tensors without values from a layout's name -> [shape, dtype]."""
    return StateDict(
        {
            name: torch.empty(shape, dtype=getattr(torch, dtype), device="meta")
            for name, (shape, dtype) in layout.items()
        },
        file,
    )
