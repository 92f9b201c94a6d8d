"""A folder of small pictures of two shapes, two of its files unreadable."""

import numpy as np
import pytest
from PIL import Image

READABLE, UNREADABLE = 21, 2


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """23 files: 21 pictures in two folders, one file of words, one cut off."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    for i in range(READABLE):
        size = (80, 64) if i % 3 else (64, 64)
        small = Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8))
        place = folder / f"class{i % 2}"
        place.mkdir(exist_ok=True)
        small.resize(size, Image.Resampling.BICUBIC).save(place / f"{i:02d}.jpg", quality=95)
    (folder / "class0" / "05.jpg").write_text("words")
    whole = (folder / "class1" / "01.jpg").read_bytes()
    (folder / "class1" / "99.jpg").write_bytes(whole[: len(whole) // 2])
    return folder
