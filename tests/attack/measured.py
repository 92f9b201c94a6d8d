"""Hostile files are read each in a process of its own, with limits, and its outcome and memory are told.

Memory is what the kernel counted, time is processor time, so that a busy machine changes neither.
"""

import importlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS, ADDRESSES = 40, 6 * 2**30
"""Processor time and address space that one file may take beside what the process has; then it is ended."""


@dataclass(frozen=True)
class Outcome:
    """what: "refused" with a sentence, "opened", "ended" by a limit or a crash, or the name of an error that nobody
    wrote a sentence for. grown: megabytes that the process had more than before."""

    what: str
    text: str
    grown: float


def read_each(how: str, files: Mapping[str, Path]) -> dict[str, Outcome]:
    """The outcome of reading each file in one of the ways of WAYS."""
    command = [sys.executable, "-m", "tests.attack.measured", how]
    asked = json.dumps({name: str(path) for name, path in files.items()})
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, input=asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return {name: Outcome(*found) for name, found in json.loads(done.stdout.splitlines()[-1]).items()}


def _checkpoint(path: Path) -> None:
    from explorer.adapters.files import read_tensors

    read_tensors([path])


def _pinned(path: Path) -> None:
    from explorer.adapters.files import digest, read_tensors

    read_tensors([path], [digest([path])])


def _codes(path: Path) -> None:
    from explorer.core.codes_file import CodesFile
    from explorer.services.shared_page import MARK

    data = path.read_bytes()
    if MARK.encode() in data[:200]:
        from explorer.ui.tokenize import shared_page

        shared_page(data.decode("utf-8", "replace"))
    else:
        CodesFile.read(data)


def _config(path: Path) -> None:
    from explorer.services.published import _settings

    _settings({}, path)


WAYS: dict[str, tuple[tuple[str, ...], Callable[[Path], None]]] = {
    "checkpoint": (("explorer.adapters.files",), _checkpoint),
    "pinned": (("explorer.adapters.files",), _pinned),
    "codes": (("explorer.core.codes_file", "explorer.ui.tokenize"), _codes),
    "config": (("explorer.services.published",), _config),
}


def _in_child(read: Callable[[Path], None], path: Path) -> Outcome:
    told, tell = os.pipe()
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    child = os.fork()
    if not child:
        os.close(told)
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + ADDRESSES, taken + ADDRESSES))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.write(tell, json.dumps(_outcome(read, path)).encode())
        os._exit(0)
    os.close(tell)
    with os.fdopen(told, "rb") as heard:
        answer = heard.read()
    _, status, used = os.wait4(child, 0)
    what, text = json.loads(answer) if answer else ("ended", f"status {status}")
    return Outcome(what, text, used.ru_maxrss / 1024 - before)


def _outcome(read: Callable[[Path], None], path: Path) -> tuple[str, str]:
    from explorer.core.errors import ExplorerError

    try:
        read(path)
        return "opened", ""
    except ExplorerError as error:
        return "refused", str(error)[:2000]
    except BaseException as error:
        return type(error).__name__, str(error)[:200]


def main() -> None:
    needed, read = WAYS[sys.argv[1]]
    files = json.load(sys.stdin)
    for module in needed:
        importlib.import_module(module)
    found = {name: _in_child(read, Path(path)) for name, path in files.items()}
    print(json.dumps({name: (one.what, one.text, one.grown) for name, one in found.items()}))


if __name__ == "__main__":
    main()
