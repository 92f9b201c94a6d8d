"""Which pictures are trained on, and that every batch is a function of its step."""

import io
import logging
import tarfile
import zipfile

import numpy as np
import pytest
import torch

from explorer.core.errors import DataError
from explorer.training.data import Batches, held_out_names, load_split


def test_every_tenth_file_of_each_folder_is_held_out():
    names = [f"{folder}/image_{i:04d}.jpg" for folder in ("cat", "dog") for i in range(1, 26)]
    expected = {f"{folder}/image_{i:04d}.jpg" for folder in ("cat", "dog") for i in (10, 20)}
    assert held_out_names(reversed(names)) == expected


def test_the_two_parts_share_nothing_and_make_the_whole(pictures):
    held_in, held_out = load_split(pictures, False), load_split(pictures, True)
    assert len(held_in.names) == 36 and len(held_out.names) == 4
    assert sorted(held_in.names + held_out.names) == load_split(pictures, None).names


def test_folder_tar_and_official_zip_give_the_same_pictures(pictures, tmp_path):
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as tar:
        tar.add(pictures, arcname=".")
    (tmp_path / "pictures.tar.gz").write_bytes(inner.getvalue())
    with zipfile.ZipFile(tmp_path / "caltech-101.zip", "w") as archive:
        archive.writestr("caltech-101/101_ObjectCategories.tar.gz", inner.getvalue())
        annotations = io.BytesIO()
        tarfile.open(fileobj=annotations, mode="w").close()
        archive.writestr("caltech-101/Annotations.tar", annotations.getvalue())
        archive.writestr("__MACOSX/readme.txt", "no picture")
    from_folder = load_split(pictures, None)
    for file in ("pictures.tar.gz", "caltech-101.zip"):
        found = load_split(tmp_path / file, None)
        assert [name.removeprefix("./") for name in found.names] == from_folder.names
        assert all(np.array_equal(a, b) for a, b in zip(found.pictures, from_folder.pictures, strict=True))


def test_left_out_classes_are_not_loaded(pictures):
    assert all(name.startswith("class1") for name in load_split(pictures, None, leave_out=["class0"]).names)


def test_unreadable_files_are_named_and_counted(pictures, tmp_path, caplog):
    (tmp_path / "good.png").write_bytes((pictures / "class0" / "image_0000.png").read_bytes())
    (tmp_path / "broken.png").write_text("not a picture")
    with caplog.at_level(logging.WARNING):
        split = load_split(tmp_path, None)
    assert split.names == ["good.png"] and split.unreadable == ["broken.png"]
    assert "broken.png" in caplog.text


@pytest.mark.parametrize("content", [None, "notes.txt", "broken.png"])
def test_data_without_pictures_is_refused_in_words(tmp_path, content):
    if content:
        (tmp_path / content).write_text("words")
    with pytest.raises(DataError, match=r"No pictures in|could be read"):
        load_split(tmp_path, None)


def test_missing_and_foreign_files_are_refused_in_words(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        load_split(tmp_path / "nowhere", None)
    (tmp_path / "file.bin").write_bytes(b"0" * 100)
    with pytest.raises(DataError, match="neither a folder nor a tar or zip"):
        load_split(tmp_path / "file.bin", None)


def test_a_damaged_archive_is_refused_in_words(pictures, tmp_path):
    with tarfile.open(tmp_path / "whole.tar.gz", "w:gz") as tar:
        tar.add(pictures, arcname=".")
    data = (tmp_path / "whole.tar.gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="damaged or cut off"):
        load_split(tmp_path / "cut.tar.gz", None)


def test_sides_are_limited_and_small_pictures_enlarged(pictures):
    assert {p.shape[:2] for p in load_split(pictures, True, short_side=32).pictures} == {(32, 40)}
    assert {p.shape[:2] for p in load_split(pictures, True, at_least=96).pictures} == {(96, 120)}


def _batches(pictures, rank=0, world=1, seed=3):
    return Batches(load_split(pictures, False).pictures, lambda step: (4, 32, (1.0, 1.5)), seed, rank, world)


def test_a_batch_depends_on_seed_and_step_alone(pictures):
    first, again, other = _batches(pictures), _batches(pictures), _batches(pictures, seed=4)
    first(0)
    assert torch.equal(first(7), again(7))
    assert not torch.equal(first(7), first(8)) and not torch.equal(first(7), other(7))
    batch = first(7)
    assert batch.shape == (4, 3, 32, 32) and batch.dtype == torch.float32
    assert batch.min() >= 0 and batch.max() <= 1


def test_processes_share_what_one_would_see(pictures):
    whole = _batches(pictures)(5)
    halves = torch.cat([_batches(pictures, rank, 2)(5) for rank in range(2)])
    assert torch.equal(whole, halves)


def test_stages_draw_their_own_crops(pictures):
    drawn = {0: (4, 32, (1.0,)), 1: (2, 48, (1.0,))}
    batches = Batches(load_split(pictures, False).pictures, drawn.get, 0)
    assert batches(0).shape == (4, 3, 32, 32) and batches(1).shape == (2, 3, 48, 48)
