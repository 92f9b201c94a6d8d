"""Small pictures side by side in a large one, and back."""

import numpy as np


def mosaic(tiles: np.ndarray) -> tuple[np.ndarray, int]:
    """Tiles (n, f, f, 3) side by side in one nearly square picture, and how many stand in a row."""
    count, side = tiles.shape[:2]
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    sheet = np.zeros((rows * columns, side, side, 3), np.uint8)
    sheet[:count] = tiles
    sheet = sheet.reshape(rows, columns, side, side, 3).swapaxes(1, 2)
    return sheet.reshape(rows * side, columns * side, 3), columns


def tiles(sheet: np.ndarray, count: int, side: int) -> np.ndarray:
    """The first tiles (count, side, side, 3) of a mosaic (H, W, 3)."""
    rows, columns = sheet.shape[0] // side, sheet.shape[1] // side
    return sheet.reshape(rows, side, columns, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)[:count]


def tile(sheet: np.ndarray, number: int, side: int) -> np.ndarray:
    """The tile (side, side, 3) of a number, from 0, of a mosaic (H, W, 3) of tiles."""
    row, column = divmod(number, sheet.shape[1] // side)
    return sheet[row * side : (row + 1) * side, column * side : (column + 1) * side]
