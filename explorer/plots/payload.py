"""What the browser is sent: compact JSON strings with arrays in base64 and pictures as data URLs.

Strings, because nested lists cost the page ten times as much to take over.
"""

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from explorer.analysis.reconstruction import error_map
from explorer.core.codes import Codes
from explorer.core.images import encode_file
from explorer.core.mosaic import mosaic
from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import Ranking
from explorer.plots.palette import scale

ERROR_GAIN = 4
"""The error map shows the mean absolute difference times this; 64 of 255 levels is its brightest colour."""


def picture_payload(
    spec: TokenizerSpec,
    codes: Codes | None,
    reconstruction: np.ndarray,
    original: np.ndarray | None,
    rankings: Mapping[str, Ranking],
    name: str,
    partial: Sequence[np.ndarray] = (),
) -> str:
    """One tokenized picture: pictures (H, W, 3) uint8, codes of one picture, per level the two best codes.

    codes: None of a model without any. partial: what the first level, the first two, ... decode to.
    """
    height, width = reconstruction.shape[:2]
    # Compressing is what takes the time, and Pillow lets other threads run meanwhile.
    with ThreadPoolExecutor(3) as pool:
        pictures = {"reconstruction": pool.submit(data_url, reconstruction)}
        steps = [pool.submit(data_url, picture) for picture in partial]
        if original is not None:
            pictures["original"] = pool.submit(data_url, original)
            pictures["error"] = pool.submit(lambda: data_url(error_picture(original, reconstruction), 90))
    levels = []
    for level in spec.levels:
        grid = codes[level.name][0]
        rows, columns = grid.shape if level.spatial else near_square(grid.size)
        levels.append(
            {
                "name": level.name,
                "shape": list(grid.shape),
                "rows": rows,
                "columns": columns,
                "codes": packed(grid.astype(np.int32)),
                **_runner_up(grid, rankings.get(level.name), spec.codebook(level.name).metric),
                **_odds(rankings.get(level.name), spec.codebook(level.name).metric),
            }
        )
    return json.dumps(
        {
            "model": spec.id,
            "revision": spec.revision,
            "name": name,
            "width": width,
            "height": height,
            **{kind: picture.result() for kind, picture in pictures.items()},
            "partial": [step.result() for step in steps],
            "sha256": hashlib.sha256(original.tobytes()).hexdigest() if original is not None else "",
            "error_gain": ERROR_GAIN,
            "levels": levels,
        }
    )


def model_payload(
    spec: TokenizerSpec,
    colours: Mapping[str, np.ndarray],
    counts: Mapping[str, np.ndarray],
    swatches: Mapping[str, np.ndarray],
) -> str:
    """What the page keeps of a model: per level colours (K, 3), reference counts (K,) and swatches (K, f, f, 3),
    where there are any. Without colours the page makes up some, those of `palette.hashed_colours`."""
    levels = []
    for level in spec.levels:
        book = spec.codebook(level.name)
        entry: dict[str, Any] = {
            "name": level.name,
            "size": book.size,
            "metric": book.metric,
            "radices": list(book.radices),
        }
        if level.name in colours:
            entry["colours"] = packed(colours[level.name])
        if level.name in counts:
            entry |= {"counts": packed(counts[level.name].astype(np.int32)), "tokens": int(counts[level.name].sum())}
        if level.name in swatches:
            sheet, columns = mosaic(swatches[level.name])
            entry |= {
                "atlas": data_url(sheet, quality=90),
                "atlas_columns": columns,
                "tile": swatches[level.name].shape[1],
            }
        levels.append(entry)
    return json.dumps(
        {
            "id": spec.id,
            "title": spec.title,
            "levels": levels,
            "scale": packed(scale()),
            "heat": packed(scale("Inferno")),
        }
    )


def near_square(tokens: int) -> tuple[int, int]:
    """Rows and columns, as near to a square as they fill one, in which codes that form no map are shown."""
    rows = next(rows for rows in range(math.isqrt(tokens), 0, -1) if tokens % rows == 0)
    return rows, tokens // rows


def error_picture(original: np.ndarray, reconstruction: np.ndarray) -> np.ndarray:
    """The error map in colours, (H, W, 3) uint8, brightened by ERROR_GAIN."""
    index = np.clip(error_map(original, reconstruction) * ERROR_GAIN, 0, 255).astype(np.uint8)
    return scale("Inferno")[index]


def packed(array: np.ndarray) -> str:
    """The bytes of an array, little-endian, in base64."""
    return base64.b64encode(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()).decode()


def data_url(pixels: np.ndarray, quality: int | None = None) -> str:
    """A picture as a data URL: exact (PNG), or WebP of a quality where that is enough. Made for speed."""
    format, options = ("png", {"compress_level": 1}) if quality is None else ("webp", {"quality": quality, "method": 0})
    return f"data:image/{format};base64," + base64.b64encode(encode_file(pixels, format, **options)).decode()


def _odds(ranking: Ranking | None, metric: str) -> dict[str, str]:
    """Of a cell whose code is drawn from a distribution: its likeliest codes and their probabilities."""
    if ranking is None or metric != "logit":
        return {}
    return {"top": packed(ranking.indices.astype(np.int32)), "odds": packed(np.exp(-ranking.scores).astype(np.float32))}


def _runner_up(grid: np.ndarray, ranking: Ranking | None, metric: str) -> dict[str, str]:
    """The cell's own cost, its best other code and by how much that one lost."""
    if ranking is None or ranking.indices.shape[-1] < 2:
        return {}
    costs = ranking.scores if metric == "logit" else np.sqrt(ranking.scores)
    own_first = ranking.indices[..., 0] == grid  # a tie can rank them the other way round
    other = np.where(own_first, ranking.indices[..., 1], ranking.indices[..., 0])
    return {
        "cost": packed(costs[..., 0].astype(np.float32)),
        "runner_up": packed(other.astype(np.int32)),
        "margin": packed((costs[..., 1] - costs[..., 0]).astype(np.float32)),
    }
