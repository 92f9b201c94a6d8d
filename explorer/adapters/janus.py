"""The image tokenizer of Janus as transformers publishes it: LlamaGen's network under other names.

Wu et al. 2024, "Janus: Decoupling Visual Encoding for Unified Multimodal Understanding and Generation",
arXiv 2410.13848. The authors' own files have LlamaGen's names below `gen_vision_model.`.
"""

import re

from explorer.adapters.files import StateDict
from explorer.adapters.network import counted
from explorer.adapters.taming import VQGAN, built
from explorer.quantizers import NormalizedVectorQuantizer


def network(tensors: StateDict) -> VQGAN:
    """The network of transformers' JanusVQVAE, whose `decoder.up.0` is the COARSEST level.

    As its authors do, and unlike transformers, both sides are normalised for the search too.
    """
    levels = counted(tensors, "decoder.up.{}.")

    def fine_first(name: str) -> str:
        return re.sub(r"\bdecoder\.up\.(\d+)", lambda found: f"decoder.up.{levels - 1 - int(found[1])}", name)

    return built(tensors.renamed(fine_first), NormalizedVectorQuantizer, "quantize.embedding.weight", ignored=())
