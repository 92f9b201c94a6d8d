"""What a checkpoint's config.json says: model, image, training, evaluation, source; free of torch."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from explorer.core.errors import CheckpointError, ConfigError
from explorer.core.spec import Codebook, Level, TokenizerSpec
from explorer.core.strict import from_json, to_json

FORMAT_VERSION = 1


@dataclass(frozen=True)
class NetworkConfig:
    """A strictly local f8 autoencoder: widths and residual blocks at stride 4 and at stride 8."""

    width_f4: int = 96
    width_f8: int = 256
    encoder_f4: int = 1
    encoder_f8: int = 3
    decoder_f8: int = 3
    decoder_f4: int = 2


@dataclass(frozen=True)
class VectorConfig:
    size: int
    dim: int
    kind: Literal["vector"] = "vector"


@dataclass(frozen=True)
class EMAVectorConfig:
    size: int
    dim: int
    decay: float = 0.99
    kind: Literal["vector_ema"] = "vector_ema"


@dataclass(frozen=True)
class GumbelConfig:
    size: int
    dim: int
    hard: bool = False
    kind: Literal["gumbel"] = "gumbel"


@dataclass(frozen=True)
class FiniteScalarConfig:
    levels: tuple[int, ...]
    bound: Literal["tan", "atanh"] = "atanh"
    kind: Literal["finite_scalar"] = "finite_scalar"


QuantizerConfig = VectorConfig | EMAVectorConfig | GumbelConfig | FiniteScalarConfig


@dataclass(frozen=True)
class ModelConfig:
    """One network with one quantizer."""

    quantizer: QuantizerConfig
    network: NetworkConfig = field(default_factory=NetworkConfig)


@dataclass(frozen=True)
class CheckpointConfig:
    """The whole config.json. `training` and `evaluation` are records for people, shown as they stand."""

    format_version: int
    id: str
    title: str
    family: str
    summary: str
    model: ModelConfig
    parameters: int
    reach: int
    """Pixels beyond its own cell that a code can change."""
    sha256: str
    source: str
    licence: str
    trained_on: str
    training: dict[str, Any]
    evaluation: dict[str, Any] = field(default_factory=dict)


STRIDE = 8


def read_config(folder: Path) -> CheckpointConfig:
    """The config.json of a checkpoint folder, strictly."""
    path = folder / "config.json"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{folder.name} has no readable config.json ({error.strerror}).") from error
    except ValueError as error:
        raise CheckpointError(f"{folder.name}/config.json is not JSON: {error}.") from error
    version = value.get("format_version") if isinstance(value, dict) else None
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"{folder.name}/config.json has format_version {version!r}; this program reads {FORMAT_VERSION}."
        )
    try:
        return from_json(CheckpointConfig, value)
    except ConfigError as error:
        raise CheckpointError(f"{folder.name}/config.json: {error}") from error


def write_config(folder: Path, config: CheckpointConfig) -> None:
    text = json.dumps(to_json(config), indent=2, ensure_ascii=False)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")


def spec_of(config: CheckpointConfig) -> TokenizerSpec:
    """The TokenizerSpec that a config describes."""
    return TokenizerSpec(
        id=config.id,
        title=config.title,
        family=config.family,
        summary=config.summary,
        levels=(Level("codes", "codebook", stride=STRIDE, reach=config.reach),),
        codebooks=(_codebook(config.model.quantizer),),
        multiple=STRIDE,
        parameters=config.parameters,
        trained_on=config.trained_on,
        source=config.source,
        licence=config.licence,
        sha256=config.sha256,
        evaluation=config.evaluation,
    )


def _codebook(quantizer: QuantizerConfig) -> Codebook:
    match quantizer:
        case FiniteScalarConfig(levels=levels, bound=bound):
            return Codebook("codebook", math.prod(levels), len(levels), "grid", levels, f"bound: {bound}")
        case GumbelConfig(size=size, dim=dim):
            return Codebook("codebook", size, dim, "logit")
        case VectorConfig(size=size, dim=dim):
            return Codebook("codebook", size, dim, "euclidean", variant="straight-through")
        case EMAVectorConfig(size=size, dim=dim, decay=decay):
            return Codebook("codebook", size, dim, "euclidean", variant=f"EMA {decay:g}")
