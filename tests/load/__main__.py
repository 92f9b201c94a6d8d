"""Many visitors at once: `python -m tests.load` starts the app, sends them, and prints how long they waited and what
they left behind."""

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import explorer
from explorer.bench.servers import Server, answer, app_command, free_port, started
from tests.load.day import Day, Record
from tests.load.visitor import Visitor

FORGETS = 30
"""Seconds after which the app forgets a closed page here."""
FIRST = 300
"""Seconds of visits before anything is measured, after which what the app keeps for all is there."""
TELLS = 30.0
"""Seconds between two lines on how far the visits are."""
AT_ONCE = 8
"""Pages that are open side by side where pages are only opened and closed."""


@dataclass(frozen=True)
class Held:
    """What the app holds at some moment. memory: resident, in MB; files: in its folder of visitors' files."""

    memory: float
    sessions: int
    threads: int
    descriptors: int
    files: int

    def __str__(self) -> str:
        return (
            f"{self.memory:.0f} MB, {self.sessions} sessions, {self.threads} threads, {self.descriptors} open files, "
            f"{self.files} files of visitors"
        )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--sessions", type=int, default=50, help="visitors who do all sorts of things (50)")
    parser.add_argument("--seconds", type=float, default=300.0, help="how long they stay (300)")
    parser.add_argument("--openings", type=int, default=0, help="instead: pages opened, used once and closed")
    parser.add_argument("--attacker", action="store_true", help="an attacker beside them; the app has its limits then")
    parser.add_argument("--first", type=float, default=FIRST, help=f"seconds of visits that are not measured ({FIRST})")
    given = parser.parse_args(arguments)
    record, before, after = measured(given.sessions, given.seconds, given.openings, given.attacker, given.first)
    print(f"{table(record)}\nbefore: {before}\nafter:  {after}")
    for line in sorted(set(record.wrong)):
        print(f"{record.wrong.count(line)} x {line}", file=sys.stderr)
    return bool(record.wrong)


def measured(
    sessions: int, seconds: float, openings: int, attacked: bool = False, first: float = FIRST
) -> tuple[Record, Held, Held]:
    """What the visitors met with, and what the app held after a few of them and after all had left.

    attacked: whether an attacker does its worst meanwhile. first: seconds of visits before anything is measured.
    """
    tokenizers = {id: explorer.load(id, "cpu") for id in explorer.available()[:2]}
    days = [Day(number, tokenizers) for number in range(AT_ONCE if openings else sessions)]
    port = free_port()
    command = [*app_command(port), "--limits", "--forget-after", str(FORGETS)]
    with tempfile.TemporaryDirectory() as folder, started(command, port, TMPDIR=folder) as server:
        answer(f"{server.url}/health")
        record = Record()
        asyncio.run(_together(day.warm_up(server.url) for day in days[:AT_ONCE]))

        def visits(seconds: float, times: int, record: Record):
            """What all of them do: look in so many times, or stay for so many seconds."""
            until = time.monotonic() + seconds
            return (
                day.look(server.url, times, record) if openings else day.spend(server.url, until, record)
                for day in days
            )

        asyncio.run(_together(visits(first, 25, Record())))
        before = asyncio.run(held(server, Path(folder)))
        print(f"before: {before}", flush=True)
        with attacker(server.url, seconds) if attacked else contextlib.nullcontext():
            asyncio.run(_together(visits(seconds, openings // len(days), record), record))
        return record, before, asyncio.run(held(server, Path(folder)))


@contextlib.contextmanager
def attacker(url: str, seconds: float) -> Iterator[None]:
    """While it lasts, an attacker in a process of its own; it has what the visitors and the app leave of the cores."""
    command = [sys.executable, "-m", "tests.load.attacker", url, str(seconds)]
    process = subprocess.Popen(command, preexec_fn=lambda: os.nice(19))
    try:
        yield
        process.wait(120)
    finally:
        process.kill()
        process.wait()


async def _together(visits, record: Record | None = None) -> None:
    """All visits at once; of a record it is told how it grows."""

    async def tell() -> None:
        while record:
            await asyncio.sleep(TELLS)
            print(f"so far:\n{table(record)}\n{len(record.wrong)} errors", flush=True)

    telling = asyncio.create_task(tell())
    try:
        await asyncio.gather(*visits)
    finally:
        telling.cancel()


async def held(server: Server, folder: Path) -> Held:
    """What the app holds once it has had the time to forget."""
    await asyncio.sleep(3 * FORGETS)
    process, visitor = Path(f"/proc/{server.process}"), Visitor(server.url)
    status = dict(line.split(":\t") for line in (process / "status").read_text().splitlines())
    sessions = (await visitor.health())["sessions"]
    await visitor.close()
    return Held(
        memory=int(status["VmRSS"].split()[0]) / 1024,
        sessions=sessions,
        threads=int(status["Threads"]),
        descriptors=len(list((process / "fd").iterdir())),
        files=sum(path.is_file() for path in folder.rglob("*")),
    )


def table(record: Record) -> str:
    rows = ["| action | times | p50 | p95 | longest |", "|---|---|---|---|---|"]
    for action, seconds in record.seconds.items():
        cuts = statistics.quantiles(seconds, n=20) if len(seconds) > 1 else seconds * 19
        rows.append(f"| {action} | {len(seconds)} | {cuts[9]:.2f} s | {cuts[18]:.2f} s | {max(seconds):.2f} s |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
