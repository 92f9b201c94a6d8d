"""What a prior is made of, as strict JSON; free of torch."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from explorer.core.atomic import atomic
from explorer.core.strict import from_json, to_json
from explorer.models.config import config_value

FORMAT_VERSION = 1


@dataclass(frozen=True)
class BackboneConfig:
    """A U-Net over the grid: one entry per resolution, each half as fine as the one before it."""

    widths: tuple[int, ...] = (96, 160, 256)
    """Channels."""
    down: tuple[int, ...] = (3, 3, 3)
    """Residual blocks on the way down; the last number counts the blocks at the coarsest resolution, which attend."""
    up: tuple[int, ...] = (3, 3)
    """Residual blocks on the way up, finest first."""
    heads: int = 4
    """Of the attention at the coarsest resolution."""
    label_width: int = 64
    """Floats of a class's embedding."""
    dropout: float = 0.1


@dataclass(frozen=True)
class MaskedConfig:
    """Any set of open cells given all others (MaskGIT)."""

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    kind: Literal["masked"] = "masked"


@dataclass(frozen=True)
class CausalConfig:
    """Every cell given those before it in raster order: the rows above through the backbone, its own row
    through `row_blocks` gated convolutions of `row_width` channels."""

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    row_width: int = 128
    row_blocks: int = 5
    kind: Literal["causal"] = "causal"


NetworkConfig = MaskedConfig | CausalConfig


@dataclass(frozen=True)
class PriorConfig:
    """The whole config.json of a prior's folder. `training` and `evaluation` are records for people."""

    format_version: int
    id: str
    title: str
    summary: str
    tokenizer: str
    """Id of the tokenizer whose codes it knows."""
    tokenizer_sha256: str
    size: int
    """K, how many codes there are."""
    classes: tuple[str, ...]
    """Names, in the order of their numbers."""
    network: NetworkConfig
    parameters: int
    sha256: str
    source: str
    licence: str
    trained_on: str
    radices: tuple[int, ...] = ()
    """Of an FSQ codebook, first digit fastest; else ()."""
    training: dict[str, Any] = field(default_factory=dict)
    evaluation: dict[str, Any] = field(default_factory=dict)


def read_prior_config(folder: Path) -> PriorConfig:
    """The config of a prior's folder, checked key by key."""
    return from_json(PriorConfig, config_value(folder, FORMAT_VERSION), f"{folder.name}/config.json")


def write_prior_config(folder: Path, config: PriorConfig) -> None:
    """Write config.json, whole or not at all."""
    with atomic(folder / "config.json") as path:
        path.write_text(json.dumps(to_json(config), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
