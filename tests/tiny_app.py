"""The app with untrained models of many kinds beside the bundled ones, to drive its tabs with each. For tests alone."""

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from explorer.core.codes import Codes
from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import Encoding, Tokenizer
from explorer.models import registry
from explorer.models.config import write_config
from explorer.models.tokenizer import load_tokenizer
from explorer.services.model_store import ModelStore
from tests.conftest import CONTINUOUS, KINDS, network_of, write_checkpoint, write_rising_reference

SHOWN = ("two_grids", "gumbel", "lookup_free", "residual", "normalized_vector", "point")
GLOBAL = "tiny.global"
HOSTILE = "tiny.hostile"
HTML = (
    '<a href="https://example.com">log in again</a><img src=x onerror="window.hostile = 1">${window.hostile = 2}{{x}}'
)
"""The texts of the model HOSTILE, as a stranger might write them."""


class Global:
    """A tokenizer whose every pixel depends on every code, and which can do nothing but what all can."""

    def __init__(self, local: Tokenizer):
        self._local, self.spec = local, unbounded(local.spec)

    def encode(self, images: np.ndarray) -> Encoding:
        return self._local.encode(images)

    def decode(self, codes: Codes) -> np.ndarray:
        local = self._local.decode(codes)
        return (local + local.mean((1, 2), keepdims=True)) / 2

    def vectors(self, codebook: str, indices: np.ndarray) -> np.ndarray:
        return self._local.vectors(codebook, indices)


def unbounded(spec: TokenizerSpec) -> TokenizerSpec:
    return dataclasses.replace(spec, levels=tuple(dataclasses.replace(level, reach=None) for level in spec.levels))


class TinyStore(ModelStore):
    def get(self, id: str) -> Tokenizer:
        found = super().get(id)
        return Global(found) if id == GLOBAL else found


def register_tiny(root: Path) -> None:
    """Make and register a model of each kind as tiny.<kind>, and the global one."""
    quantizers = KINDS | CONTINUOUS | {"global": KINDS["vector"]}
    for kind in (*SHOWN, "global"):
        id, folder = f"tiny.{kind}", root / kind
        config = write_checkpoint(folder, quantizers[kind], network_of(kind))
        write_config(folder, dataclasses.replace(config, id=id, title=id))
        write_rising_reference(folder, load_tokenizer(folder))
        registry.register(id, folder)
    register_hostile(root / "hostile")
    spec = registry.spec
    registry.spec = lambda id: unbounded(spec(id)) if id == GLOBAL else spec(id)


def register_hostile(folder: Path) -> None:
    """Make and register a model in whose config every text is HTML."""
    config = write_checkpoint(folder, KINDS["vector"])
    usage = {"size": 24, "used": 24, "tokens": 1000, "ceiling": 1.0, "perplexity": 20.0}
    evaluation = {"held_out": {"usage": {HTML: usage, "codes": usage}}}
    texts = dict.fromkeys(("title", "family", "summary", "source", "licence", "trained_on"), HTML)
    write_config(folder, dataclasses.replace(config, id=HOSTILE, evaluation=evaluation, **texts))
    write_rising_reference(folder, load_tokenizer(folder))
    registry.register(HOSTILE, folder)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    register_tiny(options.folder)
    from explorer.ui.app import build_app, launch_options
    from explorer.ui.context import AppContext

    app = build_app(AppContext(TinyStore("cpu"), tuple(registry.available())))
    app.launch(server_name="127.0.0.1", server_port=options.port, quiet=True, **launch_options())


if __name__ == "__main__":
    main()
