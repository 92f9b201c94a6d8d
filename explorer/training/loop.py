"""One training run: batches in, a checkpoint folder out, resumable at any moment."""

import logging
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, distributed, nn
from tqdm import tqdm

from explorer.core.errors import ConfigError, DataError
from explorer.core.strict import to_json
from explorer.models import registry
from explorer.models.autoencoder import Pass
from explorer.models.build import build_model
from explorer.models.checkpoint import is_whole, load_model, load_strictly, save_weights
from explorer.models.config import FORMAT_VERSION, CheckpointConfig, OneGridConfig, read_config, write_config
from explorer.training.adversarial import Adversary
from explorer.training.config import Recipe
from explorer.training.data import HOLD_OUT_RULE, Batches, Split, centre_squares, load_split
from explorer.training.optimizer import RunOptimizer
from explorer.training.revival import Revival, start_on_data
from explorer.training.state import STATE, CurveLog, load_state, save_state

log = logging.getLogger(__name__)

LOG_EVERY = 100
WATCHED = 64
"""Held-out pictures, at 128 pixels, whose PSNR is followed while training."""


@dataclass(frozen=True)
class RunOptions:
    """What does not change the model: where and how it is trained."""

    data: Path
    out: Path
    device: torch.device
    bf16: bool = False
    save_every: float = 60.0
    """Seconds between saved states."""
    watch_every: int = 1000
    """Steps between measurements on held-out pictures."""
    source: str = ""
    """How the data set is named in config.json."""


class Run:
    """A recipe on its way: model, optimizer, step. `train()` goes on from wherever it stands."""

    def __init__(self, recipe: Recipe, options: RunOptions, data: tuple[Split, Split] | None = None):
        """data: what `load_data` gives for this recipe, where several runs share it."""
        self.recipe, self.options = recipe, options
        self.rank, self.world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        for batch in {stage.batch or recipe.batch for stage in recipe.stages}:
            if batch % self.world:
                raise ConfigError(f"A batch of {batch} can't be shared evenly by {self.world} processes.")
        options.out.mkdir(parents=True, exist_ok=True)

        held_in, held_out = data or load_data(recipe, options.data, quiet=self.rank > 0)
        self.watched = centre_squares(held_out.pictures[:: max(1, len(held_out.pictures) // WATCHED)][:WATCHED], 128)
        self.counts = {
            "pictures": len(held_in.pictures),
            "held_out": len(held_out.pictures),
            "unreadable": len(held_in.unreadable + held_out.unreadable),
        }
        self.variance = _variance(held_in.pictures)
        self.batches = Batches(
            held_in.pictures,
            recipe.drawn_at,
            recipe.seed,
            self.rank,
            self.world,
        )
        if options.bf16 and options.device.type == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX2":
            log.warning("This CPU only imitates bfloat16: without --bf16 training is many times as fast here.")
        torch.manual_seed(recipe.seed)
        self.model = build_model(recipe.model)
        self.start = self._start_from(recipe.start_from) if recipe.start_from else None
        self.model.to(options.device, memory_format=torch.channels_last)
        # Stages of one grid draw other cells than the stage before: where that was placed, next to nothing is left.
        one_grid = isinstance(recipe.model.network, OneGridConfig)
        self.level_seeds = {name: recipe.seed + i * one_grid for i, name in enumerate(self.model.quantizers)}
        self.network = self._over_processes(self.model)
        self.optimizer = RunOptimizer(self.model, recipe)
        self.adversary = self._adversary()
        self.revival = Revival(recipe.revival, recipe.steps) if recipe.revival else None
        self.step, self.seconds, self.commit = 0, 0.0, code_commit()
        self._resume()

    def train(self) -> None:
        """Train to the last step, then write model.safetensors and config.json, unless both are there already."""
        recipe, started = self.recipe, time.monotonic() - self.seconds
        if self.step == recipe.steps and is_whole(self.options.out):
            log.info("this run is over; its model is in %s", self.options.out)
            return
        curves = CurveLog(self.options.out, self.step) if self.rank == 0 else None
        interval = _Interval({name: found.size for name, found in self.model.quantizers.items()}, self.options.device)
        saved = time.monotonic()
        with tqdm(total=recipe.steps, initial=self.step, unit="step", disable=self.rank > 0, smoothing=0.02) as bar:
            while self.step < recipe.steps:
                figures, indices = self._one_step()
                interval.add(figures, indices)
                self.step += 1
                bar.update()
                self.seconds = time.monotonic() - started
                last = self.step == recipe.steps
                if self.step % LOG_EVERY == 0 or last:
                    line = {"step": self.step, "seconds": self.seconds, **interval.close()}
                    if self.step % self.options.watch_every == 0 or last:
                        line["held_out_psnr"] = self._watch()
                    if curves:
                        curves.write(line)
                        bar.set_postfix_str(_summary(line))
                # Saved after whole intervals only, so that a resumed log has no gap.
                due = self.step % LOG_EVERY == 0 and time.monotonic() - saved > self.options.save_every
                if self.rank == 0 and (due or last):
                    self._save()
                    saved = time.monotonic()
        if self.rank == 0:
            self._finish()

    def _one_step(self) -> tuple[dict[str, Tensor], Mapping[str, Tensor]]:
        recipe, device = self.recipe, self.options.device
        torch.manual_seed(recipe.seed * 1_000_003 + self.step * 101 + self.rank)  # noise: a function of the step
        images = self.batches(self.step).to(device, memory_format=torch.channels_last)
        progress = self.step / recipe.steps
        if recipe.temperature:
            for quantizer in self.model.quantizers.values():
                quantizer.temperature = _annealed(recipe.temperature, progress / recipe.anneal)
        if self.step == 0 and recipe.data_start:
            for name, quantizer in self.model.quantizers.items():  # coarse first: the later follow from the earlier
                with torch.no_grad():
                    start_on_data(quantizer, self.model.encode(images)[name][0], self.level_seeds[name])
        self.network.train()
        result = self.forward(images)
        losses = self._losses(images, result, progress)
        adversary = self.adversary if self.adversary and progress >= recipe.adversarial.start else None
        if adversary and self.step - recipe.adversarial.start * recipe.steps >= recipe.adversarial.head_start:
            distance, last = losses["reconstruction"] + losses.get("l1", 0.0), self.model.decoder[-2].weight
            losses |= adversary.losses(images, result.reconstruction.float(), distance, last)
        total = sum(losses.values())
        if not torch.isfinite(total):
            raise DataError(
                f"The loss is {float(total)} at step {self.step + 1}: the run diverged. Lower learning_rate in the "
                f"recipe, delete {self.options.out / STATE} and start again."
            )
        self.model.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip)
        rate = learning_rate(recipe, self.step)
        self.optimizer.step(rate)
        figures = {f"loss_{name}": value.detach() for name, value in losses.items()}
        if adversary:
            figures["loss_discriminator"] = adversary.step(images, result.reconstruction.float(), rate)
        figures["mse"] = F.mse_loss(result.reconstruction.detach().float().clamp(0, 1), images)
        if self.revival:
            moved = sum(
                self.revival(quantizer, result.latents[name], self.step, self.level_seeds[name])
                for name, quantizer in self.model.quantizers.items()
            )
            figures["revived"] = torch.tensor(float(moved), device=device)
        return figures, result.indices

    def _start_from(self, name: str) -> dict[str, Any]:
        """Takes the weights of a finished model, all that fit; returns for config.json which model and what did not."""
        folder = registry.folder_of(name) if registry.has(name) else Path(name)
        config = read_config(folder)
        if config.model.network != self.recipe.model.network:
            raise ConfigError(f"{name} has another network than this recipe: a run can't begin with its weights.")
        found, own = load_model(folder, config).state_dict(), self.model.state_dict()
        fitting = {part: found[part] for part in own if part in found and found[part].shape == own[part].shape}
        self.model.load_state_dict(fitting, strict=False)
        return {"id": config.id, "sha256": config.sha256, "anew": [part for part in own if part not in fitting]}

    def _adversary(self) -> Adversary | None:
        if self.recipe.adversarial is None:
            return None
        return Adversary(self.recipe.adversarial, self.options.device, self.options.bf16, self._over_processes)

    def _over_processes(self, module: nn.Module) -> nn.Module:
        """The module with gradients averaged over all processes."""
        if self.world == 1:
            return module
        devices = [self.options.device] if self.options.device.type == "cuda" else None
        # Buffers are equal already: codebook statistics are summed over all processes.
        return nn.parallel.DistributedDataParallel(module, device_ids=devices, broadcast_buffers=False)

    def _losses(self, images: Tensor, result: Pass, progress: float) -> dict[str, Tensor]:
        reconstruction = result.reconstruction.float()
        losses = {"reconstruction": F.mse_loss(reconstruction, images) / self.variance}
        if self.recipe.l1:
            losses["l1"] = self.recipe.l1 * F.l1_loss(reconstruction, images) / self.variance**0.5
        weights = dict(self.recipe.loss_weights)
        if self.recipe.kl:
            weights["kl"] = _annealed(self.recipe.kl, progress / self.recipe.anneal)
        for name, value in result.losses.items():
            if name not in weights:
                raise ConfigError(f"The recipe's loss_weights lack {name!r}, a loss of its quantizer.")
            losses[name] = weights[name] * value
        return losses

    def forward(self, images: Tensor) -> Pass:
        """One pass in the run's precision."""
        with torch.autocast(self.options.device.type, torch.bfloat16, enabled=self.options.bf16):
            return (self.network if self.model.training else self.model)(images)

    def as_images(self, pixels: np.ndarray) -> Tensor:
        """(B, 3, H, W) in [0, 1] on the run's device of pixels (B, H, W, 3) uint8."""
        images = torch.from_numpy(pixels).to(self.options.device).permute(0, 3, 1, 2).float() / 255
        return images.contiguous(memory_format=torch.channels_last)

    @property
    def precision(self) -> str:
        """In what it computes, for people."""
        return "bfloat16 autocast" if self.options.bf16 else "float32"

    @property
    def device_name(self) -> str:
        """Where it is trained, for people."""
        return named_device(self.options.device, self.world)

    @torch.inference_mode()
    def _watch(self) -> float:
        """Mean PSNR in dB over the watched held-out pictures."""
        self.model.eval()
        total = 0.0
        for start in range(0, len(self.watched), 16):
            images = self.as_images(self.watched[start : start + 16])
            reconstruction = self.forward(images).reconstruction.float().clamp(0, 1)
            total += float(-10 * (reconstruction - images).square().mean((1, 2, 3)).log10().sum())
        return total / len(self.watched)

    def _identity(self) -> dict[str, Any]:
        """What must be equal for a saved state to be continued."""
        return {
            "recipe": to_json(self.recipe),
            "pictures": self.counts["pictures"],
            "start": self.start["sha256"] if self.start else None,
            "precision": self.precision,
        }

    def _save(self) -> None:
        save_state(
            self.options.out,
            {
                "identity": self._identity(),
                "step": self.step,
                "seconds": self.seconds,
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                **({"adversary": self.adversary.state_dict()} if self.adversary else {}),
            },
        )

    def _resume(self) -> None:
        state = load_state(self.options.out)
        if state is None:
            return
        if not state["identity"].items() <= self._identity().items():
            raise ConfigError(
                f"{self.options.out / STATE} was made by another recipe, of other data, from another model or in "
                "another precision. Choose another --out, or delete that file to start again."
            )
        load_strictly(self.model, state["model"], self.options.out / STATE)
        self.optimizer.load_state_dict(state["optimizer"])
        if self.adversary:
            self.adversary.load_state_dict(state["adversary"])
        self.step, self.seconds = state["step"], state["seconds"]
        log.info("resumed at step %d", self.step)

    def _finish(self) -> None:
        recipe, options = self.recipe, self.options
        digest = save_weights(options.out, self.model)
        write_config(
            options.out,
            CheckpointConfig(
                format_version=FORMAT_VERSION,
                id=recipe.id,
                title=recipe.title,
                family=recipe.family,
                summary=recipe.summary,
                model=recipe.model,
                parameters=sum(p.numel() for p in self.model.parameters()),
                sha256=digest,
                source="trained by this project's explorer.training",
                licence="Apache-2.0",
                trained_on=options.source or options.data.name,
                training={
                    "recipe": to_json(recipe),
                    **({"start": self.start} if self.start else {}),
                    "data": {**self.counts, "rule": HOLD_OUT_RULE},
                    "minutes": round(self.seconds / 60, 1),
                    "device": self.device_name,
                    "precision": self.precision,
                    "threads": torch.get_num_threads(),
                    "versions": {name: version(name) for name in ("torch", "numpy", "pillow")},
                    "python": platform.python_version(),
                    "commit": self.commit,
                },
            ),
        )


def load_data(recipe: Recipe, source: Path, quiet: bool = False) -> tuple[Split, Split]:
    """The training and the held-out pictures of a recipe, as large as its crops need them."""
    at_least = round(max((stage.crop or recipe.crop) * zoom for stage in recipe.stages for zoom in stage.zooms))
    splits = []
    for held_out in (False, True):
        with tqdm(unit="picture", desc="held out" if held_out else "pictures", disable=quiet) as bar:

            def progress(done: int, total: int, bar=bar) -> None:
                bar.total = total
                bar.update(done - bar.n)

            splits.append(
                load_split(
                    source,
                    held_out,
                    short_side=max(recipe.short_side, at_least),
                    at_least=at_least,
                    leave_out=recipe.leave_out,
                    progress=progress,
                )
            )
    unreadable = [name for split in splits for name in split.unreadable]
    if unreadable and not quiet:
        log.warning("%d unreadable files skipped, the first is %s", len(unreadable), unreadable[0])
    return splits[0], splits[1]


class _Interval:
    """Running means of the figures and histograms of the codes since the last log line, over all processes."""

    def __init__(self, sizes: Mapping[str, int], device: torch.device):
        self.counts = {level: torch.zeros(size, device=device) for level, size in sizes.items()}
        self.sums, self.steps = {}, 0

    def add(self, figures: dict[str, Tensor], indices: Mapping[str, Tensor]) -> None:
        self.steps += 1
        for name, value in figures.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        for level, counts in self.counts.items():
            counts += torch.bincount(indices[level].flatten(), minlength=len(counts))

    def close(self) -> dict[str, float]:
        """The means, and `tokens`, `used` and `perplexity` of the codes; of several levels with the level's name."""
        names, world = list(self.sums), 1
        sums = torch.stack([self.sums[name].float() for name in names])
        if distributed.is_available() and distributed.is_initialized():
            for tensor in (sums, *self.counts.values()):
                distributed.all_reduce(tensor)
            world = distributed.get_world_size()
        line = dict(zip(names, (sums / self.steps / world).tolist(), strict=True))
        line["psnr"] = float(-10 * np.log10(line.pop("mse")))
        for level, counts in self.counts.items():
            suffix, shares = f" {level}" if len(self.counts) > 1 else "", counts / counts.sum()
            line[f"tokens{suffix}"] = int(counts.sum())
            line[f"used{suffix}"] = int((counts > 0).sum())
            line[f"perplexity{suffix}"] = float(torch.exp(-torch.xlogy(shares, shares).sum()))
            counts.zero_()
        self.sums, self.steps = {}, 0
        return line


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear within each stage, after a linear warm-up."""
    stage, done = recipe.stage(step)
    first, last = stage.learning_rate
    return (first + (last - first) * done) * min(1.0, (step + 1) / max(1, recipe.warmup))


def _annealed(ends: tuple[float, ...], share: float) -> float:
    """From the first to the last, by equal factors."""
    first, last = ends
    return first * (last / first) ** min(1.0, share)


def _variance(pictures: list[np.ndarray]) -> float:
    """Variance of pixel values in [0, 1], over every 32nd picture."""
    return float(np.concatenate([picture.reshape(-1) for picture in pictures[::32]]).astype(np.float32).var() / 255**2)


def _summary(line: dict[str, float]) -> str:
    parts = [f"{line['psnr']:.2f} dB"]
    if "held_out_psnr" in line:
        parts.append(f"held-out {line['held_out_psnr']:.2f} dB")
    for name in line:
        if name.startswith("used"):
            perplexity = line[name.replace("used", "perplexity")]
            parts.append(f"{line[name]} codes{name.removeprefix('used')}, perplexity {perplexity:.0f}")
    return ", ".join(parts)


def named_device(device: torch.device, world: int) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} thread(s)"
    return f"{world} x {name}" if world > 1 else name


def code_commit() -> str:
    """The commit of the code that trains, "unknown" outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=12", "HEAD"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() or "unknown"
