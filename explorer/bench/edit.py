"""From an edited cell to the picture: the Edit view's own call against decoding all of it, at growing grids."""

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from gradio_client import Client

from explorer.bench.measure import Row, alternate
from explorer.bench.servers import answer, bare_command, free_port, started
from explorer.core.codes import Codes
from explorer.core.images import fit, to_bytes, to_unit
from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import Tokenizer
from explorer.models import registry
from explorer.plots.payload import data_url
from explorer.services.examples import example
from explorer.services.model_store import ModelStore
from explorer.ui.context import AppContext
from explorer.ui.edit_calls import EditCalls

SIZES = (128, 256, 512, 1024)
EVENTS_AT_256 = 3.0
SHARE_AT_1024 = 0.1


def rows() -> list[Row]:
    id = registry.available()[0]
    store, port = ModelStore("cpu"), free_port()
    calls, tokenizer = EditCalls(AppContext(store, (id,))), store.get(id)
    with started(bare_command(port, "event"), port) as server:
        answer(server.url)
        bare = Client(server.url, verbose=False)
        return [row for size in SIZES for row in _of_size(calls, tokenizer, size, bare)]


def _of_size(calls: EditCalls, tokenizer: Tokenizer, size: int, bare: Client) -> list[Row]:
    pixels = fit(example("Astronaut"), size, "square")
    codes = tokenizer.encode(to_unit(pixels)[None]).codes
    edit, everything, event = alternate(
        _one_cell(calls, tokenizer, codes),
        lambda: data_url(to_bytes(tokenizer.decode(codes))[0]),
        lambda: bare.predict(api_name="/nothing"),
    )
    return [
        Row(
            f"one cell edited to picture, {size} px",
            edit,
            "full decode",
            everything,
            aim=SHARE_AT_1024 if size == 1024 else None,
        ),
        Row(f"the same, {size} px", edit, "no-op event", event, aim=EVENTS_AT_256 if size == 256 else None),
    ]


def request_about(spec: TokenizerSpec, codes: Codes) -> dict[str, Any]:
    """What a call of the Edit view says of the codes that it is about, those of one picture."""
    levels = {
        name: {
            "grid": list(codes[name].shape[1:]),
            "codes": base64.b64encode(codes[name].astype("<i4").tobytes()).decode(),
        }
        for name in codes
    }
    return {"model": spec.id, "revision": spec.revision, "levels": levels}


def _one_cell(calls: EditCalls, tokenizer: Tokenizer, codes: Codes) -> Callable[[], object]:
    """The call that the page makes for an edit of the middle cell, each time to another code."""
    spec, grid, request = tokenizer.spec, codes["codes"][0], request_about(tokenizer.spec, codes)
    cell, random = grid.size // 2 + grid.shape[1] // 2, np.random.default_rng(0)

    def edit() -> object:
        code = int(random.integers(0, spec.codebooks[0].size))
        write = {"kind": "write", "level": "codes", "cells": [[cell, 1]], "codes": [code]}
        reply = calls.edit(json.dumps({**request, "edits": [write]}))
        if '"error"' in reply:
            raise RuntimeError(reply)
        return reply

    return edit
