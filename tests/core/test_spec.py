"""A TokenizerSpec refuses codes and pictures that do not fit it, and says why."""

import dataclasses

import numpy as np
import pytest

from explorer.core.codes import Codes
from explorer.core.errors import CodesError, PictureError
from explorer.core.spec import Codebook, Level, TokenizerSpec


def spec(*levels, size=10):
    return TokenizerSpec(
        id="tiny.two",
        title="",
        family="",
        summary="",
        levels=levels or (Level("top", "book", 16), Level("bottom", "book", 8)),
        codebooks=(Codebook("other", 3, 4, "euclidean"), Codebook("book", size, 4, "euclidean")),
        multiple=16,
        parameters=0,
        trained_on="",
        source="",
        licence="",
        sha256="0123456789abcdef",
    )


def codes(rows=2, columns=3):
    return Codes({"top": np.zeros((1, rows, columns)), "bottom": np.zeros((1, 2 * rows, 2 * columns))})


def test_good_codes_pass():
    spec().check_codes(codes())
    spec().check_codes(codes().edit("top", (0, 1, 2), 9))
    spec(Level("line", "book", None, 5), Level("top", "book", 16)).check_codes(
        Codes({"line": np.zeros((1, 5)), "top": np.zeros((1, 1, 1))})
    )


def test_grids_of_their_own_and_pictures_of_one_size():
    found = dataclasses.replace(
        spec(Level("3 x 3", "book", None, grid=(3, 3)), Level("line", "book", None, 5)), side=64, multiple=64
    )
    good = Codes({"3 x 3": np.zeros((1, 3, 3)), "line": np.zeros((1, 5))})
    found.check_codes(good)
    assert found.image_size(good) == (64, 64) and found.shape("3 x 3", 64, 64) == (3, 3)
    with pytest.raises(CodesError, match="'3 x 3' has shape"):
        found.check_codes(Codes({**good.levels, "3 x 3": np.zeros((1, 9))}))
    with pytest.raises(CodesError, match=r"'3 x 3' has grid \(4, 4\)"):
        found.check_codes(Codes({**good.levels, "3 x 3": np.zeros((1, 4, 4))}))
    found.check_images(np.zeros((1, 64, 64, 3), np.float32))
    with pytest.raises(PictureError, match=r"128 x 64, but tiny\.two takes only 64 x 64"):
        found.check_images(np.zeros((1, 64, 128, 3), np.float32))


def test_out_of_range_names_code_cell_and_level():
    with pytest.raises(CodesError, match=r"Code 10 at cell \(3, 4\) of level 'bottom'.*0 to 9"):
        spec().check_codes(codes().edit("bottom", (0, 3, 4), 10))


@pytest.mark.parametrize("names", [["top"], ["top", "bottom", "more"], ["top", "side"]])
def test_wrong_level_names(names):
    with pytest.raises(CodesError, match=r"tiny\.two has top, bottom"):
        spec().check_codes(Codes({name: np.zeros((1, 2, 2)) for name in names}))


def test_wrong_number_of_dimensions():
    with pytest.raises(CodesError, match="'bottom' has shape"):
        spec().check_codes(Codes({"top": np.zeros((1, 2, 3)), "bottom": np.zeros((1, 24))}))


def test_grids_that_do_not_belong_together():
    with pytest.raises(CodesError, match=r"'bottom' has grid \(4, 5\).*48 x 32.*\(4, 6\)"):
        spec().check_codes(Codes({"top": np.zeros((1, 2, 3)), "bottom": np.zeros((1, 4, 5))}))
    with pytest.raises(CodesError, match="'line' has grid"):
        spec(Level("top", "book", 16), Level("line", "book", None, 5)).check_codes(
            Codes({"top": np.zeros((1, 1, 1)), "line": np.zeros((1, 4))})
        )


def test_look_ups():
    found = spec()
    assert found.codebook("bottom").size == 10
    assert found.shape("bottom", 32, 48) == (4, 6)
    assert found.image_size(codes(2, 3)) == (32, 48)
    assert found.revision == "0123456789ab"
    with pytest.raises(CodesError, match="no level 'side'; it has top, bottom"):
        found.level("side")


def images(*shape, dtype=np.float32):
    return np.full(shape, 0.5, dtype)


def changed(value):
    batch = images(1, 16, 32, 3)
    batch[0, 3, 4, 1] = value
    return batch


def test_good_images_pass():
    spec().check_images(images(2, 16, 32, 3))
    for value in (0.0, 1.0):
        spec().check_images(changed(value))


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (images(16, 16, 3), "shape"),
        (images(0, 16, 16, 3), "shape"),
        (images(1, 16, 16, 4), "shape"),
        (images(1, 16, 16, 3, dtype=np.float64), "float64"),
        (images(1, 16, 16, 3, dtype=np.uint8), "uint8"),
        (images(1, 24, 16, 3), "16 x 24.*multiples of 16"),
        (images(1, 16, 24, 3), "24 x 16.*multiples of 16"),
        (images(1, 0, 16, 3), "multiples"),
        (changed(1.01), r"reach from 0\.5 to 1\.01"),
        (changed(-0.01), r"\[0, 1\]"),
        (changed(np.nan), r"\[0, 1\]"),
        (changed(np.inf), r"\[0, 1\]"),
    ],
)
def test_wrong_images_are_refused(batch, words):
    with pytest.raises(PictureError, match=words):
        spec().check_images(batch)
