"""One autoencoder of the lab in training: encoder, bottleneck, decoder, and what collapse looks like in numbers.

The loss is that of van den Oord et al. 2017, arXiv 1711.00937: squared error over the data's variance, codebook term
and beta times commitment term. Two cures are of the training and not of the quantizer: dead codes moved onto encoder
outputs (Dhariwal et al. 2020, arXiv 2005.00341), and an entropy term (Chang et al. 2022, arXiv 2202.04200, in its code;
Yu et al. 2023, arXiv 2310.05737).
"""

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.lab.bottleneck import Bottleneck, Form, k_means, seeded_bottleneck
from explorer.lab.plan import Plan, Settings
from explorer.quantizers.seeded import seeded
from explorer.training.revival import move_dead

EVERY = 5
"""Steps between two readings."""
RESTART_EVERY, RESTART_BELOW, USES_DECAY = 20, 0.1, 0.95
"""Every so many steps, codes with less than this share of an average code's uses (a running mean) are moved."""
ENTROPY_WEIGHT, ENTROPY_TEMPERATURE = 0.1, 0.01
"""As in MaskGIT's code."""


class Task(Protocol):
    """What is learned: networks, the batches they see, and what they are measured on."""

    everything: Tensor
    """Inputs on which readings are taken, (N, ...)."""
    variance: float

    def networks(self) -> tuple[nn.Module, nn.Module]:
        """Encoder to outputs (N, ..., D) and decoder back, new; drawn from torch's generator."""
        ...

    def batch(self, generator: torch.Generator) -> Tensor: ...


@dataclass(frozen=True)
class Reading:
    """step; loss: squared error over the data's variance; used codes and perplexity over all tokens of `everything`."""

    step: int
    loss: float
    used: int
    perplexity: float


@dataclass(frozen=True)
class Seen:
    """All data through the network as it is: encoder outputs (..., D), codes (...), outputs like `everything`."""

    latents: Tensor
    indices: Tensor
    outputs: Tensor


class Experiment:
    """A network in training. Settings may be changed by `adjust` between any two steps."""

    def __init__(self, task: Task, plan: Plan, settings: Settings):
        self.task, self.plan, self.step = task, plan, 0
        with seeded(plan.seed):
            self.encoder, self.decoder = task.networks()
        self._draw = torch.Generator().manual_seed(plan.seed)
        networks = [*self.encoder.parameters(), *self.decoder.parameters()]
        self._networks = torch.optim.Adam(networks, lr=settings.learning_rate, fused=True)
        self._uses = torch.ones(plan.size)
        self._codebooks: dict[int, Tensor] = {}
        self.settings = Settings()
        self._take(Form.of(plan, settings.cures))
        self.adjust(settings)
        self.readings: list[Reading] = []
        self._read()

    def adjust(self, settings: Settings) -> None:
        """Change learning rate, beta, decay or cures, from the next step on.

        Learned code vectors stay where they are when the way they are learned changes, and wait where they are while
        FSQ is on. k-means places all of them anew at the moment it is switched on; switched off, it undoes nothing.
        """
        before, self.settings = set(self.settings.cures), settings
        form = Form.of(self.plan, settings.cures)
        if form != self.bottleneck.form:
            if self.bottleneck.form.learned:
                self._codebooks[self.bottleneck.form.dim] = self.bottleneck.code_vectors().detach().clone()
            self._take(form)
        for optimizer in (self._networks, self._codes):
            for group in optimizer.param_groups if optimizer else ():
                group["lr"] = settings.learning_rate
        if form.kind == "vector_ema":
            self.bottleneck.quantizer.decay = settings.decay
        if "kmeans" in settings.cures and "kmeans" not in before and form.learned:
            with torch.no_grad():
                rows = self.bottleneck.comparable(self.encoder(self.task.everything)).reshape(-1, form.dim)
            self.bottleneck.place(k_means(rows, self.plan.size, self.plan.seed))
            self._uses.fill_(1)

    def advance(self) -> None:
        """One step of training."""
        x = self.task.batch(self._draw)
        z = self.encoder(x)
        found = self.bottleneck(z)
        loss = F.mse_loss(self.decoder(found.quantized), x) / self.task.variance
        for name, term in found.losses.items():
            loss = loss + (self.settings.beta * term if name == "commitment" else term)
        if "entropy" in self.settings.cures and self.bottleneck.form.learned:
            loss = loss + ENTROPY_WEIGHT * entropy_term(self.bottleneck.comparable(z), self.bottleneck.code_vectors())
        optimizers = [optimizer for optimizer in (self._networks, self._codes) if optimizer]
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        self.step += 1
        if self.bottleneck.form.learned:
            self._restart(z.detach(), found.indices)
        if self.step % EVERY == 0:
            self._read()

    @torch.no_grad()
    def see(self) -> Seen:
        """What the network makes of all data now."""
        self.bottleneck.eval()  # so that looking moves no running mean
        latents = self.encoder(self.task.everything)
        found = self.bottleneck(latents)
        self.bottleneck.train()
        return Seen(latents, found.indices, self.decoder(found.quantized))

    @torch.no_grad()
    def decoded_codes(self, shape: tuple[int, ...] = ()) -> Tensor:
        """What the decoder makes of each code alone; shape: of the grid that it needs, between K and D."""
        vectors = self.bottleneck.up(self.bottleneck.code_vectors())
        return self.decoder(vectors.reshape(len(vectors), *shape, self.plan.dim))

    def _take(self, form: Form) -> None:
        """A new bottleneck; code vectors that were put aside are taken over where they have as many floats."""
        self.bottleneck: Bottleneck = seeded_bottleneck(self.plan, form)
        if form.learned and form.dim in self._codebooks:
            self.bottleneck.place(self._codebooks[form.dim])
        parameters = list(self.bottleneck.parameters())
        self._codes = torch.optim.Adam(parameters, lr=self.settings.learning_rate, fused=True) if parameters else None

    def _restart(self, z: Tensor, indices: Tensor) -> None:
        uses = torch.bincount(indices.flatten(), minlength=self.plan.size).float()
        self._uses.lerp_(uses, 1 - USES_DECAY)
        if "restart" in self.settings.cures and self.step % RESTART_EVERY == 0:
            rows = self.bottleneck.comparable(z).detach().reshape(-1, self.bottleneck.form.dim)
            seed = self.plan.seed * 1_000_003 + self.step
            moved = move_dead(self.bottleneck.quantizer, self._uses, rows, RESTART_BELOW, seed)
            self._uses[moved] = self._uses.mean()

    def _read(self) -> None:
        seen = self.see()
        counts = torch.bincount(seen.indices.flatten())
        shares = counts[counts > 0] / counts.sum()
        loss = F.mse_loss(seen.outputs, self.task.everything) / self.task.variance
        perplexity = (-(shares * shares.log()).sum()).exp()
        self.readings.append(Reading(self.step, loss.item(), len(shares), perplexity.item()))


def entropy_term(z: Tensor, codes: Tensor) -> Tensor:
    """Mean entropy less entropy of the mean, in nats, of softmax(-|z - e|^2 / temperature) over codes (K, d).

    Low where every output z (..., d) is sure of its code and all codes are used alike.
    """
    z = z.reshape(-1, z.shape[-1])
    distances = z.square().sum(1, keepdim=True) + codes.square().sum(1) - 2 * z @ codes.t()
    logs = F.log_softmax(-distances / ENTROPY_TEMPERATURE, -1)
    odds = logs.exp()
    mean = odds.mean(0)
    return torch.xlogy(mean, mean.clamp_min(1e-12)).sum() - (odds * logs).sum(-1).mean()
