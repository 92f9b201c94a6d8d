"""One training run of a prior: windows of codes in, a checkpoint folder out, resumable at any step."""

import copy
import logging
import math
import os
import platform
import signal
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed, nn
from tqdm import tqdm

from explorer.core.errors import ConfigError, DataError
from explorer.core.strict import to_json
from explorer.core.tokenizer import Tokenizer
from explorer.models import registry
from explorer.models.checkpoint import load_strictly
from explorer.models.tokenizer import load_tokenizer
from explorer.priors.blocks import Attention, Block
from explorer.priors.build import build_network
from explorer.priors.causal import RowBlock
from explorer.priors.checkpoint import load_network, save_prior_weights
from explorer.priors.config import FORMAT_VERSION, PriorConfig, read_prior_config, write_prior_config
from explorer.priors.network import PriorNetwork
from explorer.training.data import HOLD_OUT_RULE
from explorer.training.loop import code_commit, learning_rate, named_device
from explorer.training.optimizer import RunOptimizer
from explorer.training.prior_batches import PriorBatches
from explorer.training.prior_card import prior_card
from explorer.training.prior_config import PriorRecipe, View
from explorer.training.prior_grids import Grids, load_grids, split_pictures
from explorer.training.prior_measure import SQUARE, entropy_of, held_out_bits, shares_of
from explorer.training.state import STATE, CurveLog, load_state, save_state

log = logging.getLogger(__name__)

LOG_EVERY = 50
WATCHED = 128
"""Held-out pictures whose bits per token are followed while training."""


@dataclass(frozen=True)
class PriorOptions:
    """What does not change the model: where and how it is trained."""

    data: Path
    out: Path
    device: torch.device
    cache: Path | None = None
    """Where encoded grids are kept; None: a folder "cache" beside `out`."""
    bf16: bool = False
    save_every: float = 60.0
    """Seconds between saved states."""
    watch_every: int = 500
    """Steps between measurements on held-out pictures."""
    source: str = ""
    """How the data set is named in config.json."""


@dataclass(frozen=True)
class PriorData:
    """Grids to train on per (how, side, flipped), the held-out centre squares, and the names of the classes."""

    train: dict[tuple[str, int, bool], Grids]
    held_out: Grids
    classes: tuple[str, ...]
    key: str


def load_prior_data(recipe: PriorRecipe, options: PriorOptions, tokenizer: Tokenizer) -> PriorData:
    """All grids that a recipe needs, encoded now where the cache lacks them."""
    cache = options.cache or options.out.parent / "cache"
    train, held_out = split_pictures(options.data, recipe.leave_out)
    views = {(view.how, view.side) for stage in recipe.stages for view in stage.views or recipe.views}
    grids = {
        (how, side, flipped): load_grids(train, View(how, side), flipped, tokenizer, cache)
        for how, side in sorted(views)
        for flipped in (False, True)
    }
    smallest = min(min(grid.shape) for found in grids.values() for grid in found.codes)
    if smallest < recipe.window:
        raise ConfigError(f"A window of {recipe.window} cells does not fit into views of {smallest} cells.")
    return PriorData(grids, load_grids(held_out, SQUARE, False, tokenizer, cache), train.classes, train.key)


class PriorRun:
    """A recipe on its way: network, its averaged weights, optimizer, step. `train()` goes on from where it stands."""

    def __init__(self, recipe: PriorRecipe, options: PriorOptions):
        self.recipe, self.options = recipe, options
        self.rank, self.world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        if recipe.batch % self.world:
            raise ConfigError(f"A batch of {recipe.batch} can't be shared evenly by {self.world} processes.")
        options.out.mkdir(parents=True, exist_ok=True)
        self.tokenizer = load_tokenizer(registry.folder_of(recipe.tokenizer))
        if self.rank > 0:  # the first process encodes what the cache lacks, the others then find it there
            distributed.barrier()
        self.data = load_prior_data(recipe, options, self.tokenizer)
        if self.rank == 0 and self.world > 1:
            distributed.barrier()
        self.batches = PriorBatches(recipe, self.data.train, len(self.data.classes), self.rank, self.world)
        book = self.tokenizer.spec.codebooks[0]
        self.shares = shares_of(next(iter(self.data.train.values())), book.size)
        torch.manual_seed(recipe.seed)
        self.network = build_network(recipe.network, book.size, book.radices, len(self.data.classes))
        self.network.start(self.shares, self.tokenizer.vectors(book.name, np.arange(book.size)))
        self.start = self._start_from(recipe.start_from) if recipe.start_from else None
        self.network.to(options.device, memory_format=torch.channels_last)
        self.averaged = copy.deepcopy(self.network).requires_grad_(False).eval()
        self.parallel = self._over_processes(self.network)
        self.optimizer = RunOptimizer(self.network, recipe, hidden_weights(self.network))
        self.step, self.seconds, self.commit = 0, 0.0, code_commit()
        self.best: dict[str, Any] = {"bits": math.inf, "step": 0, "weights": self._weights()}
        self.interval: list[float] = [0.0, 0.0]
        """Nats and cells since the last line of the log."""
        self.stopping = False
        self._resume()

    def _start_from(self, name: str) -> dict[str, Any]:
        """Takes the weights of a finished prior, but not those that stand for codes; returns for config.json which."""
        folder = Path(name) if Path(name).is_dir() else self.options.out.parent / name
        config = read_prior_config(folder)
        if config.network != self.recipe.network or config.classes != self.data.classes:
            raise ConfigError(f"{folder} has another network or other classes: a run can't begin with its weights.")
        same = config.tokenizer_sha256 == self.tokenizer.spec.sha256
        found, own = load_network(folder, config).state_dict(), self.network.state_dict()
        fitting = {
            part: found[part]
            for part, tensor in own.items()
            if part in found and found[part].shape == tensor.shape and (same or not _of_codes(part))
        }
        self.network.load_state_dict(fitting, strict=False)
        return {"id": config.id, "sha256": config.sha256, "anew": [part for part in own if part not in fitting]}

    def train(self) -> bool:
        """Train to the last step or to the end of patience, then write the checkpoint; False if told to stop."""
        recipe, started = self.recipe, time.monotonic() - self.seconds
        before = signal.signal(signal.SIGTERM, self._asked_to_stop)
        curves = CurveLog(self.options.out, self.step) if self.rank == 0 else None
        saved = time.monotonic()
        try:
            with tqdm(total=recipe.steps, initial=self.step, unit="step", disable=self.rank > 0, mininterval=10) as bar:
                while self.step < recipe.steps and not self._out_of_patience():
                    self._one_step()
                    self.step += 1
                    bar.update()
                    self.seconds = time.monotonic() - started
                    self._log(curves, bar)
                    stop = self._agreed_to_stop()
                    if self.rank == 0 and (stop or time.monotonic() - saved > self.options.save_every):
                        self._save()
                        saved = time.monotonic()
                    if stop:
                        return False
        finally:
            signal.signal(signal.SIGTERM, before)
        if self.rank == 0:
            self._save()
            self._finish()
        return True

    def _one_step(self) -> None:
        recipe = self.recipe
        torch.manual_seed(recipe.seed * 1_000_003 + self.step * 101 + self.rank)  # dropout: a function of the step
        batch = self.batches(self.step).to(self.options.device)
        self.network.train()
        with self._precision():
            nats = self.parallel(batch.codes, batch.open, batch.labels, batch.places)
        total = nats.sum()
        if not torch.isfinite(total):
            raise DataError(
                f"The loss is {float(total)} at step {self.step + 1}: the run diverged. Lower learning_rate in the "
                f"recipe, delete {self.options.out / STATE} and start again."
            )
        self.network.zero_grad(set_to_none=True)
        (total * (self.world / batch.total)).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip)
        self.optimizer.step(learning_rate(recipe, self.step))
        decay = min(recipe.average, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for mean, parameter in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(parameter, 1 - decay)
        self.interval[0] += float(total.detach())
        self.interval[1] += len(nats)

    def _log(self, curves: CurveLog | None, bar: tqdm) -> None:
        last = self.step == self.recipe.steps
        if self.step % LOG_EVERY and not last:
            return
        sums = torch.tensor(self.interval, dtype=torch.float64)
        if self.world > 1:
            distributed.all_reduce(sums)
        self.interval = [0.0, 0.0]
        line = {"step": self.step, "seconds": self.seconds, "bits": float(sums[0] / sums[1] / math.log(2))}
        if self.step % self.options.watch_every == 0 or last:
            line |= self._watch()
        if curves:
            curves.write(line)
            bar.set_postfix_str(", ".join(f"{name} {value:.3f}" for name, value in line.items() if "bits" in name))

    def _watch(self) -> dict[str, float]:
        """Held-out bits of the averaged weights over the watched pictures; the best are kept."""
        grids = self.data.held_out
        watched = np.arange(0, len(grids.codes), max(1, len(grids.codes) // WATCHED))[:WATCHED]
        chosen = watched[self.rank :: self.world]
        with self._precision():
            found = held_out_bits(self.averaged, grids, self.recipe.network.kind, self.options.device, chosen)
        if self.world > 1:  # every process measured its share of pictures of one size
            shares = torch.tensor(list(found.values()), dtype=torch.float64) * len(chosen) / len(watched)
            distributed.all_reduce(shares)
            found = dict(zip(found, shares.tolist(), strict=True))
        bits = next(iter(found.values()))
        if bits < self.best["bits"]:
            self.best = {"bits": bits, "step": self.step, "weights": self._weights()}
        return {f"held_out_bits_{name}": value for name, value in found.items()}

    def _out_of_patience(self) -> bool:
        patience = self.recipe.patience * self.options.watch_every
        return bool(patience and self.best["step"] and self.step - self.best["step"] >= patience)

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach().cpu().clone() for name, tensor in self.averaged.state_dict().items()}

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.options.device.type, torch.bfloat16, enabled=self.options.bf16)

    def _over_processes(self, module: PriorNetwork) -> nn.Module:
        if self.world == 1:
            return module
        devices = [self.options.device] if self.options.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(module, device_ids=devices)

    def _asked_to_stop(self, *_: Any) -> None:
        self.stopping = True

    def _agreed_to_stop(self) -> bool:
        """Whether any process was asked to stop: all of them then stop after the same step."""
        if self.world == 1:
            return self.stopping
        flag = torch.tensor(int(self.stopping), device=self.options.device)
        distributed.all_reduce(flag)
        return bool(flag)

    def _identity(self, step: int) -> dict[str, Any]:
        """What must be equal for a state saved at that step to be continued."""
        recipe = to_json(self.recipe)
        for name in ("stages", "views", "holes", "patience", "title", "summary", "start_from"):
            recipe.pop(name)
        return {
            "recipe": recipe,
            "past": self.recipe.past(step),
            "start": self.start["sha256"] if self.start else None,
            "data": self.data.key,
            "tokenizer": self.tokenizer.spec.sha256,
            "precision": self.precision,
        }

    @property
    def precision(self) -> str:
        """In what it computes, for people."""
        return "bfloat16 autocast" if self.options.bf16 else "float32"

    def _save(self) -> None:
        save_state(
            self.options.out,
            {
                "identity": self._identity(self.step),
                "step": self.step,
                "seconds": self.seconds,
                "interval": self.interval,
                "network": self.network.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "best": self.best,
            },
        )

    def _resume(self) -> None:
        state = load_state(self.options.out)
        if state is None:
            return
        own = self._identity(state["step"])
        differing = [name for name, value in own.items() if state["identity"].get(name) != value]
        if differing or state["step"] > self.recipe.steps:
            raise ConfigError(
                f"{self.options.out / STATE} was made by another run: {', '.join(differing) or 'its steps'} differ. "
                "Choose another --out, or delete that file to start again."
            )
        load_strictly(self.network, state["network"], self.options.out / STATE)
        load_strictly(self.averaged, state["averaged"], self.options.out / STATE)
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.interval = state["step"], state["seconds"], state["interval"]
        self.best = state["best"]
        log.info("resumed at step %d", self.step)

    def _finish(self) -> None:
        """Write the best averaged weights, measured after they were rounded, with config and card."""
        recipe, options, spec = self.recipe, self.options, self.tokenizer.spec
        digest = save_prior_weights(options.out, self.best["weights"])
        self.averaged.load_state_dict({name: tensor.half().float() for name, tensor in self.best["weights"].items()})
        grids = self.data.held_out
        bits = held_out_bits(self.averaged, grids, recipe.network.kind, options.device)
        marginal = entropy_of(shares_of(grids, self.network.size))
        config = PriorConfig(
            format_version=FORMAT_VERSION,
            id=recipe.id,
            title=recipe.title,
            summary=recipe.summary,
            tokenizer=recipe.tokenizer,
            tokenizer_sha256=spec.sha256,
            size=self.network.size,
            radices=spec.codebooks[0].radices,
            classes=self.data.classes,
            network=recipe.network,
            parameters=sum(parameter.numel() for parameter in self.network.parameters()),
            sha256=digest,
            source="trained by this project's explorer.training.prior",
            licence="Apache-2.0",
            trained_on=options.source or options.data.name,
            training={
                "recipe": to_json(recipe),
                **({"start": self.start} if self.start else {}),
                "data": {
                    "pictures": len(next(iter(self.data.train.values())).codes),
                    "held_out": len(grids.codes),
                    "rule": HOLD_OUT_RULE,
                },
                "steps": self.step,
                "kept": {"step": self.best["step"], "watched_bits": round(self.best["bits"], 4)},
                "minutes": round(self.seconds / 60, 1),
                "device": named_device(options.device, self.world),
                "precision": self.precision,
                "threads": torch.get_num_threads(),
                "versions": {name: version(name) for name in ("torch", "numpy", "pillow")},
                "python": platform.python_version(),
                "commit": self.commit,
            },
            evaluation={
                "held_out": {
                    "pictures": len(grids.codes),
                    "size": SQUARE.side,
                    "tokens": int(sum(grid.size for grid in grids.codes)),
                    "bits_per_token": {name: round(value, 3) for name, value in bits.items()},
                    "marginal_entropy": round(marginal, 3),
                }
            },
        )
        write_prior_config(options.out, config)
        (options.out / "README.md").write_text(prior_card(config), encoding="utf-8")
        log.info("%s: held-out bits per token %s", recipe.id, config.evaluation["held_out"]["bits_per_token"])


def _of_codes(part: str) -> bool:
    """Whether a weight belongs to single codes: of the tables and the heads' scores."""
    return part.startswith(("table.", "row_table.", "head.scores.", "head.alone.", "head.given."))


def hidden_weights(network: PriorNetwork) -> list[nn.Parameter]:
    """The weights of the hidden layers, which Muon is for: of two or four axes, inside the blocks."""
    found: list[nn.Parameter] = []
    for module in network.modules():
        if isinstance(module, Block | RowBlock):
            found += [module.spatial.weight, module.pointwise.weight]
        elif isinstance(module, Attention):
            found += [module.into.weight, module.out.weight]
    return found
