"""The tokenizers of LlamaGen: a VQGAN with few, normalised dimensions.

Sun, Jiang, Chen, Zhang, Peng, Luo, Yuan 2024, "Autoregressive Model Beats Diffusion: Llama for Scalable Image
Generation", arXiv 2406.06525.
"""

import re

import torch

from explorer.adapters.files import StateDict
from explorer.adapters.network import CODES, counted
from explorer.adapters.taming import VQGAN, built
from explorer.quantizers import NormalizedVectorQuantizer

QUEUE = "quantize.codebook_used"
"""The last 65,536 indices seen in training: indices, not counts."""

_MIDDLE = {"0": "block_1", "1": "attn_1", "2": "block_2"}


def network(tensors: StateDict) -> VQGAN:
    """The network of a LlamaGen state dict: code vectors and encoder outputs are normalised to length 1."""
    levels = counted(tensors, "decoder.conv_blocks.{}.")
    queue = tensors.get(QUEUE)
    others = StateDict({name: tensor for name, tensor in tensors.items() if name != QUEUE}, tensors.file)
    renamed = others.renamed(lambda name: _taming_name(name, levels))
    module = built(renamed, NormalizedVectorQuantizer, "quantize.embedding.weight", ignored=())
    if queue is not None and not queue.is_meta:
        size = module.quantizer.size
        uses = torch.bincount(queue.long().clamp(0, size - 1), minlength=size)
        module.tallies = {CODES: {f"uses among the last {queue.numel():,} codes of training": uses}}
    return module


def _taming_name(name: str, levels: int) -> str:
    """The name that taming-transformers would give; LlamaGen's decoder.conv_blocks.0 is the COARSEST level."""
    name = re.sub(r"\bencoder\.conv_blocks\.", "encoder.down.", name)
    name = re.sub(r"\bdecoder\.conv_blocks\.(\d+)", lambda found: f"decoder.up.{levels - 1 - int(found[1])}", name)
    name = re.sub(r"\.mid\.(\d)\.", lambda found: f".mid.{_MIDDLE.get(found[1], found[1])}.", name)
    return name.replace(".res.", ".block.")
