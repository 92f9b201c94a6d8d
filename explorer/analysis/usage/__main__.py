"""Command line: `python -m explorer.analysis.usage --model fsq.caltech_f8_1000 --data FOLDER_OR_TAR_OR_ZIP`."""

import argparse
import logging
import sys
from pathlib import Path

from tqdm import tqdm

from explorer.core.command import refusing
from explorer.services.model_store import open_model, resolve_device
from explorer.services.processes import Processes
from explorer.services.scan import BATCH
from explorer.services.scan_run import ScanOptions, scan_data


@refusing
def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    options = ScanOptions(given.data, given.out, given.codes, given.size, given.fit, given.batch)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        with (
            Processes() as processes,
            tqdm(unit="picture", desc=given.data.name, disable=processes.rank > 0, smoothing=0.02) as bar,
        ):

            def progress(done: int, total: int) -> None:
                if bar.total is None:  # what an earlier call did counts, but not for the speed
                    bar.reset(total)
                    bar.initial = done
                bar.update(done - bar.n)

            tokenizer = open_model(given.model, processes.device(resolve_device(given.device)))
            record = scan_data(tokenizer, options, processes, progress)
    except KeyboardInterrupt:
        print("stopped; run the same command again to go on after the last whole batch", file=sys.stderr)
        return 130
    if processes.rank == 0:
        print(_summary(record, options))
    return 0


def _summary(record: dict, options: ScanOptions) -> str:
    lines = [f"{record['pictures']:,} pictures, {len(record['unreadable']):,} files unreadable"]
    for name, level in record["levels"].items():
        lines.append(f"{name + ': ' if len(record['levels']) > 1 else ''}{level['conclusion']}")
    written = " and ".join(str(path) for path in (options.out, options.codes) if path)
    return "\n".join([*lines, f"written to {written}"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m explorer.analysis.usage",
        description="Count how often a tokenizer uses each of its codes in a data set. A stopped or killed scan goes "
        "on where it was: run the same command again. For several processes: torchrun --nproc-per-node N "
        "-m explorer.analysis.usage ...",
    )
    parser.add_argument("--model", required=True, help="a model id or a checkpoint folder")
    parser.add_argument("--data", required=True, type=Path, help="a folder, tar or zip of pictures")
    parser.add_argument("--size", type=int, default=256, metavar="PIXELS", help="that pictures are fitted to (256)")
    parser.add_argument(
        "--fit", choices=("square", "whole"), default="square", help="the centre square (default) or the whole picture"
    )
    parser.add_argument("--batch", type=_positive, default=BATCH, help=f"pictures encoded together ({BATCH})")
    parser.add_argument("--out", type=Path, default=Path("usage.json"), help="the JSON to write (usage.json)")
    parser.add_argument("--codes", type=Path, help="a parquet file to write with every picture's path and codes")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("expected a number from 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
