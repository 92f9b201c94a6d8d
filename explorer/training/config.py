"""What a training run is asked to do: a recipe in JSON, strict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.core.errors import ConfigError
from explorer.core.strict import from_json
from explorer.core.untrusted_json import read_json
from explorer.models.config import ModelConfig

RECIPES = Path(__file__).parent / "recipes"
BASES = RECIPES / "base"


@dataclass(frozen=True)
class Stage:
    """A part of a run with its own learning rate and its own scale of pictures."""

    steps: int
    learning_rate: tuple[float, ...]
    """At the stage's first step and after its last one, linear in between."""
    zooms: tuple[float, ...] = (1.0,)
    """Crops are cut this many times larger and shrunk; one factor per batch, drawn evenly."""
    crop: int | None = None
    """Side in pixels of the crops, where it differs from the recipe's."""
    batch: int | None = None
    """Crops at once, where they differ from the recipe's."""


@dataclass(frozen=True)
class RevivalConfig:
    """Moves code vectors that too few encoder outputs choose onto encoder outputs of the batch."""

    every: int = 50
    """Steps between revivals."""
    below: float = 0.1
    """Dead means: chosen less often than this share of an average code, in the running mean."""
    until: float = 0.8
    """No more revivals after this share of the steps, so that the codebook settles."""


@dataclass(frozen=True)
class AdversarialConfig:
    """A patch discriminator against the decoder, from a share `start` of the steps on."""

    start: float = 0.5
    head_start: int = 0
    """Steps from `start` on in which the discriminator learns alone, before the autoencoder hears of it."""
    weight: float = 0.8
    """Of the adversarial term, beside its adaptive weight."""
    features: float = 1.0
    """Weight of the distance between the discriminator's features of picture and reconstruction."""
    lpips: float = 0.0
    """Weight of LPIPS; needs the package lpips and its weights."""
    width: int = 48
    layers: int = 3
    learning_rate: float = 0.3
    """The discriminator's, as a multiple of the autoencoder's."""


@dataclass(frozen=True)
class Recipe:
    """One training run. Two runs of one recipe on one machine with as many threads give the same weights."""

    id: str
    title: str
    family: str
    summary: str
    model: ModelConfig
    stages: tuple[Stage, ...]
    start_from: str = ""
    """A finished model of the same network, by its id or its folder, whose weights the run begins with where the
    shapes are equal; empty: none."""
    batch: int = 8
    crop: int = 96
    """Side in pixels of the crops the network sees."""
    warmup: int = 200
    """Steps over which the learning rate rises from zero to the first stage's."""
    muon: float = 0.0
    """Muon's learning rate for the kernels of the residual blocks, as a multiple of AdamW's; 0: AdamW for all."""
    weight_decay: float = 0.0
    clip: float = 1.0
    """Largest norm of the gradient."""
    l1: float = 0.0
    """Weight of the mean absolute error beside the squared one."""
    loss_weights: dict[str, float] = field(default_factory=dict)
    """Weights of the quantizer's loss terms by name."""
    temperature: tuple[float, ...] = ()
    """Gumbel only: first and last temperature, changed geometrically over `anneal` of the steps."""
    anneal: float = 1.0
    """Share of the steps after which temperature and KL weight stay at their last values."""
    kl: tuple[float, ...] = ()
    """First and last weight of the KL term, changed geometrically over `anneal` of the steps."""
    data_start: bool = False
    """Start the codebook on encoder outputs of the first batch."""
    revival: RevivalConfig | None = None
    adversarial: AdversarialConfig | None = None
    seed: int = 0
    short_side: int = 256
    """Pictures are kept in memory with their short side at most this many pixels."""
    leave_out: tuple[str, ...] = ()
    """Classes (folders) of the data that are not used."""

    @property
    def steps(self) -> int:
        return sum(stage.steps for stage in self.stages)

    def stage(self, step: int) -> tuple[Stage, float]:
        """The stage of a step, and which share of it is over."""
        for stage in self.stages:
            if step < stage.steps:
                return stage, step / stage.steps
            step -= stage.steps
        return self.stages[-1], 1.0

    def drawn_at(self, step: int) -> tuple[int, int, tuple[float, ...]]:
        """Of a step: how many crops, their side, and the factors by which they may be cut larger."""
        stage, _ = self.stage(step)
        return stage.batch or self.batch, stage.crop or self.crop, stage.zooms


def read_recipe(name_or_path: str, changes: Mapping[str, Any] | None = None) -> Recipe:
    """A recipe by path, or one of the shipped recipes by name.

    "base" names one of recipes/base that it fills up from, which may have a base itself: objects are merged
    key by key, everything else replaces what the base says. `changes` are merged over all.
    """
    name, value = recipe_value(name_or_path, RECIPES, BASES)
    return from_json(Recipe, merged(value, changes or {}), name)


def recipe_value(name_or_path: str, recipes: Path, bases: Path) -> tuple[str, Any]:
    """The file name and the JSON value of a recipe, by path or by its name in `recipes`, filled up from its bases."""
    path = Path(name_or_path)
    if not path.is_file():
        path = recipes / f"{name_or_path}.json"
    if not path.is_file():
        shipped = ", ".join(sorted(found.stem for found in recipes.glob("*.json")))
        raise ConfigError(f"There is no recipe {name_or_path!r}: give a JSON file or one of {shipped}.")
    value = read_json(path.read_bytes(), path.name)
    while isinstance(value, dict) and "base" in value:
        base = bases / f"{value.pop('base')}.json"
        if not base.is_file():
            raise ConfigError(f"{path.name}: there is no base {base.stem!r}.")
        value = merged(read_json(base.read_bytes(), base.name), value)
    return path.name, value


def merged(below: Any, above: Any) -> Any:
    """`above` over `below`: objects key by key, unless both say of which `kind` they are and differ."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    if below.get("kind") != above.get("kind", below.get("kind")):
        return above
    return {**below, **{key: merged(below[key], item) if key in below else item for key, item in above.items()}}
