"""What a checkpoint's config.json says: model, image, training, evaluation, source; free of torch."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from explorer.core.atomic import atomic
from explorer.core.errors import CheckpointError, ConfigError, JsonError
from explorer.core.quoting import quoted
from explorer.core.spec import Codebook, Level, TokenizerSpec
from explorer.core.strict import from_json, to_json
from explorer.core.untrusted_json import LARGEST, read_json

FORMAT_VERSION = 1


@dataclass(frozen=True)
class OneGridConfig:
    """A strictly local autoencoder with one grid at stride 8: widths and residual blocks at strides 4 and 8."""

    width_f4: int = 96
    width_f8: int = 224
    encoder_f4: int = 1
    encoder_f8: int = 3
    decoder_f8: int = 3
    decoder_f4: int = 2
    kind: Literal["one_grid"] = "one_grid"


@dataclass(frozen=True)
class TwoGridsConfig:
    """VQ-VAE-2: a top grid at stride 8 and a bottom grid at stride 4 that is encoded given the decoded top.

    encoder_f4, encoder_f8: blocks up to the top; top_f8: blocks that decode the top for the bottom's
    encoder; bottom_f4: blocks of that encoder; decoder_f4: blocks of the decoder of both.
    """

    width_f4: int = 128
    width_f8: int = 192
    encoder_f4: int = 2
    encoder_f8: int = 2
    top_f8: int = 2
    bottom_f4: int = 2
    decoder_f4: int = 4
    kind: Literal["two_grids"] = "two_grids"


NetworkConfig = OneGridConfig | TwoGridsConfig


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


@dataclass(frozen=True)
class NormalizedVectorConfig:
    size: int
    dim: int
    kind: Literal["normalized_vector"] = "normalized_vector"


@dataclass(frozen=True)
class LookupFreeConfig:
    bits: int
    temperature: float = 1.0
    kind: Literal["lookup_free"] = "lookup_free"


@dataclass(frozen=True)
class ResidualConfig:
    """`stages` codebooks of `size` vectors, each learned by running means."""

    size: int
    dim: int
    stages: int
    decay: float = 0.99
    kind: Literal["residual"] = "residual"


@dataclass(frozen=True)
class PointConfig:
    """No quantizer: the decoder is given the encoder's output as it is (an autoencoder)."""

    dim: int
    kind: Literal["point"] = "point"


@dataclass(frozen=True)
class GaussianConfig:
    """No quantizer: mean and variance of a Gaussian per float, sampled in training (a VAE)."""

    dim: int
    kind: Literal["gaussian"] = "gaussian"


QuantizerConfig = (
    VectorConfig
    | EMAVectorConfig
    | GumbelConfig
    | FiniteScalarConfig
    | NormalizedVectorConfig
    | LookupFreeConfig
    | ResidualConfig
)
ContinuousConfig = PointConfig | GaussianConfig


@dataclass(frozen=True)
class ModelConfig:
    """A network and what stands between its encoder and its decoder; with two grids, one quantizer each."""

    quantizer: QuantizerConfig | ContinuousConfig
    network: NetworkConfig = field(default_factory=OneGridConfig)


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
    sha256: str
    source: str
    licence: str
    trained_on: str
    training: dict[str, Any]
    evaluation: dict[str, Any] = field(default_factory=dict)


STRIDE = 8
"""Pixels per cell of the coarsest grid; pictures have sides that are multiples of it."""


def read_config(folder: Path) -> CheckpointConfig:
    """The config.json of a checkpoint folder, strictly."""
    value = config_value(folder, FORMAT_VERSION)
    try:
        return from_json(CheckpointConfig, value)
    except ConfigError as error:
        raise CheckpointError(f"{folder.name}/config.json: {error}") from error


def config_value(folder: Path, version: int) -> Any:
    """The value of a folder's config.json in a format of this version; a CheckpointError where it is none."""
    try:
        with (folder / "config.json").open("rb") as file:
            value = read_json(file.read(LARGEST + 1), f"{folder.name}/config.json", largest=LARGEST)
    except OSError as error:
        raise CheckpointError(f"{folder.name} has no readable config.json ({error.strerror}).") from error
    except JsonError as error:
        raise CheckpointError(str(error)) from error
    found = value.get("format_version") if isinstance(value, dict) else None
    if found != version:
        raise CheckpointError(
            f"{folder.name}/config.json has format_version {quoted(found)}; this program reads {version}."
        )
    return value


def write_config(folder: Path, config: CheckpointConfig) -> None:
    text = json.dumps(to_json(config), indent=2, ensure_ascii=False)
    with atomic(folder / "config.json") as path:
        path.write_text(text + "\n", encoding="utf-8")


def spec_of(config: CheckpointConfig) -> TokenizerSpec:
    """The TokenizerSpec that a config describes; without levels where the model has no codes."""
    levels, codebooks = _levels(config.model)
    return TokenizerSpec(
        id=config.id,
        title=config.title,
        family=config.family,
        summary=config.summary,
        levels=levels,
        codebooks=codebooks,
        multiple=STRIDE,
        parameters=config.parameters,
        trained_on=config.trained_on,
        source=config.source,
        licence=config.licence,
        sha256=config.sha256,
        evaluation=config.evaluation,
    )


def reaches(network: NetworkConfig) -> tuple[int, ...]:
    """Per grid, coarse first: pixels beyond its own cell that one code can change.

    Every 3x3 convolution of the decoder reaches one position further. One grid: at stride 8 the first
    convolution and the blocks, at stride 4 the blocks and the last convolution. Two grids: all at stride 4.
    """
    match network:
        case OneGridConfig():
            return (8 * (1 + network.decoder_f8) + 4 * (network.decoder_f4 + 1),)
        case TwoGridsConfig():
            both = 4 * (1 + network.decoder_f4 + 1)
            return (both, both)


def _levels(model: ModelConfig) -> tuple[tuple[Level, ...], tuple[Codebook, ...]]:
    reach, quantizer = reaches(model.network), model.quantizer
    if isinstance(quantizer, ContinuousConfig):
        return (), ()
    if isinstance(model.network, TwoGridsConfig):
        names, strides = ("top", "bottom"), (STRIDE, STRIDE // 2)
    elif isinstance(quantizer, ResidualConfig):
        names = tuple(f"stage {number}" for number in range(1, quantizer.stages + 1))
        strides, reach = (STRIDE,) * len(names), reach * len(names)
    else:
        levels = (Level("codes", "codebook", stride=STRIDE, reach=reach[0]),)
        return levels, (_codebook("codebook", quantizer),)
    levels = tuple(
        Level(name, name, stride=stride, reach=pixels)
        for name, stride, pixels in zip(names, strides, reach, strict=True)
    )
    return levels, tuple(_codebook(name, quantizer) for name in names)


def _codebook(name: str, quantizer: QuantizerConfig) -> Codebook:
    match quantizer:
        case FiniteScalarConfig(levels=levels, bound=bound):
            return Codebook(name, math.prod(levels), len(levels), "grid", levels, f"bound: {bound}")
        case LookupFreeConfig(bits=bits):
            return Codebook(name, 2**bits, bits, "grid", (2,) * bits, "first channel lowest bit")
        case GumbelConfig(size=size, dim=dim):
            return Codebook(name, size, dim, "logit")
        case VectorConfig(size=size, dim=dim):
            return Codebook(name, size, dim, "euclidean", variant="straight-through")
        case NormalizedVectorConfig(size=size, dim=dim):
            return Codebook(name, size, dim, "cosine", variant="l2-normalised")
        case EMAVectorConfig(size=size, dim=dim, decay=decay):
            return Codebook(name, size, dim, "euclidean", variant=f"EMA {decay:g}")
        case ResidualConfig(size=size, dim=dim, decay=decay):
            return Codebook(name, size, dim, "euclidean", variant=f"residual, EMA {decay:g}")
