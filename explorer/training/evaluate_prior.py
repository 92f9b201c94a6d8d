"""Measure what a prior proposes for a hole, and how calibrated it is: `python -m explorer.training.evaluate_prior`.

Writes the figures into config.json and the card of a finished prior; of a run that goes on, with --state, it prints
those of the best averaged weights so far.
"""

import argparse
import dataclasses
import json
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.analysis.reconstruction import psnr
from explorer.core.codes import Codes
from explorer.core.command import refusing
from explorer.core.errors import CheckpointError
from explorer.core.images import to_bytes
from explorer.core.prior import Prior, PriorSpec
from explorer.core.strict import from_json
from explorer.core.tokenizer import Tokenizer
from explorer.models import registry
from explorer.models.tokenizer import load_tokenizer
from explorer.priors.build import build_network
from explorer.priors.config import NetworkConfig, read_prior_config, write_prior_config
from explorer.priors.prior import as_prior, load_prior
from explorer.priors.sampling import Drawing, fill
from explorer.training.prior_card import prior_card
from explorer.training.prior_grids import Grids, load_grids, split_pictures
from explorer.training.prior_measure import SQUARE, central_hole, half_open, shares_of
from explorer.training.state import load_state

log = logging.getLogger(__name__)

PICTURES = 48
PROPOSALS = 4
STEPS = 12
BINS = 10
CEILING = 40.0
"""dB that an equal hole counts as; its own figure, infinite, would drown all others in the mean."""


def measure_hole(prior: Prior, tokenizer: Tokenizer, grids: Grids, pictures: int = PICTURES) -> dict[str, Any]:
    """PSNR in dB inside a central hole of 8 x 8 cells against the intact reconstruction, means over held-out pictures.

    The prior is not given the class, as it would not be of a visitor's picture. psnr: one proposal, the mean of all
    four; psnr_best: the best of the four; equal: how many pictures reached the ceiling. Beside them stand codes drawn
    by frequency, and the row above copied down.
    """
    numbers = np.arange(0, len(grids.codes), max(1, len(grids.codes) // pictures))[:pictures]
    shares = shares_of(grids, prior.spec.size)
    order = "raster" if prior.spec.order == "causal" else "certain"
    rows: list[list[float]] = []
    for number in numbers:
        intact = grids.codes[number].astype(np.int64)
        open = central_hole(intact.shape)
        seeds = [int(number) * PROPOSALS + i for i in range(PROPOSALS)]
        grid, holes = np.stack([intact] * PROPOSALS), np.stack([open] * PROPOSALS)
        proposals, _ = fill(prior, grid, holes, seeds=seeds, steps=STEPS, order=order, drawing=Drawing())
        drawn, copied = intact.copy(), intact.copy()
        drawn[open] = np.random.default_rng([2, number]).choice(len(shares), size=open.sum(), p=shares)
        top = int(np.argwhere(open)[0, 0])
        copied[open] = np.broadcast_to(intact[top - 1], intact.shape)[open]
        rows.append(_inside(tokenizer, intact, [*proposals, drawn, copied], open))
    found = np.array(rows)
    means = {
        "psnr": found[:, :PROPOSALS].mean(),
        "psnr_best": found[:, :PROPOSALS].max(1).mean(),
        "by_frequency": found[:, PROPOSALS].mean(),
        "row_above": found[:, PROPOSALS + 1].mean(),
    }
    return {
        "pictures": len(numbers),
        "steps": STEPS if prior.spec.order == "masked" else 64,
        "proposals": PROPOSALS,
        "equal": int((found[:, :PROPOSALS].max(1) >= CEILING).sum()),
        **{name: round(float(value), 2) for name, value in means.items()},
    }


def _inside(tokenizer: Tokenizer, intact: np.ndarray, filled: list[np.ndarray], open: np.ndarray) -> list[float]:
    """PSNR of each filled grid's picture against the intact one's, over the pixels of the open cells."""
    level = tokenizer.spec.levels[0]
    decoded = to_bytes(tokenizer.decode(Codes({level.name: np.stack([intact, *filled])})))
    (top, left), (bottom, right) = np.argwhere(open).min(0), np.argwhere(open).max(0) + 1
    parts = decoded[:, top * level.stride : bottom * level.stride, left * level.stride : right * level.stride]
    return [min(CEILING, psnr(parts[0], part)) for part in parts[1:]]


def measure_calibration(prior: Prior, grids: Grids, pictures: int = PICTURES) -> list[dict[str, float]]:
    """Reliability: of the likeliest code of every open cell, by how probable it was said to be, how often it was true.

    Half of the cells of held-out pictures are open (masked), or all are (causal); the class is given.
    """
    sure, right = [], []
    for number in np.arange(0, len(grids.codes), max(1, len(grids.codes) // pictures))[:pictures]:
        codes = grids.codes[number].astype(np.int64)[None]
        everything = prior.spec.order == "causal"
        open = np.ones(codes.shape, bool) if everything else half_open(int(number), codes.shape[1:])[None]
        found = prior.log_probabilities(codes, open, [int(grids.labels[number])])
        sure.append(np.exp(found.max(-1)))
        right.append(found.argmax(-1) == codes[open])
    said, true = np.concatenate(sure), np.concatenate(right)
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    return [
        {
            "cells": int((bins == i).sum()),
            "said": round(float(said[bins == i].mean()), 4),
            "true": round(float(true[bins == i].mean()), 4),
        }
        for i in np.unique(bins)
    ]


def prior_of_state(folder: Path, classes: tuple[str, ...]) -> Prior:
    """The best averaged weights of a run that goes on."""
    state = load_state(folder)
    if state is None:
        raise CheckpointError(f"{folder} holds no run to measure.")
    recipe = state["identity"]["recipe"]
    network_config = from_json(NetworkConfig, recipe["network"], "network")
    book = registry.spec(recipe["tokenizer"]).codebooks[0]
    network = build_network(network_config, book.size, book.radices, len(classes))
    network.load_state_dict(state["best"]["weights"])
    log.info("step %d, watched bits %.4f", state["best"]["step"], state["best"]["bits"])
    sha256 = registry.spec(recipe["tokenizer"]).sha256
    kind = network_config.kind
    spec = PriorSpec(
        recipe["id"], recipe["id"], "", kind, recipe["tokenizer"], sha256, book.size, classes, 0, "", "", "0" * 64
    )
    return as_prior(spec, network.to(memory_format=torch.channels_last).requires_grad_(False), torch.device("cpu"))


@refusing
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m explorer.training.evaluate_prior", description=__doc__)
    parser.add_argument("priors", nargs="+", type=Path, help="folders of finished priors")
    parser.add_argument("--data", required=True, type=Path, help="the data set; its held-out part is used")
    parser.add_argument("--cache", type=Path, help='where encoded grids are kept (default: "cache" beside the folder)')
    parser.add_argument("--state", action="store_true", help="measure the state of a run that goes on, write nothing")
    parser.add_argument("--leave-out", nargs="*", default=(), help="with --state: classes that the recipe leaves out")
    parser.add_argument("--pictures", type=int, default=PICTURES, help=f"held-out pictures ({PICTURES})")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's own choice)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    for folder in options.priors:
        config = None if options.state else read_prior_config(folder)
        leave_out = config.training["recipe"]["leave_out"] if config else options.leave_out
        _, held_out = split_pictures(options.data, leave_out)
        prior = prior_of_state(folder, held_out.classes) if options.state else load_prior(folder, options.device)
        tokenizer = load_tokenizer(registry.folder_of(prior.spec.tokenizer), options.device)
        grids = load_grids(held_out, SQUARE, False, tokenizer, options.cache or folder.parent / "cache")
        hole = measure_hole(prior, tokenizer, grids, options.pictures)
        calibration = measure_calibration(prior, grids, options.pictures)
        if config:
            config = dataclasses.replace(
                config, evaluation={**config.evaluation, "hole": hole, "calibration": calibration}
            )
            write_prior_config(folder, config)
            (folder / "README.md").write_text(prior_card(config), encoding="utf-8")
        print(json.dumps({"prior": prior.spec.id, "hole": hole, "calibration": calibration}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
