"""Janus and Emu3 against the classes of transformers, with random weights."""

import numpy as np
import pytest
import torch

from explorer.adapters.emu3 import published_name
from explorer.adapters.families import build_network, build_tokenizer, recognise
from explorer.adapters.files import StateDict
from tests.adapters.golden import FACTS

janus = pytest.importorskip("transformers.models.janus.modeling_janus")
emu3 = pytest.importorskip("transformers.models.emu3.modeling_emu3")

SMALL_JANUS = {
    "embed_dim": 8,
    "num_embeddings": 64,
    "latent_channels": 16,
    "base_channels": 32,
    "channel_multiplier": [1, 2],
    "num_res_blocks": 1,
    "num_patches": 8,
}
SMALL_EMU3 = {
    "codebook_size": 64,
    "base_channels": 32,
    "channel_multiplier": [1, 2],
    "num_res_blocks": 1,
    "attn_resolutions": [1],
    "hidden_size": 64,
}


def random(kind, config):
    """A model with random weights, also where a new one has zeros and ones."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = kind(config).eval().requires_grad_(False)
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape) / max(1, np.prod(tensor.shape[1:])) ** 0.5)
            if name.endswith("running_var"):
                tensor.abs_().add_(0.5)
        model.quantize.embedding.weight.copy_(torch.randn(model.quantize.embedding.weight.shape))
    return model


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).random((2, 16, 16, 3), np.float32)


def test_janus_is_what_transformers_computes_with_codes_of_unit_length(image):
    model = random(janus.JanusVQVAE, janus.JanusVQVAEConfig(**SMALL_JANUS))
    tensors = StateDict(model.state_dict(), "janus")
    assert recognise(tensors) == "janus"
    tokenizer = build_tokenizer(tensors, "janus", {}, FACTS)
    encoding = tokenizer.encode(image)
    signed = torch.from_numpy(image).permute(0, 3, 1, 2) * 2 - 1
    latents = model.quant_conv(model.encoder(signed)).permute(0, 2, 3, 1)
    assert np.abs(encoding.latents["codes"] - latents.numpy()).max() < 1e-4
    book = torch.nn.functional.normalize(model.quantize.embedding.weight, dim=-1)
    expected = (torch.nn.functional.normalize(latents, dim=-1) @ book.t()).argmax(-1)
    assert np.array_equal(encoding.codes["codes"], expected.numpy())
    assert (model.encode(signed).image_tokens.reshape(expected.shape) != expected).any()  # theirs does not normalise
    decoded = (model.decode(expected.flatten(1)).permute(0, 2, 3, 1).numpy() + 1) / 2
    assert np.abs(tokenizer.decode(encoding.codes) - decoded.clip(0, 1)).max() < 1e-4


def published(model) -> dict[str, torch.Tensor]:
    """Tensors of transformers' Emu3VQVAE as its authors publish them: attention in 1x1 convolutions."""
    named = {published_name(name): tensor for name, tensor in model.state_dict().items()}
    assert len(named) == len(model.state_dict())
    linear = (".q.weight", ".k.weight", ".v.weight", ".proj_out.weight")
    return {name: t[..., None, None] if name.endswith(linear) else t for name, t in named.items()}


def test_emu3_is_what_transformers_computes(image):
    model = random(emu3.Emu3VQVAE, emu3.Emu3VQVAEConfig(**SMALL_EMU3))
    tensors = StateDict(published(model), "emu3")
    assert recognise(tensors) == "emu3" and "encoder.mid.attn_1.norm.weight" in tensors
    seen = build_tokenizer(tensors, "emu3", {}, FACTS).encode(image).latents["codes"].reshape(-1, 4)
    model.quantize.embedding.weight.copy_(
        torch.from_numpy(seen[::2] + 0.01 * seen.std())
    )  # codes where the latents are
    tokenizer = build_tokenizer(StateDict(published(model), "emu3"), "emu3", {}, FACTS)
    encoding = tokenizer.encode(image)
    signed = torch.from_numpy(image).permute(0, 3, 1, 2) * 2 - 1
    expected = torch.stack(model.encode(signed, torch.tensor([[16, 16]] * 2)).image_tokens)
    assert np.array_equal(encoding.codes["codes"], expected.numpy()) and len(expected.unique()) > 10
    decoded = (model.decode(expected).permute(0, 2, 3, 1).numpy() + 1) / 2
    assert np.abs(tokenizer.decode(encoding.codes) - decoded.clip(0, 1)).max() < 1e-4


@pytest.mark.parametrize(
    ("family", "kind", "config", "book", "stride"),
    [
        ("janus", "JanusVQVAE", janus.JanusVQVAEConfig, (16384, 8), 16),
        ("emu3", "Emu3VQVAE", emu3.Emu3VQVAEConfig, (32768, 4), 8),
    ],
)
def test_full_size_layouts_fill_their_networks(family, kind, config, book, stride):
    with torch.device("meta"):
        model = getattr({"janus": janus, "emu3": emu3}[family], kind)(config())
    named = published(model) if family == "emu3" else model.state_dict()
    network = build_network(StateDict(named, family), family, {})
    assert all(parameter.is_meta for parameter in network.parameters())
    assert (network.codebooks[0].size, network.codebooks[0].dim, network.levels[0].stride) == (*book, stride)
