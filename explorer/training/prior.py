"""Command line of a prior's training: `python -m explorer.training.prior --config masked.vq_ema ...`."""

import argparse
import logging
import os
import sys
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed

from explorer.core.command import refusing
from explorer.training.__main__ import pick_device
from explorer.training.prior_config import RECIPES, read_prior_recipe
from explorer.training.prior_loop import PriorOptions, PriorRun

ENCODING = timedelta(hours=12)
"""How long the other processes wait for the first one, which encodes the data set."""


@refusing
def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    rank = int(os.environ.get("RANK", 0))
    logging.basicConfig(level=logging.INFO if rank == 0 else logging.ERROR, format="%(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    finished = False
    try:
        device = pick_device(options.device)
        if "WORLD_SIZE" in os.environ:
            backend = "nccl" if device.type == "cuda" else "gloo"
            distributed.init_process_group(backend, timeout=ENCODING)
        finished = PriorRun(
            read_prior_recipe(options.config),
            PriorOptions(
                data=options.data,
                out=options.out,
                device=device,
                cache=options.cache,
                bf16=options.bf16,
                save_every=options.save_every,
                watch_every=options.watch_every,
                source=options.source,
            ),
        ).train()
    except KeyboardInterrupt:
        pass
    finally:
        if distributed.is_available() and distributed.is_initialized():
            distributed.destroy_process_group()
    if not finished:
        print("stopped; run the same command again to go on from the last saved state", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    shipped = ", ".join(sorted(found.stem for found in RECIPES.glob("*.json")))
    parser = argparse.ArgumentParser(
        prog="python -m explorer.training.prior",
        description="Train a prior over a tokenizer's codes. Killed runs go on where they were: run the same command "
        "again. For several processes: torchrun --nproc-per-node N -m explorer.training.prior ...",
    )
    parser.add_argument("--config", required=True, help=f"a recipe in JSON, or a shipped one: {shipped}")
    parser.add_argument("--data", required=True, type=Path, help="a folder, tar or zip of pictures, a folder per class")
    parser.add_argument("--out", required=True, type=Path, help="the checkpoint folder to write")
    parser.add_argument("--cache", type=Path, help='where encoded grids are kept (default: "cache" beside --out)')
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--bf16", action="store_true", help="run the network in bfloat16")
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's own choice)")
    parser.add_argument("--save-every", type=float, default=60.0, metavar="SECONDS", help="between saved states (60)")
    parser.add_argument("--watch-every", type=int, default=500, metavar="STEPS", help="between held-out figures (500)")
    parser.add_argument("--source", default="", help="how config.json names the data set (default: the file's name)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
