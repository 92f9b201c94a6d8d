"""How the tensors of a family become a Tokenizer; the families' modules load when asked for."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from explorer.adapters.family import FAMILIES
from explorer.adapters.files import StateDict
from explorer.adapters.network import PublishedNetwork
from explorer.core.errors import CheckpointError, ExplorerError
from explorer.core.spec import TokenizerSpec
from explorer.models.tokenizer import LocalTokenizer, NetworkTokenizer


@dataclass(frozen=True)
class Facts:
    """What a TokenizerSpec says that stands in no file; sha256 is that of the files, one after the other."""

    id: str
    title: str
    summary: str
    trained_on: str
    source: str
    licence: str
    sha256: str


def recognise(tensors: StateDict) -> str:
    """The family whose marks are among the names of the tensors; a CheckpointError lists those that are known."""
    for name, family in FAMILIES.items():
        if all(any(tensor.startswith(mark) for tensor in tensors) for mark in family.marks):
            return name
    known = ", ".join(family.title for family in FAMILIES.values())
    raise CheckpointError(f"{tensors.file} is a checkpoint of no family that is known here. Known are: {known}.")


def build_network(tensors: StateDict, family: str, settings: Mapping[str, Any]) -> PublishedNetwork:
    """The filled network of a family, in eval mode; whatever does not fit is a CheckpointError that says so."""
    if family not in FAMILIES:
        raise CheckpointError(f"There is no family {family!r}; there are {', '.join(FAMILIES)}.")
    unknown = sorted(set(settings) - set(FAMILIES[family].settings))
    if unknown:
        raise CheckpointError(f"{FAMILIES[family].title} has no setting {unknown[0]!r}.")
    if "config" in FAMILIES[family].settings and "config" not in settings:
        raise CheckpointError(f"{tensors.file} can only be read together with its config.json.")
    try:
        network = importlib.import_module(f"explorer.adapters.{family}").network(tensors, **settings)
    except ExplorerError as error:
        raise CheckpointError(f"{error}{_looks_like(tensors, family)}") from error
    except Exception as error:  # shapes that no such network has can fail anywhere in building it
        raise CheckpointError(
            f"{tensors.file} gives no {FAMILIES[family].title} network: {error}.{_looks_like(tensors, family)}"
        ) from error
    return network.requires_grad_(False).eval()


def build_tokenizer(
    tensors: StateDict, family: str, settings: Mapping[str, Any], facts: Facts, device: str = "cpu"
) -> NetworkTokenizer:
    """The Tokenizer of tensors; one that can decode windows where its network is strictly local."""
    network = build_network(tensors, family, settings)
    spec = TokenizerSpec(
        id=facts.id,
        title=facts.title,
        family=FAMILIES[family].title,
        summary=facts.summary,
        levels=network.levels,
        codebooks=network.codebooks,
        multiple=network.multiple,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        trained_on=facts.trained_on,
        source=facts.source,
        licence=facts.licence,
        sha256=facts.sha256,
        side=network.side,
    )
    local = all(level.reach is not None for level in network.levels)
    return (LocalTokenizer if local else NetworkTokenizer)(spec, network, torch.device(device))


def _looks_like(tensors: StateDict, family: str) -> str:
    try:
        found = recognise(tensors)
    except CheckpointError:
        return ""
    return "" if found == family else f" It looks like {FAMILIES[found].title}."
