"""Several models on one picture: sizes of equal bits, figures against the original, models without codes."""

import math

import numpy as np
import pytest

from explorer.analysis.reconstruction import psnr
from explorer.core.errors import ExplorerError
from explorer.core.images import resized, to_bytes, to_unit
from explorer.models.tokenizer import load_tokenizer
from explorer.services import comparison
from explorer.services.comparison import bits_at, check_models, compared, figures_of, files_within, plan, size_of_bits
from explorer.services.reference import Reference
from tests.bad_pictures import photo


@pytest.fixture
def models(tiny_folders, monkeypatch):
    monkeypatch.setattr(comparison, "reference", lambda id: Reference())
    return {kind: load_tokenizer(tiny_folders[kind]) for kind in ("vector", "two_grids", "residual", "point")}


@pytest.fixture(scope="module")
def source():
    return np.asarray(photo().resize((200, 140)))


def test_bits_count_every_level(models):
    assert bits_at(models["vector"].spec, 64, 96) == pytest.approx(8 * 12 * math.log2(24))
    assert bits_at(models["two_grids"].spec, 64, 96) == pytest.approx((8 * 12 + 16 * 24) * math.log2(24))
    assert bits_at(models["residual"].spec, 64, 96) == pytest.approx(3 * 8 * 12 * math.log2(24))
    assert bits_at(models["point"].spec, 64, 96) == 0


@pytest.mark.parametrize("kind", ["vector", "two_grids", "residual"])
@pytest.mark.parametrize("bits", [900.0, 4000.0, 30_000.0])
def test_sizes_of_equal_bits_keep_shape_and_come_near(models, kind, bits):
    spec = models[kind].spec
    height, width = size_of_bits(spec, bits, 160, 240)
    assert height % spec.multiple == width % spec.multiple == 0 and max(height, width) <= 1024
    assert bits_at(spec, height, width) == pytest.approx(bits, rel=0.25)
    assert width / height == pytest.approx(1.5, rel=0.2)


def test_a_plan_takes_the_first_model_with_codes_as_the_rate(models, source):
    specs = [models[kind].spec for kind in ("point", "vector", "two_grids")]
    made = plan(specs, source, 128, "whole", equal_bits=True)
    assert made.original.shape == (88, 128, 3) and made.rated is specs[1]
    assert made.bits == bits_at(specs[1], 88, 128) and made.sizes[:2] == ((88, 128), (88, 128))
    assert bits_at(specs[2], *made.sizes[2]) < 0.35 * bits_at(specs[2], 88, 128)
    assert plan(specs, source, 128, "whole").sizes == ((88, 128),) * 3
    assert plan(specs[:1], source, 128, "whole").bits == 0 and files_within(made.original, 0) == []


def test_a_model_is_measured_at_the_size_of_the_original(models, source):
    tokenizer = models["vector"]
    original = plan([tokenizer.spec], source, 128, "whole").original
    found = compared(tokenizer, (48, 64), original)
    small = resized(original, (48, 64))
    decoded = resized(to_bytes(tokenizer.decode(tokenizer.encode(to_unit(small)[None]).codes)[0]), (88, 128))
    assert np.array_equal(found.pixels, decoded) and found.psnr == psnr(original, decoded)
    row = figures_of(found, 88 * 128)
    assert row["bits_per_pixel"] == pytest.approx(6 * 8 * math.log2(24) / (88 * 128))
    assert row["bits_per_pixel_entropy_coded"] is None  # no reference set says how often its codes are used
    assert row["bytes"] == math.ceil(48 * math.log2(24) / 8) and row["coded_at"] == [48, 64] and row["tokens"] == 48


def test_a_model_without_codes_has_a_picture_but_no_bits(models, source):
    original = plan([models["point"].spec], source, 64, "square").original
    row = figures_of(compared(models["point"], (64, 64), original), 64 * 64)
    assert row["bits_per_pixel"] is None and row["bytes"] is None and row["floats"] == 8 * 8 * 4 and row["psnr"] > 0


@pytest.mark.parametrize("ids", [["a"], ["a", "a"], list("abcdefg"), []])
def test_too_few_too_many_or_the_same_twice_are_refused(ids):
    with pytest.raises(ExplorerError, match=r"2 to 6 models|chosen twice"):
        check_models(ids)
