"""VQModel as diffusers saves it: latent diffusion, VQ-Diffusion, aMUSEd, Kandinsky's MoVQ.

van den Oord, Vinyals, Kavukcuoglu 2017, arXiv 1711.00937, with the network of Esser, Rombach, Ommer 2021,
arXiv 2012.09841; aMUSEd: Patil, Berman, Rombach, von Platen 2024, arXiv 2401.01808; MoVQ: Zheng, Vuong, Cai,
Phung 2022, arXiv 2209.09002; VQ-Diffusion: Gu et al. 2021, arXiv 2111.14822.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from explorer.adapters.files import StateDict
from explorer.adapters.network import OneLevelNetwork, fill, on_meta, to_signed, to_unit
from explorer.core.errors import ConfigError
from explorer.models.blocks import first, last
from explorer.quantizers import VectorQuantizer

_OLD_NAMES = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
"""Names of attention weights in files written before diffusers 0.15."""


class VQModelNetwork(OneLevelNetwork):
    """A VQModel's parts around our search. Pictures in [-1, 1], or in [0, 1] where aMUSEd's pipelines were copied.

    Those are the models whose config says `lookup_from_codebook`; nothing in the file says the range itself.
    """

    def __init__(self, config: Mapping[str, Any]):
        from diffusers import VQModel

        with on_meta():
            model = VQModel(**config)
            quantizer = VectorQuantizer(model.config.num_vq_embeddings, model.quantize.vq_embed_dim)
        super().__init__(quantizer, "euclidean", stride=2 ** (len(model.config.down_block_types) - 1))
        self.encoder, self.quant_conv = model.encoder, model.quant_conv
        self.post_quant_conv, self.decoder = model.post_quant_conv, model.decoder
        self.modulated = model.config.norm_type == "spatial"
        self.signed = not model.config.lookup_from_codebook

    def latents(self, images: Tensor) -> Tensor:
        return last(self.quant_conv(self.encoder(to_signed(images) if self.signed else images)))

    def pictures(self, vectors: Tensor) -> Tensor:
        z = first(vectors)
        decoded = self.decoder(self.post_quant_conv(z), z if self.modulated else None)
        return to_unit(decoded) if self.signed else decoded


def network(tensors: StateDict, config: Mapping[str, Any]) -> VQModelNetwork:
    """The network of a VQModel's state dict and of the config.json beside it."""
    if config.get("_class_name", "VQModel") != "VQModel":
        raise ConfigError(f"The config is of a {config['_class_name']}; this family is diffusers' VQModel.")
    wanted = {name: value for name, value in config.items() if not name.startswith("_")}
    if len(wanted.get("block_out_channels", ())) * wanted.get("layers_per_block", 1) > len(tensors):
        raise ConfigError("The config asks for more layers than the weights have.")
    module = VQModelNetwork(wanted)
    old = any(".query." in name for name in tensors)

    def published(name: str) -> str:
        for new, former in _OLD_NAMES.items() if old else ():
            name = name.replace(new, former)
        return "quantize.embedding.weight" if name == "quantizer.codebook" else name

    fill(module, tensors, published)
    return module
