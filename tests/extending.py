"""What has to hold once the steps of explorer/EXTENDING.md have been followed; `test_extending.py` runs it in the copy
where they were."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from explorer import available, load
from explorer.core.codes import Codes

FROZEN = "frozen.caltech_f8_512"


def test_a_quantizer():
    from explorer.models.autoencoder import build_quantizer
    from explorer.models.config import FrozenVectorConfig

    book = build_quantizer(FrozenVectorConfig(size=512, dim=4))
    assert book.codebook.abs().max() > 0.9
    assert not book.codebook.requires_grad
    z = torch.randn(6, 4)
    assert torch.equal(book(z).indices, torch.cdist(z, book.codebook).argmin(1))


def test_a_model(tmp_path):
    from explorer.training.__main__ import main
    from explorer.training.config import RECIPES, read_recipe

    assert read_recipe(FROZEN).steps == read_recipe("vq.caltech_f8_1024").steps
    small = json.loads((RECIPES / f"{FROZEN}.json").read_text())
    small["model"]["network"] = {"width_f4": 8, "width_f8": 16, "encoder_f8": 1, "decoder_f8": 1, "decoder_f4": 1}
    small |= {"stages": [{"steps": 3, "learning_rate": [0.001, 0.0]}], "crop": 32, "batch": 2}
    (tmp_path / "small.json").write_text(json.dumps(small))
    rng = np.random.default_rng(0)
    for i in range(24):
        Image.fromarray(rng.integers(0, 256, (40, 48, 3), np.uint8)).save(tmp_path / f"{i}.png")
    given = {"config": tmp_path / "small.json", "data": tmp_path, "out": f"checkpoints/{FROZEN}", "device": "cpu"}
    assert main([text for name, value in given.items() for text in (f"--{name}", str(value))]) == 0

    assert FROZEN in available()
    tokenizer = load(FROZEN, "cpu")
    codes = tokenizer.encode(rng.random((1, 32, 48, 3), np.float32)).codes
    assert codes["codes"].shape == (1, 4, 6)
    assert tokenizer.decode(codes).shape == (1, 32, 48, 3)
    assert tokenizer.spec.codebooks[0].variant == "frozen"


def test_an_adapter(tmp_path):
    from explorer.services.published import open_own

    save_file({"patches": torch.rand(16, 48)}, tmp_path / "patches.safetensors")
    tokenizer = open_own([tmp_path / "patches.safetensors"], "cpu")
    codes = Codes({"codes": np.arange(16).reshape(1, 4, 4)})
    picture = tokenizer.decode(codes)
    assert picture.shape == (1, 16, 16, 3)
    assert tokenizer.encode(picture).codes == codes


def test_a_tab():
    from explorer.services.model_store import ModelStore
    from explorer.ui import ranks
    from explorer.ui.app import build_app
    from explorer.ui.context import AppContext

    models = tuple(id for id in available() if Path("checkpoints", id, "golden.npz").exists())
    app = build_app(AppContext(ModelStore("cpu"), models))
    tabs = {block.label for block in app.blocks.values() if block.get_block_name() == "tabitem"}
    assert ranks.TITLE in tabs
    session = SimpleNamespace(codes=Codes({"codes": np.array([[[7, 7], [3, 7]]])}))
    assert ranks.counted(session) == [[7, 3], [3, 1]]
