"""An intruder: sends what nobody should, and knows all that the running app takes, read off the app itself."""

import contextlib
import threading
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import httpx

GRADIO = "/gradio_api"
PATIENCE = 60.0
"""Seconds after which a request counts as hung."""
MARK = {"_type": "gradio.FileData"}


class Intruder:
    """address: where a proxy on this machine, which is believed, says that the requests come from."""

    def __init__(self, url: str, address: str = "203.0.113.66"):
        self.url, self.page = url, f"intruder{address.replace('.', '')}"
        self.http = httpx.Client(base_url=url, timeout=PATIENCE, headers={"X-Forwarded-For": address})

    @contextlib.contextmanager
    def open_page(self) -> Iterator[None]:
        """While it lasts, the intruder's page is open, as that of any visitor."""
        opened, over = threading.Event(), threading.Event()

        def heartbeat() -> None:
            with self.http.stream("GET", f"{GRADIO}/heartbeat/{self.page}") as stream:
                for _ in stream.iter_raw():
                    opened.set()
                    over.wait()
                    return

        watching = threading.Thread(target=heartbeat, daemon=True)
        watching.start()
        assert opened.wait(PATIENCE)
        try:
            yield
        finally:
            over.set()
            watching.join(PATIENCE)

    @cached_property
    def config(self) -> dict[str, Any]:
        return self.http.get("/config").json()

    @cached_property
    def endpoints(self) -> dict[str, list[dict[str, Any]]]:
        """Name of each endpoint -> its parameters, as the app describes them."""
        found = self.http.get(f"{GRADIO}/info").json()["named_endpoints"]
        return {name.strip("/"): endpoint["parameters"] for name, endpoint in found.items()}

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """The page's events that run something on the server."""
        return [event for event in self.config["dependencies"] if event["backend_fn"]]

    @cached_property
    def views(self) -> list[tuple[int, str]]:
        """(component, function) of every function that a view may call."""
        return [
            (component["id"], name)
            for component in self.config["components"]
            for name in component["props"].get("server_fns") or ()
        ]

    def usual(self, id: int) -> Any:
        """What a component of the page holds at first."""
        return next(part["props"].get("value") for part in self.config["components"] if part["id"] == id)

    def post(self, path: str, body: Any, **more: Any) -> httpx.Response:
        return self.http.post(GRADIO + path, json=body, **more)

    def upload(self, contents: bytes, name: str = "picture.png") -> str:
        """The path that the server gave an upload."""
        answer = self.http.post(f"{GRADIO}/upload", files={"files": (name, contents)})
        answer.raise_for_status()
        return answer.json()[0]

    def call(self, name: str, data: list[Any]) -> str:
        """What an endpoint came to."""
        return self.outcome(name, self.post(f"/call/{name}", {"data": data}))

    def call_by_name(self, name: str, data: dict[str, Any]) -> str:
        """The same, with the parameters named."""
        return self.outcome(name, self.post(f"/call/v2/{name}", data))

    def outcome(self, name: str, accepted: httpx.Response) -> str:
        if accepted.status_code != 200:
            return f"{accepted.status_code} {accepted.text}"
        event = accepted.json()["event_id"]
        return self.http.get(f"{GRADIO}/call/{name}/{event}").text

    def fire(self, event: int, data: list[Any]) -> httpx.Response:
        """Asks for an event of the page; the answer says whether it was let in."""
        body = {"data": data, "fn_index": event, "session_hash": self.page, "trigger_id": None, "event_data": None}
        return self.post("/queue/join", body)

    def view(self, component: int, function: str, data: Any) -> httpx.Response:
        body = {"data": data, "component_id": component, "fn_name": function, "session_hash": self.page}
        return self.post("/component_server", body)


def shapes(path: str) -> dict[str, Any]:
    """The ways in which a request can describe a file."""
    return {
        "bare": {"path": path},
        "marked": {"path": path, "meta": MARK},
        "complete": {"path": path, "url": f"{GRADIO}/file={path}", "orig_name": "a.png", "size": 1, "meta": MARK},
        "listed": [{"path": path}],
        "listed and marked": [{"path": path, "meta": MARK}],
        "nested": {"a": [{"b": {"c": [[{"path": path}]]}}]},
        "a property": {"value": {"path": path, "meta": MARK}},
        "a stream": {"path": path, "is_stream": True, "meta": MARK},
        "text": path,
        "listed text": [path],
        "an address": {"url": f"file://{path}", "meta": MARK},
        "an address here": {"url": f"{GRADIO}/file={path}", "meta": MARK},
    }


NAMES_A_PATH = ("bare", "marked", "complete", "listed", "listed and marked", "nested", "a property", "a stream")
"""The shapes that the gate refuses wherever they stand."""
