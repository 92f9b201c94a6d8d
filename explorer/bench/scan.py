"""From picture files to their codes, decoding and saving included, against the bare encoder on ready pixels."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from explorer.bench.measure import Row, alternate
from explorer.core.images import encode_file, fit, read_picture, to_unit
from explorer.models import registry
from explorer.models.checkpoint import load_model
from explorer.models.config import read_config
from explorer.services.examples import EXAMPLES, example
from explorer.services.model_store import ModelStore, open_model
from explorer.services.scan import BATCH
from explorer.services.scan_run import ScanOptions, scan_data

PICTURES = 96
LONGEST = 500
"""Pixels of the files' longest side, about those of ImageNet."""
SIZE = 256
SHARE = 0.9
"""Of the bare encoder's throughput."""


def rows() -> list[Row]:
    id, device = registry.available()[0], ModelStore().device
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        for i in range(PICTURES):
            pixels = fit(example(EXAMPLES[i % len(EXAMPLES)].name), LONGEST, "whole", 1)
            (data / f"{i}.jpg").write_bytes(encode_file(np.roll(pixels, 8 * i, 1), "jpeg", quality=90))
        tokenizer = open_model(id, device)
        options = ScanOptions(data, data.with_name("usage.json"), data.with_name("codes.parquet"), SIZE)
        scan, network = alternate(lambda: scan_data(tokenizer, options), _network(id, device, data))
    return [Row(f"usage of {PICTURES} JPEGs, {SIZE} px", scan, "bare encoder", network, 1 / SHARE)]


def _network(id: str, device: str, data: Path) -> Callable[[], object]:
    """The torch module alone, on the same pictures as a tensor in its memory."""
    folder = registry.folder_of(id)
    model = load_model(folder, read_config(folder)).to(device, memory_format=torch.channels_last)
    pixels = [fit(read_picture(path).pixels, SIZE, "square") for path in sorted(data.iterdir())]
    pictures = torch.from_numpy(to_unit(np.stack(pixels))).permute(0, 3, 1, 2).to(device)
    batch = BATCH if device == "cuda" else 1  # on a CPU, as in the tokenizer, one by one is as fast

    def encode() -> None:
        with torch.inference_mode():
            found = [model.encode(part) for part in pictures.split(batch)]
            for levels in found:
                for _, indices in levels.values():
                    indices.cpu()

    return encode
