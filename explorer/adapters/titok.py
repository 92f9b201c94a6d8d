"""TiTok: a picture of one size as a row of 32 to 256 codes.

Yu, Weber, Deng, Shen, Cremers, Chen 2024, "An Image is Worth 32 Tokens for Reconstruction and Generation",
arXiv 2406.07550. Most models end in the decoder of a MaskGIT-VQGAN (Chang et al. 2022, arXiv 2202.04200).
"""

import math
from collections import OrderedDict

import torch
from torch import Tensor, nn

from explorer.adapters.files import StateDict
from explorer.adapters.maskgit import PixelDecoder
from explorer.adapters.network import OneLevelNetwork, counted, fill, on_meta
from explorer.quantizers import NormalizedVectorQuantizer, VectorQuantizer

HEAD = 64
"""Channels of an attention head in the published models; a file does not say."""

_BOOK = "quantize.embedding.weight"


class TiTok(OneLevelNetwork):
    """Pictures in [0, 1]. With a `pixel_decoder` (the first models) codes are normalised, and the decoder's
    softmax over the pixel codebook is averaged, not the best entry taken; without one it gives pixels."""

    def __init__(self, tensors: StateDict, encoder_heads: int | None, decoder_heads: int | None):
        two_steps = "pixel_quantize.embedding.weight" in tensors
        patch = tensors["encoder.patch_embed.weight"].shape[-1]
        tokens = tensors["latent_tokens"].shape[0]
        cells = math.isqrt(tensors["encoder.positional_embedding"].shape[0] - 1)
        with on_meta():
            kind = NormalizedVectorQuantizer if two_steps else VectorQuantizer
            quantizer = kind(*tensors[_BOOK].shape)
        metric = "cosine" if two_steps else "euclidean"
        super().__init__(quantizer, metric, length=tokens, side=patch * cells)
        with on_meta():
            self.latent_tokens = _parameter(tensors, "latent_tokens")
            self.encoder = _Encoder(tensors, encoder_heads, mixes_axes=two_steps)
            self.decoder = _Decoder(tensors, decoder_heads)
            if two_steps:
                self.pixel_book = _parameter(tensors, "pixel_quantize.embedding.weight")
                self.pixel_decoder = PixelDecoder(tensors, "pixel_decoder")
        self.two_steps = two_steps

    def latents(self, images: Tensor) -> Tensor:
        return self.encoder(images, self.latent_tokens)

    def pictures(self, vectors: Tensor) -> Tensor:
        decoded = self.decoder(vectors)
        if not self.two_steps:
            return decoded
        return self.pixel_decoder(torch.einsum("nchw,cd->ndhw", decoded.softmax(1), self.pixel_book))


class _Encoder(nn.Module):
    """Patches, a class token and the latent tokens through a transformer; the latent tokens come out.

    mixes_axes: the first models were trained with a reshape in place of a transpose, which their weights want.
    """

    def __init__(self, tensors: StateDict, heads: int | None, mixes_axes: bool):
        super().__init__()
        width, channels, patch = tensors["encoder.patch_embed.weight"].shape[:3]
        self.patch_embed = nn.Conv2d(channels, width, patch, stride=patch)
        for name in ("class_embedding", "positional_embedding", "latent_token_positional_embedding"):
            setattr(self, name, _parameter(tensors, f"encoder.{name}"))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = _transformer(tensors, "encoder", width, heads)
        self.conv_out = nn.Conv2d(width, tensors["encoder.conv_out.weight"].shape[0], 1)
        self.mixes_axes = mixes_axes

    def forward(self, images: Tensor, latent_tokens: Tensor) -> Tensor:
        patches = self.patch_embed(images).flatten(2).transpose(1, 2)
        picture = _with_class(self.class_embedding, patches) + self.positional_embedding
        latent = (latent_tokens + self.latent_token_positional_embedding).expand(len(images), -1, -1)
        x = self.transformer(self.ln_pre(torch.cat([picture, latent], 1)))
        x = self.ln_post(x[:, picture.shape[1] :])
        batch, tokens, width = x.shape
        x = x.reshape(batch, width, tokens, 1) if self.mixes_axes else x.transpose(1, 2)[..., None]
        return self.conv_out(x).reshape(batch, -1, tokens).transpose(1, 2)


class _Decoder(nn.Module):
    """Code vectors and a mask token per patch through a transformer; the patches come out, (B, C, h, w)."""

    def __init__(self, tensors: StateDict, heads: int | None):
        super().__init__()
        width, dim = tensors["decoder.decoder_embed.weight"].shape
        self.decoder_embed = nn.Linear(dim, width)
        for name in ("class_embedding", "positional_embedding", "mask_token", "latent_token_positional_embedding"):
            setattr(self, name, _parameter(tensors, f"decoder.{name}"))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = _transformer(tensors, "decoder", width, heads)
        wide = tensors["decoder.ffn.0.weight"].shape[0]
        if "decoder.ffn.2.weight" in tensors:
            self.ffn = nn.Sequential(
                nn.Conv2d(width, wide, 1),
                nn.Tanh(),
                nn.Conv2d(wide, tensors["decoder.ffn.2.weight"].shape[0], 1),
            )
            self.conv_out = nn.Identity()
        else:
            self.ffn = nn.Sequential(nn.Conv2d(width, wide, 1), _PatchesToPixels())
            self.conv_out = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, vectors: Tensor) -> Tensor:
        cells = self.positional_embedding.shape[0] - 1
        masks = self.mask_token.expand(len(vectors), cells, -1)
        picture = _with_class(self.class_embedding, masks) + self.positional_embedding
        codes = self.decoder_embed(vectors) + self.latent_token_positional_embedding
        x = self.transformer(self.ln_pre(torch.cat([picture, codes], 1)))
        x = self.ln_post(x[:, 1 : 1 + cells]).transpose(1, 2)
        return self.conv_out(self.ffn(x.unflatten(2, (math.isqrt(cells), -1))))


class _PatchesToPixels(nn.Module):
    """(B, p p 3, h, w), rows of a patch slowest, colours fastest, to (B, 3, p h, p w)."""

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        patch = math.isqrt(channels // 3)
        x = x.reshape(batch, patch, patch, 3, height, width).permute(0, 3, 4, 1, 5, 2)
        return x.reshape(batch, 3, height * patch, width * patch)


class _Attending(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, width: int, hidden: int, heads: int):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(
            OrderedDict(c_fc=nn.Linear(width, hidden), gelu=nn.GELU(), c_proj=nn.Linear(hidden, width))
        )

    def forward(self, x: Tensor) -> Tensor:
        normed = self.ln_1(x)
        x = x + self.attn(normed, normed, normed, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


def _transformer(tensors: StateDict, side: str, width: int, heads: int | None) -> nn.Sequential:
    hidden = tensors[f"{side}.transformer.0.mlp.c_fc.weight"].shape[0]
    count = counted(tensors, side + ".transformer.{}.")
    return nn.Sequential(*(_Attending(width, hidden, heads or width // HEAD) for _ in range(count)))


def _parameter(tensors: StateDict, name: str) -> nn.Parameter:
    return nn.Parameter(torch.empty(tensors[name].shape))


def _with_class(embedding: Tensor, tokens: Tensor) -> Tensor:
    return torch.cat([embedding.expand(len(tokens), 1, -1), tokens], 1)


def network(tensors: StateDict, encoder_heads: int | None = None, decoder_heads: int | None = None) -> TiTok:
    """The network of a TiTok state dict; the published models have width / 64 attention heads."""
    module = TiTok(tensors, encoder_heads, decoder_heads)
    ours = {"quantizer.codebook": _BOOK, "pixel_book": "pixel_quantize.embedding.weight"}
    fill(module, tensors, lambda name: ours.get(name, name))
    return module
