"""Every published checkpoint's full list of tensors builds its network and fills it, strictly, without memory."""

import json

import numpy as np
import pytest
import torch

from explorer.adapters.catalogue import entries
from explorer.adapters.families import FAMILIES, Facts, build_network, build_tokenizer, recognise
from explorer.adapters.files import StateDict
from explorer.core.errors import CheckpointError
from tests.adapters.golden import FACTS, GOLDEN, needs_golden, on_meta

pytestmark = needs_golden

FOLDERS = {"rosinality_vqvae2": "rosinality", "mishalaskin_vqvae": "mishalaskin", "diffusers": "diffusers_vq"}
"""Folders of GOLDEN that are not called like their family."""
PAIRS = {"encoder.jit": "decoder.jit", "encoder.pkl": "decoder.pkl"}
NOT_A_TOKENIZER = ("maskgit-vqgan-imagenet-f16-256.bin",)


def _layouts() -> dict[str, tuple[str, dict, dict]]:
    """Checkpoint -> (family, tensors by name, config); of checkpoints in two files under the name of the first."""
    found = {}
    for path in sorted(GOLDEN.glob("*/*/layout.json")):
        folder = path.parts[-3]
        if FOLDERS.get(folder, folder) not in FAMILIES:
            continue
        published = json.loads(path.read_text(encoding="utf-8"))["published_checkpoints"]
        for name, layout in published.items():
            if not isinstance(layout, dict) or not {"tensors", "tensors_same_as"} & set(layout):
                continue  # described without its tensors
            if name == "note" or name.endswith(tuple(PAIRS.values())) or name in NOT_A_TOKENIZER:
                continue
            tensors = _tensors(layout, published)
            for first, second in PAIRS.items():
                if name.endswith(first):
                    other = published[name.removesuffix(first) + second]["tensors"]
                    tensors = _packed(tensors, other) if first.endswith(".pkl") else tensors | other
            found[f"{folder}: {name}"] = FOLDERS.get(folder, folder), tensors, layout.get("params", {})
    return found


def _tensors(layout: dict, published: dict) -> dict:
    same = layout.get("tensors_same_as")
    tensors = next(other["tensors"] for name, other in published.items() if name in same) if same else layout["tensors"]
    return tensors | layout.get("ema_tensors", {}) | (layout.get("training_only_tensors") or {})


def _packed(encoder: dict, decoder: dict) -> dict:
    """As the conversion of DALL-E's two files packs them."""
    return {f"encoder.{name}": t for name, t in encoder.items()} | {f"decoder.{name}": t for name, t in decoder.items()}


LAYOUTS = _layouts() if GOLDEN.is_dir() else {}


def _settings(family: str, params: dict) -> dict:
    return {"config": params} if family == "diffusers_vq" else {}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_full_size_checkpoint_fills_its_network(name):
    family, layout, params = LAYOUTS[name]
    tensors = on_meta(layout, name)
    assert recognise(tensors) == family
    network = build_network(tensors, family, _settings(family, params))
    assert all(parameter.is_meta for parameter in network.parameters())
    small = [f"encoder.{n}" for n in ("conv_in.bias", "conv_in.weight")]
    dropped = next((n for n in small if n in tensors), next(iter(tensors)))
    with pytest.raises(CheckpointError, match=r"missing|lacks"):
        build_network(
            StateDict({n: t for n, t in tensors.items() if n != dropped}, name), family, _settings(family, params)
        )
    strange = StateDict({**tensors, "encoder.surplus.weight": torch.empty(1, device="meta")}, name)
    if not any(n.startswith("model_ema.") for n in tensors):  # then what is not averaged is not looked at
        with pytest.raises(CheckpointError, match=r"encoder\.surplus\.weight is not known"):
            build_network(strange, family, _settings(family, params))


def test_every_folder_of_the_reference_data_has_a_family():
    folders = {path.parts[-3] for path in GOLDEN.glob("*/*/layout.json")}
    without = sorted(folder for folder in folders if FOLDERS.get(folder, folder) not in FAMILIES)
    if without:
        pytest.skip(f"no family reads the reference data of {', '.join(without)}")


def test_every_family_has_a_full_size_layout():
    of_transformers = {"janus", "emu3"}  # see test_transformers.py
    assert {family for family, _, _ in LAYOUTS.values()} == set(FAMILIES) - of_transformers


@pytest.mark.parametrize(
    ("id", "layout"),
    [
        ("ldm.celebahq_f4_8192", "diffusers: CompVis/ldm-celebahq-256 vqvae"),
        ("vqgan.imagenet_f16_16384", "taming: vqgan_imagenet_f16_16384"),
        ("vqgan.gumbel_f8_8192", "taming: vqgan_gumbel_f8"),
        ("ldm.vq_f8", "taming: vq-f8"),
        ("dall_e.f8_8192", "dall_e: encoder.pkl"),
        ("cosmos.di8x8_64000", "cosmos: Cosmos-0.1-Tokenizer-DI8x8/encoder.jit"),
        ("cosmos.di16x16_64000", "cosmos: Cosmos-0.1-Tokenizer-DI16x16/encoder.jit"),
        ("vqvae2.ffhq_f4f8_512", "rosinality_vqvae2: vqvae_560.pt"),
        ("var.f16_4096", "var: vae_ch160v4096z32.pth"),
        ("titok.b64", "titok: yucornetto/tokenizer_titok_b64_imagenet"),
        ("titok.bl64_vq8k", "titok: yucornetto/tokenizer_titok_bl64_vq8k"),
    ],
)
def test_the_catalogue_says_what_the_layout_says(id, layout):
    entry, (family, tensors, params) = entries()[id], LAYOUTS[layout]
    network = build_network(on_meta(tensors, layout), family, _settings(family, params))
    book, finest = network.codebooks[-1], network.levels[-1]
    assert (entry.family, entry.codes, entry.dim) == (family, book.size, book.dim)
    assert (entry.stride, entry.tokens, entry.side) == (finest.stride, finest.length, network.side)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["titok: yucornetto/tokenizer_titok_l32_imagenet", "diffusers: amused"])
def test_random_weights_at_full_size_encode_and_decode_a_picture(name):
    family, layout, params = next(found for known, found in LAYOUTS.items() if known.startswith(name))
    generator = torch.Generator().manual_seed(0)
    tensors = StateDict(
        {
            n: torch.randn(shape, generator=generator) / max(1, np.prod(shape[1:])) ** 0.5
            for n, (shape, _) in layout.items()
        },
        name,
    )
    tokenizer = build_tokenizer(tensors, family, _settings(family, params), FACTS)
    encoding = tokenizer.encode(np.random.default_rng(0).random((1, 256, 256, 3), np.float32))
    decoded = tokenizer.decode(encoding.codes)
    assert decoded.shape == (1, 256, 256, 3) and np.isfinite(decoded).all()


def test_facts_reach_the_spec():
    family, layout, _ = LAYOUTS["mishalaskin_vqvae: none published; defaults of main.py"]
    tensors = StateDict({name: torch.zeros(shape) for name, (shape, _) in layout.items()}, "zeros")
    facts = Facts("a", "b", "c", "d", "e", "f", "0123456789abcdef")
    spec = build_tokenizer(tensors, family, {}, facts).spec
    assert (spec.id, spec.title, spec.summary, spec.trained_on, spec.source, spec.licence) == tuple("abcdef")
    assert spec.revision == "0123456789ab" and (spec.levels[0].stride, spec.codebooks[0].size) == (4, 512)
