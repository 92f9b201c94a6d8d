"""From an uploaded file to the token map: the page's own handler against the bare network on the same pixels."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from gradio_client import Client, handle_file

from explorer.bench.measure import Row, alternate
from explorer.bench.servers import answer, app_command, bare_command, free_port, started
from explorer.core.images import encode_file, fit, to_unit
from explorer.models import registry
from explorer.models.checkpoint import load_model
from explorer.models.config import read_config
from explorer.services.examples import example
from explorer.services.model_store import ModelStore
from explorer.ui.context import AppContext
from explorer.ui.tokenize import TokenizeTab

SIZES = (256, 1024)
SLACK = 1.5
"""The handler may take this many forward passes, and one event that does nothing."""


def rows() -> list[Row]:
    id = registry.available()[0]
    app, bare = free_port(), free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        started(app_command(app), app) as app_server,
        started(bare_command(bare, "event"), bare) as bare_server,
    ):
        answer(app_server.url)
        answer(bare_server.url)
        clients = (Client(server.url, verbose=False) for server in (app_server, bare_server))
        return [row for size in SIZES for row in _of_size(id, size, Path(folder), *clients)]


def _of_size(id: str, size: int, folder: Path, app: Client, bare: Client) -> list[Row]:
    pixels = fit(example("Astronaut"), size, "square")
    file = folder / f"{size}.png"
    file.write_bytes(encode_file(pixels))
    handler, network, event, endpoint = alternate(
        _handler(id, str(file), size),
        _network(id, pixels),
        lambda: bare.predict(api_name="/nothing"),
        lambda: app.predict(id, handle_file(str(file)), size, "whole", api_name="/encode"),
    )
    return [
        Row(
            f"upload to token map and picture, {size} px",
            handler,
            f"{SLACK} x forward + no-op event",
            SLACK * network + event,
            aim=1.0,
        ),
        Row(f"the same, {size} px", handler, "forward", network),
        Row(f"/encode through gradio_client, {size} px", endpoint, "forward", network),
        Row(f"forward, {size} px", network, "no-op event", event),
    ]


def _handler(id: str, file: str, size: int) -> Callable[[], object]:
    """The upload handler up to its first update, which shows the token map and the picture."""
    tab = TokenizeTab(AppContext(ModelStore("cpu"), (id,)))
    tab.outputs = _Names()
    session = tab.opening[0]
    return lambda: next(tab.on_upload(file, id, size, "whole", session))


def _network(id: str, pixels: np.ndarray) -> Callable[[], object]:
    """Encode, quantize, decode by the torch module alone, on pixels that are already a tensor."""
    folder = registry.folder_of(id)
    model = load_model(folder, read_config(folder)).to(memory_format=torch.channels_last)
    batch = torch.from_numpy(to_unit(pixels)[None]).permute(0, 3, 1, 2)

    def forward() -> object:
        with torch.inference_mode():
            return model(batch)

    return forward


class _Names(dict):
    """Stands for the page's components, whichever there are: each is its own name."""

    def __missing__(self, name: str) -> str:
        return name
