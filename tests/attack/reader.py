"""Reads a picture in a process of its own with little memory and time, and says what became of it.

python -m tests.attack.reader FILE MEGABYTES SECONDS
"""

import json
import resource
import sys
from pathlib import Path

from explorer.core.errors import PictureError
from explorer.core.images import read_picture


def main(file: str, megabytes: int, seconds: int) -> None:
    data, before = Path(file).read_bytes(), _most()
    resource.setrlimit(resource.RLIMIT_AS, (_held() + (megabytes << 20),) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    try:
        picture = read_picture(data)
        found = {"size": picture.pixels.shape[1::-1], "notes": picture.notes}
    except PictureError as error:
        found = {"error": str(error)}
    print(json.dumps({**found, "megabytes": _most() - before}))


def _most() -> int:
    """Megabytes that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def _held() -> int:
    """Bytes of address space that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
