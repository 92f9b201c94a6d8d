"""Command line of training: `python -m explorer.training --config fsq.caltech_f8_1000 --data ... --out ...`."""

import argparse
import logging
import os
import sys
from pathlib import Path

import torch
from torch import distributed

from explorer.core.command import refusing
from explorer.core.errors import DeviceError
from explorer.training.config import RECIPES, read_recipe
from explorer.training.loop import Run, RunOptions


@refusing
def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    rank = int(os.environ.get("RANK", 0))
    logging.basicConfig(level=logging.INFO if rank == 0 else logging.ERROR, format="%(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        device = pick_device(options.device)
        if "WORLD_SIZE" in os.environ:
            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        Run(
            read_recipe(options.config),
            RunOptions(
                data=options.data,
                out=options.out,
                device=device,
                bf16=options.bf16,
                save_every=options.save_every,
                watch_every=options.watch_every,
                source=options.source,
            ),
        ).train()
    except KeyboardInterrupt:
        print("stopped; run the same command again to go on from the last saved state", file=sys.stderr)
        return 130
    finally:
        if distributed.is_available() and distributed.is_initialized():
            distributed.destroy_process_group()
    return 0


def pick_device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        if not torch.cuda.is_available():
            raise DeviceError("--device cuda was asked for, but torch sees no CUDA GPU here. Use --device cpu.")
        index = int(os.environ.get("LOCAL_RANK", 0))
        torch.cuda.set_device(index)
        return torch.device("cuda", index)
    return torch.device(name)


def _parser() -> argparse.ArgumentParser:
    shipped = ", ".join(sorted(found.stem for found in RECIPES.glob("*.json")))
    parser = argparse.ArgumentParser(
        prog="python -m explorer.training",
        description="Train a tokenizer. Killed runs go on where they were: run the same command again. "
        "For several processes: torchrun --nproc-per-node N -m explorer.training ...",
    )
    parser.add_argument("--config", required=True, help=f"a recipe in JSON, or a shipped one: {shipped}")
    parser.add_argument("--data", required=True, type=Path, help="a folder, tar or zip of pictures")
    parser.add_argument("--out", required=True, type=Path, help="the checkpoint folder to write")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--bf16", action="store_true", help="run the networks in bfloat16 (the quantizer stays float32)"
    )
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's own choice)")
    parser.add_argument("--save-every", type=float, default=60.0, metavar="SECONDS", help="between saved states (60)")
    parser.add_argument(
        "--watch-every", type=int, default=1000, metavar="STEPS", help="between held-out figures (1000)"
    )
    parser.add_argument("--source", default="", help="how config.json names the data set (default: the file's name)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
