"""The app as a user starts it: `python app.py` in a process of its own, on a free port."""

import contextlib
from collections.abc import Iterator

from explorer.bench.servers import answer, app_command, free_port, started


@contextlib.contextmanager
def running_app() -> Iterator[str]:
    """The address of a freshly started app that answers; it is stopped on leaving."""
    port = free_port()
    with started(app_command(port), port) as server:
        answer(server.url)
        yield server.url
