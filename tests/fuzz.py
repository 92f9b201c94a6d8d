"""Requests that nobody should send: valid ones with something strange in one place, and what an answer may be."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from hypothesis import strategies as st

GRADIO = "/gradio_api"
PATIENCE = 60.0
"""Seconds after which a request counts as hung."""
TELLTALES = ("Traceback (most recent call last)", 'File "/', "root:x:0:")
"""What no answer may contain: our source's places, and a file of the machine."""
LONGEST_SENTENCE = 400
OF_THE_PROGRAM = re.compile(r"\b\w+(Error|Exception|Warning)\b|Internal|Traceback|went wrong inside|our fault|<class")
"""What no answer to wrong arguments may contain: names of exceptions, and that the program is to blame."""
FOLDERS = tuple({str(Path(__file__).parents[1]), str(Path.home()), tempfile.gettempdir()} - {"/"})


def check_sentence(text: Any) -> None:
    """Fail unless a text says on one short line what was wrong, and nothing of the program and the machine."""
    assert isinstance(text, str) and text, repr(text)
    assert len(text) <= LONGEST_SENTENCE, text
    assert text.isprintable(), repr(text)
    assert not OF_THE_PROGRAM.search(text), text
    assert not any(folder in text for folder in FOLDERS), text


def strange(secret: str, listener: str) -> st.SearchStrategy:
    """Values of all kinds; secret: a file of the machine, listener: an address of it."""
    paths = [secret, f"file://{secret}", f"/proc/self/root{secret}", "../" * 12 + secret, "/etc/passwd", "app.py", ""]
    named = [*paths, listener, "\x00", "‮", "a" * 5000, "vq_ema.caltech_f8_1024", "codes", "NaN"]
    numbers = [0, -1, 1, 2**31, -(2**63), 10**30, 0.5, 1e308, -0.0]
    files = st.sampled_from([secret, listener, "/etc/passwd", "app.py"]).map(
        lambda path: {"path": path, "url": path, "orig_name": path, "meta": {"_type": "gradio.FileData"}}
    )
    leaves = st.one_of(
        st.none(), st.booleans(), st.sampled_from(numbers), st.integers(), st.sampled_from(named), st.text(), files
    )
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    )


def places(value: Any, way: tuple = ()) -> Iterator[tuple]:
    """The way to every part of a JSON value, the whole included."""
    yield way
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(parts)[:6]:
        yield from places(part, (*way, key))


def changed(value: Any, way: tuple, new: Any) -> Any:
    """A JSON value with another part at the end of a way."""
    if not way:
        return new
    key, *rest = way
    if isinstance(value, list):
        return [changed(part, tuple(rest), new) if i == key else part for i, part in enumerate(value)]
    return {**value, key: changed(value[key], tuple(rest), new)}


@st.composite
def nearly(draw: st.DrawFn, valid: Any, values: st.SearchStrategy) -> Any:
    """A valid JSON value with something strange in one or two places."""
    for _ in range(draw(st.integers(1, 2))):
        valid = changed(valid, draw(st.sampled_from(list(places(valid)))), draw(values))
    return valid


class Fuzzed:
    """The app at an address, asked strange things. Every method checks the answer and returns its text."""

    def __init__(self, url: str, secret: str):
        """secret: what stands in a file of the machine that nobody was given."""
        self.http, self.secret = httpx.Client(base_url=url, timeout=PATIENCE), secret
        self.page = self.http.stream("GET", f"{GRADIO}/heartbeat/strange")
        self.page.__enter__()  # open for as long as the client is

    def view(self, component: int, function: str, request: Any) -> str:
        """A server function of a view; a request that is no text is sent as it is."""
        body = {"data": request, "component_id": component, "fn_name": function, "session_hash": "strange"}
        return self.post("/component_server", body)

    def endpoint(self, name: str, data: Any) -> str:
        """A named endpoint, and what it came to."""
        text = self.post(f"/call/{name}", {"data": data})
        try:
            event = json.loads(text)["event_id"]
        except (ValueError, KeyError, TypeError):
            return text  # refused
        answer = self._checked(self.http.get(f"{GRADIO}/call/{name}/{event}"))
        if answer.startswith("event: error"):
            check_sentence(json.loads(answer.split("data: ", 1)[1])["error"])
        return answer

    def get(self, path: str) -> str:
        """What stands at a path of the app, which is sent as it is."""
        return self._checked(self.http.get(path))

    def post(self, path: str, body: Any) -> str:
        headers = {"Content-Type": "application/json"}
        return self._checked(self.http.post(GRADIO + path, content=_json(body), headers=headers))

    def upload(self, name: str, contents: bytes) -> str:
        files = {"files": (name, contents, "application/octet-stream")}
        return self._checked(self.http.post(f"{GRADIO}/upload", files=files))

    def _checked(self, reply: httpx.Response) -> str:
        assert reply.status_code < 500, f"{reply.status_code}: {reply.text[:500]}"
        for told in (*TELLTALES, self.secret):
            assert told not in reply.text, f"{told!r} in {reply.text[:500]}"
        return reply.text


def _json(value: Any) -> bytes:
    """JSON as any program may write it: NaN, too, and half of a pair of surrogates."""
    return json.dumps(value, allow_nan=True).encode("utf-8", "surrogatepass")
