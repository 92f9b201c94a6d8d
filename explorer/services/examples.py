"""Example pictures: scikit-image's bundled photographs, with their sources and licences."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from explorer.core.errors import PictureError
from explorer.core.images import encode_file, fit, read_picture
from explorer.core.quoting import quoted


@dataclass(frozen=True)
class Example:
    """One example picture; `file` is in scikit-image's data folder."""

    name: str
    file: str
    credit: str


EXAMPLES = (
    Example("Astronaut", "astronaut.png", "Eileen Collins, NASA Great Images, public domain"),
    Example("Cat", "chelsea.png", "Chelsea, by Stefan van der Walt, CC0"),
    Example("Coffee", "coffee.png", "Espresso, by Rachel Michetti, CC0"),
    Example("Rocket", "rocket.jpg", "Falcon 9 launch, by SpaceX, public domain"),
    Example("Galaxies", "hubble_deep_field.jpg", "Hubble eXtreme Deep Field, NASA, public domain"),
    Example("Retina", "retina.jpg", "Fundus photograph, by Mikael Häggström, CC0"),
    Example("Tissue", "ihc.png", "Colonic glands, immunohistochemistry, no known copyright restrictions"),
    Example("Grass", "grass.png", "Grass texture, by linolafett, CC0"),
)

GOLDEN, GOLDEN_SIZE = EXAMPLES[0].name, 256
"""The example of which every model ships codes and a reconstruction, in golden.npz, and its pixels of a side."""


def example(name: str) -> np.ndarray:
    """Pixels (H, W, 3) uint8 of a named example."""
    for found in EXAMPLES:
        if found.name == name:
            return read_picture(_folder() / found.file).pixels
    raise PictureError(f"There is no example {quoted(name)}; there are {', '.join(e.name for e in EXAMPLES)}.")


@cache
def golden_picture() -> np.ndarray:
    """Pixels (256, 256, 3) uint8: the centre square of the example GOLDEN."""
    return fit(example(GOLDEN), GOLDEN_SIZE, "square")


@cache
def thumbnails(side: int = 96) -> dict[str, bytes]:
    """Name -> JPEG bytes of each example's centre square."""
    shown = {}
    for found in EXAMPLES:
        pixels = read_picture(_folder() / found.file, longest=4 * side).pixels
        shown[found.name] = encode_file(fit(pixels, side, "square", 1), "jpeg", quality=85)
    return shown


def _folder() -> Path:
    import skimage

    return Path(skimage.data_dir)
