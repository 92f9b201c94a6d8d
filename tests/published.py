"""A catalogue of small published-style models: the reference data of the adapters, as if downloaded from the Hub."""

import pytest

from explorer.adapters.catalogue import Entry, PublishedFile, entries
from tests.adapters.golden import GOLDEN

DIFFUSERS, GUMBEL, VAR, TITOK, LFQ = FAMILIES = ("diffusers_vq", "taming", "var", "titok", "open_magvit2")
ABSENT = "golden.absent"
"""An entry that was never downloaded."""

_FOLDERS = {
    DIFFUSERS: ("diffusers/ldm_f4/model", "diffusion_pytorch_model.safetensors", {}),
    GUMBEL: ("taming/gumbel_f8", "weights.safetensors", {}),
    VAR: ("var/vae", "weights.pth", {}),
    TITOK: ("titok/direct_pixels", "weights.safetensors", {"encoder_heads": 2, "decoder_heads": 3}),
    LFQ: ("open_magvit2/lfq", "weights.ckpt", {}),
}


def id_of(family: str) -> str:
    return f"golden.{family}"


def catalogue() -> dict[str, Entry]:
    """An entry per family of FAMILIES, and ABSENT."""
    stated = {"megabytes": 12.5, "codes": 16, "dim": 4, "stride": 8, "trained_on": "nothing", "licence": "CC0-1.0"}
    stated |= {"licence_link": "https://example.org/licence", "paper": "https://example.org/paper"}
    found = {}
    for family, (folder, file, settings) in _FOLDERS.items():
        config = "config.json" if family == DIFFUSERS else None
        files, id = (PublishedFile(file),), id_of(family)
        found[id] = Entry(
            id, f"Golden {family}", family, "A test.", files, repo=folder, config=config, settings=settings, **stated
        )
    found[ABSENT] = Entry(
        ABSENT, "Absent", GUMBEL, "A test.", (PublishedFile("a.safetensors"),), repo="some/absent", **stated
    )
    return found


def _cached(repo: str, name: str, **_) -> str | None:
    path = GOLDEN / repo / name
    return str(path) if path.is_file() else None


@pytest.fixture(scope="module")
def downloaded():
    """The catalogue holds these entries alone, and all but ABSENT have been downloaded."""
    if not GOLDEN.is_dir():
        pytest.skip(f"the reference data of published tokenizers is not here: {GOLDEN}")
    with pytest.MonkeyPatch.context() as patch:
        known, own = dict(entries()), catalogue()
        entries().clear()
        entries().update(own)
        patch.setattr("huggingface_hub.try_to_load_from_cache", _cached)
        yield own
        entries().clear()
        entries().update(known)
