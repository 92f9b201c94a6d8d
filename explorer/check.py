"""Test any model from the command line: python -m explorer.check ID."""

import argparse
import sys
from pathlib import Path

from explorer.analysis.self_test import Check
from explorer.core.command import refusing
from explorer.services.checking import check
from explorer.services.model_store import open_model, resolve_device
from explorer.services.published import open_own


def table(rows: list[Check]) -> str:
    width = max(len(row.what) for row in rows)
    return "\n".join(f"{'ok  ' if row.holds else 'FAIL'}  {row.what:<{width}}  {row.found}" for row in rows)


@refusing
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m explorer.check", description=__doc__)
    parser.add_argument("model", help="an id, a checkpoint folder, or with --own a file of published weights")
    parser.add_argument("--own", action="store_true", help="the model is a file of published weights")
    parser.add_argument("--config", type=Path, help="the config.json beside such a file, where its family has one")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    given = parser.parse_args(arguments)
    device = resolve_device(given.device)
    opened = open_own([Path(given.model)], device, config=given.config) if given.own else None
    rows = check(opened or open_model(given.model, device))
    print(table(rows))
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
