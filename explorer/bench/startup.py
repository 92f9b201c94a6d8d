"""From launch to the page: the app against a bare gradio page that imports torch."""

import time
from statistics import median

from explorer.bench.measure import Row
from explorer.bench.servers import APP, BARE_PAGE, answer, app_command, bare_command, free_port, started

AIM = 1.3
ROUNDS = 5


def rows() -> list[Row]:
    ours, peer = [], []
    for _ in range(ROUNDS + 1):
        port = free_port()
        ours.append(_start(app_command(port), port, APP))
        port = free_port()
        peer.append(_start(bare_command(port), port, BARE_PAGE))
    app, bare = ([median(values) for values in zip(*times[1:], strict=True)] for times in (ours, peer))
    name = "bare page + torch"
    return [
        Row("start-up: launch to HTTP 200 of the page", app[0], name, bare[0], AIM),
        Row("start-up: launch to a config with the first picture", app[1], name, bare[1], AIM),
    ]


def _start(command: list[str], port: int, first: str) -> tuple[float, float]:
    """Seconds to the page and to its config with something to see in it."""
    begin = time.perf_counter()
    with started(command, port) as server:
        answer(server.url)
        page = time.perf_counter() - begin
        answer(f"{server.url}/config", containing=first)
        return page, time.perf_counter() - begin
