"""Fifty visitors for five minutes: `python -m tests.load` starts the app and prints how long they waited."""

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from pathlib import Path

import explorer
from explorer.bench.servers import answer, app_command, free_port, started
from tests.load.day import Day, Record

SETTLES = 30
"""Seconds after the last visitor has left, until memory is read."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=300.0)
    given = parser.parse_args(arguments)
    port = free_port()
    with started(app_command(port), port) as url:
        answer(url)
        record, before, after = visited(url, given.sessions, given.seconds)
    print(table(record))
    print(f"memory of the app: {before:.0f} MB after four visitors, {after:.0f} MB after all had left")
    for line in sorted(set(record.wrong)):
        print(f"{record.wrong.count(line)} x {line}", file=sys.stderr)
    return bool(record.wrong)


def visited(url: str, sessions: int, seconds: float) -> tuple[Record, float, float]:
    """What the visitors met with, and the app's memory in MB before and after."""
    tokenizers = {id: explorer.load(id, "cpu") for id in explorer.available()[:2]}
    days = [Day(number, tokenizers) for number in range(sessions)]

    async def everybody() -> tuple[Record, float]:
        await asyncio.gather(*(day.warm_up(url) for day in days[:4]))
        before, record, until = memory(url), Record(), time.monotonic() + seconds
        await asyncio.gather(*(day.spend(url, until, record) for day in days))
        return record, before

    record, before = asyncio.run(everybody())
    time.sleep(SETTLES)
    return record, before, memory(url)


def memory(url: str) -> float:
    """Resident megabytes of the process that listens at an address of this machine."""
    port = url.rpartition(":")[2]
    [process] = subprocess.run(
        ["pgrep", "-f", f"app.py .*--port {port}"], capture_output=True, text=True
    ).stdout.split()
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def table(record: Record) -> str:
    rows = ["| action | times | p50 | p95 | longest |", "|---|---|---|---|---|"]
    for action, seconds in record.seconds.items():
        cuts = statistics.quantiles(seconds, n=20) if len(seconds) > 1 else seconds * 19
        rows.append(f"| {action} | {len(seconds)} | {cuts[9]:.2f} s | {cuts[18]:.2f} s | {max(seconds):.2f} s |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
