"""Which families of published tokenizers there are, and how each is told by the names of its tensors."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """title: in words. marks: beginnings of tensor names that, all present, tell it from the families listed after
    it. settings: what `network` of its module takes besides the tensors."""

    title: str
    marks: tuple[str, ...]
    settings: tuple[str, ...] = ()


FAMILIES = {
    "diffusers_vq": Family("diffusers VQModel", ("encoder.down_blocks.",), ("config",)),
    "rosinality": Family("VQ-VAE-2 (rosinality)", ("quantize_t.embed",), ("skips_relu",)),
    "mishalaskin": Family("VQ-VAE (MishaLaskin)", ("vector_quantization.embedding.weight",)),
    "dall_e": Family("DALL-E dVAE", ("decoder.blocks.input.w",)),
    "var": Family("VAR", ("quantize.ema_vocab_hit_SV",), ("grids",)),
    "titok": Family("TiTok", ("latent_tokens",), ("encoder_heads", "decoder_heads")),
    "llamagen": Family("LlamaGen", ("decoder.conv_blocks.",)),
    "open_magvit2": Family("Open-MAGVIT2", ("decoder.adaptive.",)),
    "emu3": Family("Emu3", ("encoder.time_conv.",)),
    "janus": Family("Janus", ("quantize.embedding.", "decoder.up.0.upsample.")),
    "taming": Family("VQGAN (taming-transformers, latent-diffusion)", ("quantize.embed",)),
    "cosmos": Family("Cosmos DI", ("post_quant_conv.",), ("levels",)),
}
"""Name of the module -> family."""
