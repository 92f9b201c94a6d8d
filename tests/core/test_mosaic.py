"""A tile of a mosaic is found again by its number."""

import numpy as np

from explorer.core.mosaic import mosaic, tile
from explorer.core.mosaic import tiles as tiles_of


def test_every_tile_is_found_again():
    tiles = np.random.default_rng(0).integers(0, 256, (11, 6, 6, 3), np.uint8)
    sheet, columns = mosaic(tiles)
    assert columns == 4 and sheet.shape == (18, 24, 3)
    assert np.array_equal(tiles_of(sheet, 11, 6), tiles)
    assert all(np.array_equal(tile(sheet, number, 6), tiles[number]) for number in range(11))
