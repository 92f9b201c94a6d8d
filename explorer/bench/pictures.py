"""From the bytes of a photograph to upright RGB pixels, every check included, against bare Pillow."""

import io

import numpy as np
from PIL import Image

from explorer.bench.measure import Row, alternate
from explorer.core.images import encode_file, fit, read_picture
from explorer.services.examples import example

LONGEST = 4032
"""Pixels of a phone's photographs, which have twelve million."""

MOST = 1.1


def rows() -> list[Row]:
    pixels = fit(example("Retina"), LONGEST, "whole")
    files = {"JPEG": encode_file(pixels, "jpeg", quality=92), "PNG": encode_file(pixels, "png", compress_level=1)}
    found = []
    for name, data in files.items():
        ours, peer = alternate(lambda data=data: read_picture(data), lambda data=data: _bare(data))
        found.append(Row(f"a {name} of {pixels.shape[0] * pixels.shape[1] / 1e6:.0f} MP", ours, "Pillow", peer, MOST))
    return found


def _bare(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))
