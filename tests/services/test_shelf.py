"""A damaged model is left out and named, the others stay; the page opens with the first that it can open with."""

import json
import logging
import shutil
from functools import partial
from pathlib import Path

import pytest

from explorer.core.errors import CheckpointError
from explorer.models import registry
from explorer.services import reference
from explorer.services.shelf import take_stock

FIRST, SECOND = "vq_ema.caltech_f8_1024", "fsq.caltech_f8_1000"


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Copies of two bundled models, to be damaged."""
    for id in (FIRST, SECOND):
        (tmp_path / id).mkdir()
        for file in (registry.CHECKPOINTS / id).iterdir():
            shutil.copy(file, tmp_path / id)
    monkeypatch.setattr(registry, "_folders", {id: tmp_path / id for id in (FIRST, SECOND)})
    caches = (registry.spec, reference.reference, reference.golden)
    for cached in caches:
        cached.cache_clear()
    yield tmp_path
    for cached in caches:
        cached.cache_clear()


def write(name: str, data: bytes, folder: Path) -> None:
    (folder / name).write_bytes(data)


def cut(name: str, folder: Path) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])


def changed(folder: Path, **values) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def changed_byte(folder: Path) -> None:
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)


def a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("")


def a_folder(name: str, folder: Path) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()


DAMAGE = {
    "no JSON": (partial(write, "config.json", b"{nonsense"), "is not JSON"),
    "deep JSON": (partial(write, "config.json", b"[" * 10**5), "nested deeper"),
    "deep JSON in an object": (partial(changed, training={"a": json.loads("[" * 99 + "]" * 99)}), "nested deeper"),
    "a list": (partial(write, "config.json", b"[]"), "format_version None"),
    "an empty config": (partial(write, "config.json", b""), "is not JSON"),
    "an unknown field": (partial(changed, colour="red"), "unknown key 'colour'"),
    "a kind that is no text": (partial(changed, model={"quantizer": {"kind": []}}), "'kind' is one of"),
    "a codebook of nothing": (
        partial(changed, model={"quantizer": {"kind": "finite_scalar", "levels": [0, 5]}}),
        "a codebook without codes",
    ),
    "figures that are none": (partial(changed, evaluation={"kodak": {"psnr": "high"}}), "lacks the figure 'psnr'"),
    "usage that is none": (partial(changed, evaluation={"held_out": {"pictures": 1, "usage": 5}}), "lacks the figure"),
    "another model's config": (partial(changed, id="another"), "of another model, another"),
    "no config": (lambda folder: (folder / "config.json").unlink(), "no readable config"),
    "a folder as config": (partial(a_folder, "config.json"), "no readable config"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "has no model.safetensors"),
    "a folder as weights": (partial(a_folder, "model.safetensors"), "has no model.safetensors"),
    "weights cut short": (partial(cut, "model.safetensors"), "has sha256"),
    "another digest": (changed_byte, "has sha256"),
    "no counts": (lambda folder: (folder / "reference.npz").unlink(), "reference.npz is missing or damaged"),
    "counts cut short": (partial(cut, "reference.npz"), "reference.npz is missing or damaged"),
    "a file in place of the folder": (a_file, "no readable config"),
    "no folder": (shutil.rmtree, "no readable config"),
}


@pytest.mark.parametrize("damaged", [FIRST, SECOND])
@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_model_is_left_out_and_named(folders, caplog, damaged, what):
    damage, said = DAMAGE[what]
    damage(folders / damaged)
    with caplog.at_level(logging.WARNING):
        shelf = take_stock([FIRST, SECOND])
    (other,) = {FIRST, SECOND} - {damaged}
    assert shelf.models == (other,)
    assert [one.id for one in shelf.left_out] == [damaged] and said in shelf.left_out[0].reason
    assert str(folders) not in shelf.left_out[0].reason  # people on the page are told no paths
    assert str(folders / damaged) in caplog.text and said in caplog.text


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_file_that_may_not_be_read_leaves_a_model_out(folders, monkeypatch, file):
    real = Path.open

    def denied(path, *arguments, **named):
        if path.name == file and path.parent.name == FIRST:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", denied)
    shelf = take_stock([FIRST, SECOND])
    assert shelf.models == (SECOND,) and "Permission denied" in shelf.left_out[0].reason


def test_the_page_opens_with_another_model_where_the_first_has_no_golden_picture(folders):
    (folders / FIRST / "golden.npz").write_bytes(b"damaged")
    assert take_stock([FIRST, SECOND]).models == (SECOND, FIRST)


def test_whole_models_stay_in_order_and_none_is_a_sentence(folders):
    assert take_stock([FIRST, SECOND]).models == (FIRST, SECOND)
    for id in (FIRST, SECOND):
        registry.spec.cache_clear()
        shutil.rmtree(folders / id)
    with pytest.raises(CheckpointError, match=r"None of the models .* can be opened.* no readable config.*Fetch"):
        take_stock([FIRST, SECOND])
    with pytest.raises(CheckpointError, match="None of the models"):
        take_stock([])


def test_a_model_that_is_left_out_is_shown_with_the_reason_and_cannot_be_chosen(folders):
    import gradio as gr

    from explorer.services.model_store import ModelStore
    from explorer.ui.context import AppContext
    from explorer.ui.more_models import MoreModels

    write("config.json", b'{"<b>": <i>', folders / FIRST)
    shelf = take_stock([FIRST, SECOND])
    context = AppContext(ModelStore("cpu"), shelf.models, left_out=shelf.left_out)
    with gr.Blocks() as blocks:
        more = MoreModels(context)
        more.build()
    assert [id for _, id in more.listed()] == [SECOND]
    (shown,) = [block for block in blocks.blocks.values() if block.elem_id == "left-out"]
    assert f"<li aria-disabled='true'><b>{FIRST}</b>" in shown.value and "is not JSON" in shown.value
