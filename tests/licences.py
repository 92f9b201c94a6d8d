"""The licences of all that requirements.txt installs, read off what is installed here: `python -m tests.licences`
writes the table .github/LICENCES.md anew."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
TABLE = ROOT / ".github" / "LICENCES.md"
OF_CUDA = re.compile(r"(nvidia|cuda|triton)\b")
HEAD = """# Licences of what this program is installed with

All that `requirements.txt` installs on Linux with Python 3.11, in the versions that were tested. Written by
`python -m tests.licences`. torch for CUDA also brings triton (MIT) and NVIDIA's libraries, under NVIDIA's own licences.

| package | version | pinned | licence | home |
|---|---|---|---|---|
"""
IN_FULL = {"scikit-image": "BSD-3-Clause", "scipy": "BSD-3-Clause"}
"""Of packages whose metadata holds the whole text of the licence."""


def pinned() -> list[Requirement]:
    """The lines of requirements.txt."""
    return [Requirement(line) for line in (ROOT / "requirements.txt").read_text().split("\n") if line]


def installed() -> dict[str, Distribution]:
    """Name -> what requirements.txt installs here, with all that it needs in turn."""
    found: dict[str, Distribution] = {}
    left, seen = [(wanted.name, frozenset(wanted.extras)) for wanted in pinned()], set()
    while left:
        name, extras = asked = left.pop()
        if asked in seen or OF_CUDA.match(normal(name)):
            continue
        seen.add(asked)
        try:
            one = found[normal(name)] = distribution(name)
        except PackageNotFoundError:  # for another system or another Python
            continue
        for need in map(Requirement, one.requires or ()):
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                left.append((need.name, frozenset(need.extras)))
    return dict(sorted(found.items()))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(name: str, one: Distribution) -> str:
    """What the package's metadata says; "" where they say nothing."""
    about = one.metadata
    kinds = [kind.split(" :: ")[-1] for kind in about.get_all("Classifier", []) if kind.startswith("License :: ")]
    stated = about.get("License-Expression") or about.get("License") or ""
    short = stated if stated and "\n" not in stated else ", ".join(kinds)
    return IN_FULL.get(name, short)


def home(name: str, one: Distribution) -> str:
    """Where the package is at home: its page, else its source, else its place in the index."""
    urls = [line.split(", ", 1) for line in one.metadata.get_all("Project-URL", [])]
    named = {label.lower(): url for label, url in urls}
    wanted = ("homepage", "home", "source", "source code", "repository", "documentation")
    return next((named[key] for key in wanted if key in named), one.metadata.get("Home-page")) or (
        f"https://pypi.org/project/{name}"
    )


def rows() -> list[tuple[str, str, str, str, str]]:
    """(package, version, pinned, licence, home) of each package."""
    pins = {normal(wanted.name): str(wanted.specifier) for wanted in pinned()}
    return [
        (name, one.version.split("+")[0], pins.get(name, ""), licence(name, one), home(name, one))
        for name, one in installed().items()
    ]


if __name__ == "__main__":
    TABLE.write_text(HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows()))
