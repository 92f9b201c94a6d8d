"""The collapse sweep: VQ, EMA-VQ and FSQ at codebook sizes from 16 to 16,384, all trained alike.

`python -m explorer.training.sweep --data ... --work ... --out checkpoints/sweep` runs what is missing:
every run that is finished is one JSON file in --out, and one that was killed goes on from its last
state in --work. Run it once per core, each with its own part: `--part 1/2`, `--part 2/2`.

After Figure 3 of Mentzer, Minnen, Agustsson, Tschannen 2023, arXiv 2309.15505.
"""

import argparse
import json
import logging
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from explorer.analysis.usage import Usage
from explorer.core.atomic import atomic
from explorer.core.command import refusing
from explorer.training.__main__ import pick_device
from explorer.training.config import Recipe, read_recipe
from explorer.training.data import Split, centre_squares
from explorer.training.loop import Run, RunOptions, load_data
from explorer.training.state import LOG

SIZES = (16, 64, 256, 1024, 4096, 16384)
FAMILIES = ("vq", "vq_ema", "fsq")
LEVELS = {
    16: (5, 3),
    64: (8, 8),
    256: (8, 6, 5),
    1024: (8, 5, 5, 5),
    4096: (7, 5, 5, 5, 5),
    16384: (8, 8, 8, 6, 5),
}
"""FSQ's levels for each size, as the paper gives them; their products come near it."""

STEPS = 1500
HELD_OUT_SIDE = 128
CURVES = ("step", "psnr", "loss_reconstruction", "used", "perplexity")
BASES = {"vq": "vq.caltech_f8_1024", "vq_ema": "vq_ema.caltech_f8_1024", "fsq": "fsq.caltech_f8_1000"}


@dataclass(frozen=True)
class Point:
    """One run of the sweep."""

    family: str
    size: int
    seed: int

    @property
    def name(self) -> str:
        return f"{self.family}_{self.size}_seed{self.seed}"

    def recipe(self, steps: int) -> Recipe:
        """The family's shipped recipe with another size, seed and length; the rate falls after a quarter."""
        quantizer = {"levels": list(LEVELS[self.size])} if self.family == "fsq" else {"size": self.size}
        first, start = steps // 4, read_recipe(BASES[self.family]).stages[0]
        rate, zooms = start.learning_rate[0], list(start.zooms)
        return read_recipe(
            BASES[self.family],
            {
                "id": f"sweep.{self.name}",
                "seed": self.seed,
                "model": {"quantizer": quantizer},
                "stages": [
                    {"steps": first, "learning_rate": [rate, rate], "zooms": zooms},
                    {"steps": steps - first, "learning_rate": [rate, 0.0], "zooms": zooms},
                ],
            },
        )


def plan(seeds: int) -> list[Point]:
    """All runs, the first seed of every family and size before the second."""
    return [Point(family, size, seed) for seed in range(seeds) for size in SIZES for family in FAMILIES]


def run(point: Point, steps: int, options: RunOptions, data: tuple[Split, Split], out: Path) -> dict[str, Any]:
    """Train one point and write its JSON; returns what it says."""
    training = Run(point.recipe(steps), options, data)
    training.train()
    lines = [json.loads(line) for line in (options.out / LOG).read_text(encoding="utf-8").splitlines()]
    record = {
        "family": point.family,
        "size": training.model.quantizer.size,
        "seed": point.seed,
        "steps": steps,
        "levels": list(LEVELS[point.size]) if point.family == "fsq" else None,
        "held_out": held_out(training, data[1]),
        "minutes": round(training.seconds / 60, 1),
        "device": training.device_name,
        "torch": torch.__version__,
        "commit": training.commit,
        "curves": {name: [line[name] for line in lines] for name in CURVES},
    }
    record["curves"]["dead"] = [record["size"] - used for used in record["curves"]["used"]]
    with atomic(out / f"{point.name}.json") as path:
        path.write_text(json.dumps(record), encoding="utf-8")
    return record


@torch.inference_mode()
def held_out(training: Run, split: Split, batch: int = 16) -> dict[str, float]:
    """PSNR and usage over the centre squares of all held-out pictures at 128 pixels."""
    model = training.model.eval()
    usage, psnr = Usage.nothing(model.quantizer.size), 0.0
    pictures = centre_squares(split.pictures, HELD_OUT_SIDE)
    for start in range(0, len(pictures), batch):
        images = training.as_images(pictures[start : start + batch])
        found = training.forward(images)
        error = (found.reconstruction.float().clamp(0, 1) - images).square().mean((1, 2, 3))
        psnr += float(-10 * error.log10().sum())
        usage += Usage.of(found.indices["codes"].cpu().numpy(), usage.size)
    return {
        "pictures": len(pictures),
        "side": HELD_OUT_SIDE,
        "tokens": usage.tokens,
        "psnr": round(psnr / len(pictures), 3),
        "used": usage.used,
        "ceiling": round(usage.ceiling, 4),
        "perplexity": round(usage.perplexity, 1),
    }


@refusing
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m explorer.training.sweep", description=__doc__)
    parser.add_argument("--data", required=True, type=Path, help="a folder, tar or zip of pictures")
    parser.add_argument("--work", required=True, type=Path, help="a folder for the states of runs on their way")
    parser.add_argument("--out", required=True, type=Path, help="the folder of finished runs, one JSON each")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--part", default="1/1", help="which share of the runs is this process's: 1/2, 2/2")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--bf16", action="store_true", help="run the networks in bfloat16")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    part, parts = (int(number) for number in options.part.split("/"))
    options.out.mkdir(parents=True, exist_ok=True)
    device, data = pick_device(options.device), None
    for point in plan(options.seeds)[part - 1 :: parts]:
        if (options.out / f"{point.name}.json").exists():
            continue
        if data is None:
            data = load_data(point.recipe(options.steps), options.data)
        work = options.work / point.name
        record = run(
            point,
            options.steps,
            RunOptions(data=options.data, out=work, device=device, bf16=options.bf16, watch_every=options.steps),
            data,
            options.out,
        )
        shutil.rmtree(work)
        found = record["held_out"]
        logging.info("%s: %s dB, %s of %s codes", point.name, found["psnr"], found["used"], record["size"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
