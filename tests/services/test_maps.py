"""Maps are found where they are, laid out where they are not, and laid out once."""

import errno
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.analysis.codebook_map import MOST, MapKey, mapped_codes, placed_by
from explorer.analysis.projection import Projection, pca
from explorer.analysis.swatches import AFFORDABLE
from explorer.core.errors import CheckpointError, CodesError, ExplorerError
from explorer.core.spec import Codebook
from explorer.models.tokenizer import load_tokenizer
from explorer.services import maps
from explorer.services.maps import Maps, check_map
from explorer.services.reference import Reference

UMAP = MapKey("codes")


@pytest.fixture
def tokenizer(tiny_folders, monkeypatch):
    monkeypatch.setattr(maps.registry, "folder_of", lambda id: tiny_folders["vector"])
    maps._shipped.cache_clear()
    yield load_tokenizer(tiny_folders["vector"])
    maps._shipped.cache_clear()


def test_principal_components_are_there_at_once(tokenizer, tmp_path):
    outputs = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    found = Maps(tmp_path).find(tokenizer, MapKey("codes", method="pca", dims=3), outputs)
    assert found.points.shape == (24, 3) and found.outputs.shape == (7, 3)
    # Encoder outputs are vectors: on a map of what codes decode to they have no place.
    assert Maps(tmp_path).find(tokenizer, MapKey("codes", "swatches", "pca"), outputs).outputs.shape == (0, 2)


def test_shipped_swatches_are_not_decoded_again(tokenizer, tmp_path, monkeypatch):
    key = MapKey("codes", "swatches", "pca")
    many = replace(tokenizer.spec, parameters=10 * AFFORDABLE)
    with pytest.raises(CodesError, match="would take minutes"):
        check_map(many, key)
    shown = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3)).astype(np.uint8)
    monkeypatch.setattr(maps, "reference", lambda id: Reference(swatches={"codes": shown}))
    monkeypatch.setattr(type(tokenizer), "decode_latents", None)
    check_map(many, key)
    found = Maps(tmp_path).find(tokenizer, key, None)
    assert np.array_equal(found.points, pca(shown.reshape(24, -1).astype(np.float32) / 255, 2).points)


def test_a_layout_is_made_once_and_found_by_the_next_process(tokenizer, tmp_path):
    first = Maps(tmp_path)
    assert first.find(tokenizer, UMAP, None) is None
    found = first.wait_for(tokenizer, UMAP, None)
    assert found.points.shape == (24, 2) and np.isfinite(found.points).all()
    again = Maps(tmp_path).find(tokenizer, UMAP, None)
    assert np.array_equal(again.points, found.points)
    # other encoder outputs make another map
    assert Maps(tmp_path).find(tokenizer, UMAP, np.zeros((3, 4), np.float32)) is None


def test_a_shipped_map_is_taken_as_it_is(tokenizer, tmp_path, monkeypatch):
    points = np.random.default_rng(0).normal(size=(24, 2)).astype(np.float16)
    shipped = {f"{UMAP.name}/points": points, f"{UMAP.name}/outputs": np.zeros((0, 2), np.float16)}
    np.savez(tmp_path / "maps.npz", **shipped)
    monkeypatch.setattr(maps.registry, "has", lambda id: True)
    monkeypatch.setattr(maps.registry, "folder_of", lambda id: tmp_path)
    found = Maps(tmp_path / "cache").find(tokenizer, UMAP, None)
    assert np.array_equal(found.points, points.astype(np.float32))


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_damaged_file_is_laid_out_again_or_refused_in_words(tokenizer, tmp_path, monkeypatch, share):
    found = Maps(tmp_path)
    found._keep(found._identity(tokenizer, UMAP, None), Projection(np.zeros((24, 2)), np.zeros((0, 2))))
    (kept,) = tmp_path.glob("*.npz")
    assert found.find(tokenizer, UMAP, None) is not None
    data = kept.read_bytes()
    kept.write_bytes(data[: int(share * len(data))])
    assert found.find(tokenizer, UMAP, None) is None

    kept.rename(tmp_path / "maps.npz")
    maps._shipped.cache_clear()
    monkeypatch.setattr(maps.registry, "has", lambda id: True)
    monkeypatch.setattr(maps.registry, "folder_of", lambda id: tmp_path)
    with pytest.raises(CheckpointError, match="damaged"):
        found.find(tokenizer, UMAP, None)


def test_a_stopped_layout_is_gone_and_a_failed_one_says_why(tokenizer, tmp_path, monkeypatch):
    found = Maps(tmp_path)
    assert found.progress(tokenizer, UMAP, None) == 0
    found.stop(tokenizer, UMAP, None)
    assert found._layouts == {}
    monkeypatch.setattr(maps, "placed_by", lambda *given: np.full((24, 4), np.nan, np.float32))
    with pytest.raises(ExplorerError, match="not finite"):
        found.wait_for(tokenizer, UMAP, None)


def test_no_more_than_two_layouts_run_side_by_side(tokenizer, tmp_path, monkeypatch):
    started = []
    found = _without_processes(tmp_path, monkeypatch, started)
    shares = [
        found.progress(tokenizer, MapKey("codes", of, "umap", dims), None)
        for of in ("vectors", "swatches")
        for dims in (2, 3)
    ]
    assert shares == [0.5, 0.5, 0.0, 0.0] and len(started) == 2


def test_layouts_that_nobody_asks_about_make_way_and_a_finished_one_is_kept(tokenizer, tmp_path, monkeypatch):
    found = _without_processes(tmp_path, monkeypatch, started := [])
    finished, left, wanted = (MapKey("codes", *what) for what in (("vectors",), ("swatches",), ("swatches", "umap", 3)))
    for key in (finished, left):
        assert found.progress(tokenizer, key, None) == 0.5
    assert found.progress(tokenizer, wanted, None) == 0.0  # both are still asked about
    started[0].ended, started[0].result = True, Projection(np.ones((24, 2)), np.zeros((0, 2)))
    started[1].asked -= maps.FORGOTTEN
    assert found.progress(tokenizer, wanted, None) == 0.5
    assert [layout.stopped for layout in started] == [True, True, False] and len(found._layouts) == 1
    assert found.find(tokenizer, finished, None).points.max() == 1 and found.find(tokenizer, left, None) is None


@pytest.mark.parametrize("why", ["a file in place of the folder", "a full disk"])
def test_a_map_that_can_not_be_kept_is_shown_with_a_note_and_said_once(tokenizer, tmp_path, monkeypatch, caplog, why):
    folder = tmp_path / "cache"
    if why == "a full disk":
        monkeypatch.setattr(np, "savez_compressed", _full)
    else:
        folder.write_text("")
    found = _without_processes(folder, monkeypatch, started := [])
    found.check_folder()
    for key in (UMAP, MapKey("codes", dims=3)):
        assert found.progress(tokenizer, key, None) == 0.5 and found.find(tokenizer, key, None) is None
        layout = started[-1]
        layout.ended, layout.result = True, Projection(np.ones((24, 2), np.float32), np.zeros((0, 2), np.float32))
        layout.poll = lambda: 1.0
        assert found.progress(tokenizer, key, None) == 1.0
        shown = found.find(tokenizer, key, None)
        assert np.array_equal(shown.points, np.ones((24, 2))) and "could not be kept" in shown.note
    assert caplog.text.count("can't be kept") == 1
    assert not folder.is_dir() or list(folder.iterdir()) == []
    assert len(started) == 2


def _full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("writable", [True, False])
def test_umaps_compiler_is_given_a_folder_where_it_has_none(monkeypatch, tmp_path, writable):
    monkeypatch.setattr(maps, "_writable", lambda folder: writable)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    maps._let_numba_cache()
    given = os.environ.get("NUMBA_CACHE_DIR", "")
    assert Path(given).parent == tmp_path if not writable else given == ""


def test_only_so_many_maps_are_held_that_can_not_be_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(np, "savez_compressed", _full)
    found = Maps(tmp_path)
    for number in range(maps.HELD + 5):
        found._keep(str(number), Projection(np.ones((2, 2)), np.zeros((0, 2))))
    assert list(found._held) == [str(number) for number in range(5, maps.HELD + 5)]


def _without_processes(folder, monkeypatch, started):
    """Maps whose layouts are half done, and nothing more; all that are started are put into a list."""

    def layout(*given):
        started.append(SimpleNamespace(poll=lambda: 0.5, ended=False, result=None, asked=0.0, stopped=False))
        started[-1].stop = lambda one=started[-1]: setattr(one, "stopped", True)
        return started[-1]

    monkeypatch.setattr(maps, "_Layout", layout)
    return Maps(folder)


def test_a_large_codebook_is_sampled_evenly_and_always_alike():
    codes = mapped_codes(Codebook("book", 64_000, 6, "grid", (8, 8, 8, 5, 5, 5)))
    assert len(codes) == MOST == len(np.unique(codes)) and (np.diff(codes) > 0).all()
    assert np.array_equal(codes, mapped_codes(Codebook("book", 64_000, 6, "grid", (8, 8, 8, 5, 5, 5))))
    quarters = np.bincount(codes // 16_000)
    assert abs(quarters - MOST / 4).max() < 300
    assert np.array_equal(mapped_codes(Codebook("book", MOST, 4, "euclidean")), np.arange(MOST))


def test_what_places_a_code(tokenizer):
    assert np.array_equal(placed_by(tokenizer, UMAP), tokenizer.vectors("codebook", np.arange(24)))
    pixels = placed_by(tokenizer, MapKey("codes", "swatches"))
    assert pixels.shape == (24, 8 * 8 * 3) and 0 <= pixels.min() < pixels.max() <= 1


@pytest.mark.parametrize(
    "key", [MapKey("codes", "colours"), MapKey("codes", method="tsne"), MapKey("codes", dims=4), MapKey("top")]
)
def test_a_map_that_there_is_not_is_refused(tokenizer, key):
    with pytest.raises(CodesError):
        key.check(tokenizer.spec)
