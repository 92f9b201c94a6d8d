"""What the training of a prior is asked to do: a recipe in JSON, strict."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from explorer.core.errors import ConfigError
from explorer.core.strict import from_json, to_json
from explorer.priors.config import NetworkConfig
from explorer.training.config import recipe_value

RECIPES = Path(__file__).parent / "recipes" / "priors"


@dataclass(frozen=True)
class View:
    """A way to look at a picture before it is encoded: its centre square or the whole of it, `side` pixels short."""

    how: Literal["square", "whole"]
    side: int
    share: float = 1.0
    """How often it is drawn, beside the others."""


@dataclass(frozen=True)
class Holes:
    """Which cells are open in the windows that a masked prior is trained on."""

    boxes: float = 0.25
    """Share of the windows whose open cells lie in a box or around one; in the others they lie anywhere."""
    law: Literal["uniform", "cosine"] = "uniform"
    """How many are open where they lie anywhere: any share of all cells as often as any other, or mostly large shares,
    as cos(pi u / 2) of a uniform u (MaskGIT)."""


@dataclass(frozen=True)
class PriorStage:
    """A part of a run with its own learning rate and, where given, its own views and holes."""

    steps: int
    learning_rate: tuple[float, ...]
    """At the stage's first step and after its last one, linear in between."""
    views: tuple[View, ...] = ()
    """Empty: the recipe's."""
    holes: Holes | None = None
    """None: the recipe's."""


@dataclass(frozen=True)
class PriorRecipe:
    """One training run. Two runs of one recipe on one machine with as many threads give the same weights."""

    id: str
    title: str
    summary: str
    tokenizer: str
    """Id of the bundled tokenizer whose codes are learned."""
    network: NetworkConfig
    stages: tuple[PriorStage, ...]
    views: tuple[View, ...]
    start_from: str = ""
    """A finished prior of the same network, over another tokenizer's codes perhaps, whose weights the run begins with
    where the shapes are equal and the codes are not concerned: a folder, or a name beside --out; empty: none."""
    window: int = 32
    """Cells on a side of the windows that the network sees."""
    batch: int = 16
    holes: Holes = field(default_factory=Holes)
    """Of masked priors."""
    label_dropout: float = 0.1
    """Share of the windows whose class is withheld, for classifier-free guidance (Ho, Salimans 2022, 2207.12598)."""
    average: float = 0.999
    """Decay of the running mean of the weights, which is what is measured and kept."""
    patience: int = 0
    """Measurements without a better one after which the run ends early; 0: never."""
    warmup: int = 200
    muon: float = 0.0
    """Muon's learning rate for the weights of the hidden layers, as a multiple of AdamW's; 0: AdamW for all."""
    weight_decay: float = 0.0
    clip: float = 1.0
    """Largest norm of the gradient."""
    seed: int = 0
    leave_out: tuple[str, ...] = ()
    """Classes (folders) of the data that are not used."""

    @property
    def steps(self) -> int:
        return sum(stage.steps for stage in self.stages)

    def stage(self, step: int) -> tuple[PriorStage, float]:
        """The stage of a step, and which share of it is over."""
        for stage in self.stages:
            if step < stage.steps:
                return stage, step / stage.steps
            step -= stage.steps
        return self.stages[-1], 1.0

    def views_at(self, step: int) -> tuple[View, ...]:
        return self.stage(step)[0].views or self.views

    def holes_at(self, step: int) -> Holes:
        return self.stage(step)[0].holes or self.holes

    def past(self, step: int) -> list[Any]:
        """What the stages said up to a step: a run may be continued when what is to come has changed, the steps of
        a stage of constant rate say, but not when this has."""
        found = []
        for stage in self.stages:
            if step <= 0:
                break
            steps = min(step, stage.steps)
            first, last = stage.learning_rate
            reached = first + (last - first) * steps / stage.steps
            found.append([steps, first, reached, *map(to_json, (stage.views or self.views, stage.holes or self.holes))])
            step -= steps
        return found


def read_prior_recipe(name_or_path: str) -> PriorRecipe:
    """A recipe by path, or one of recipes/priors by name; "base" names one of recipes/priors/base to fill up from."""
    name, value = recipe_value(name_or_path, RECIPES, RECIPES / "base")
    recipe = from_json(PriorRecipe, value, name)
    if not recipe.stages or not recipe.views:
        raise ConfigError(f"{name} needs at least one stage and one view.")
    return recipe
