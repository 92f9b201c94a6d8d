"""An attacker beside the visitors: bodies that are bombs or never end, invented pages, hostile pictures, in a loop.

`python -m tests.load.attacker URL SECONDS` prints how often each was sent and how it was answered.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import httpx

from tests.attack import hostile_pictures
from tests.attack.intruder import GRADIO, Intruder

ADDRESS = {"X-Forwarded-For": "203.0.113.66"}
BOMBS = (b"{}," * 3_000_000, b'{"data": [' + b"0," * 3_000_000 + b"0]}", b"[" * 1_000_000)
HELD = 3.0
"""Seconds that a body is left half sent."""


class Attacker:
    """What it does, one method each; `seen` counts the answers."""

    def __init__(self, url: str):
        self.http = httpx.AsyncClient(base_url=url, headers=ADDRESS, timeout=60)
        self.port, self.seen = int(url.rsplit(":", 1)[1]), Counter()
        self.view, self.function = Intruder(url).views[0]
        made = hostile_pictures.REFUSED | hostile_pictures.ACCEPTED
        self.hostile = hostile_pictures.programs() | {name: make()[0] for name, make in made.items()}

    async def attack(self, until: float) -> None:
        number = 0
        while time.monotonic() < until:
            for action in (self.bombs, self.half_bodies, self.invented_pages, self.pages, self.pictures):
                await self._counted(action, number)
                number += 1

    async def _counted(self, action: Callable[[int], Awaitable[None]], number: int) -> None:
        try:
            await action(number)
        except (httpx.HTTPError, OSError) as error:
            self.seen[action.__name__, type(error).__name__] += 1

    async def bombs(self, number: int) -> None:
        for path in ("queue/join", "component_server", "call/encode", "mcp"):
            headers = {"Content-Type": "application/json"}
            reply = await self.http.post(f"{GRADIO}/{path}", content=BOMBS[number % len(BOMBS)], headers=headers)
            self.seen["bombs", reply.status_code] += 1

    async def half_bodies(self, number: int) -> None:
        async def half() -> None:
            _, writing = await asyncio.open_connection("127.0.0.1", self.port)
            head = f"POST {GRADIO}/call/encode HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.66\r\n"
            writing.write(f"{head}Content-Type: application/json\r\nContent-Length: 60000000\r\n\r\n".encode())
            writing.write(b" " * 5_000_000)
            await asyncio.sleep(HELD)
            writing.close()
            self.seen["half_bodies", "left"] += 1

        await asyncio.gather(*(half() for _ in range(10)))

    async def invented_pages(self, number: int) -> None:
        async def one(page: str) -> None:
            body = {"data": "", "component_id": self.view, "fn_name": self.function, "session_hash": page}
            reply = await self.http.post(f"{GRADIO}/component_server", json=body)
            self.seen["invented_pages", reply.status_code] += 1

        await asyncio.gather(*(one(f"invented{number}x{count}") for count in range(100)))

    async def pages(self, number: int) -> None:
        for count in range(20):
            async with self.http.stream("GET", f"{GRADIO}/heartbeat/opened{number}x{count}") as stream:
                async for _ in stream.aiter_raw():
                    break
            self.seen["pages", "opened"] += 1

    async def pictures(self, number: int) -> None:
        for name, contents in self.hostile.items():
            uploaded = await self.http.post(f"{GRADIO}/upload", files={"files": (name, contents)})
            if uploaded.status_code != 200:
                self.seen["pictures", uploaded.status_code] += 1
                continue
            data = ["fsq.caltech_f8_1000", {"path": uploaded.json()[0]}, 64, "whole"]
            accepted = await self.http.post(f"{GRADIO}/call/encode", json={"data": data})
            if accepted.status_code == 200:
                await self.http.get(f"{GRADIO}/call/encode/{accepted.json()['event_id']}")
            self.seen["pictures", accepted.status_code] += 1


async def main(url: str, seconds: float) -> None:
    attacker = Attacker(url)
    await attacker.attack(time.monotonic() + seconds)
    for (what, answer), times in sorted(attacker.seen.items(), key=str):
        print(f"{what}, {answer}: {times}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
