"""The command line: run the sections, print one table, perhaps write it as JSON."""

import argparse
import importlib
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from explorer.bench.measure import Row
from explorer.services.model_store import ModelStore

SECTIONS = ("startup", "pictures", "tokenize", "edit", "lookup", "scan", "adapters")


def main(arguments: list[str] | None = None) -> None:
    options = _parse(arguments)
    header = _machine()
    rows = []
    for section in options.only:
        print(f"measuring {section} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"explorer.bench.{section}").rows()
    print(header, _table(rows), sep="\n\n")
    if options.json:
        found = [{**asdict(row), "ratio": row.ratio, "met": row.met} for row in rows]
        options.json.write_text(json.dumps({"machine": header, "rows": found}, indent=2) + "\n", encoding="utf-8")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m explorer.bench", description=__doc__)
    parser.add_argument("--only", type=_sections, default=SECTIONS, help=f"some of {','.join(SECTIONS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the table there")
    return parser.parse_args(arguments)


def _sections(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    unknown = set(chosen) - set(SECTIONS)
    if unknown:
        raise argparse.ArgumentTypeError(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    return chosen


def _machine() -> str:
    """One line about where this ran; the load says whether it had the machine to itself."""
    import torch

    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    threads = torch.get_num_threads()
    cpu = ModelStore("cpu").device_name
    return f"{cpu}, {threads} torch threads{load}; torch {torch.__version__}, Python {platform.python_version()}"


def _table(rows: list[Row]) -> str:
    cells = [("what", "ours", "peer", "ratio", "aim"), *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    aim = "" if row.aim is None else f"<= {row.aim:.4g}" + ("" if row.met else "  missed")
    return row.what, _shown(row.ours, row.unit), f"{_shown(row.peer, row.unit)}  {row.peer_name}", _ratio(row), aim


def _ratio(row: Row) -> str:
    return f"{row.ratio:.2f}" if row.ratio >= 0.1 else f"{row.ratio:.3f}"


def _shown(value: float, unit: str) -> str:
    if unit == "B":
        return f"{value / 2**20:,.0f} MiB"
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.1f} ms"


if __name__ == "__main__":
    main()
