"""Which models there are: one explicit table from id to checkpoint folder; reading it costs no torch."""

from functools import cache
from pathlib import Path

from explorer.core.errors import UnknownModelError
from explorer.core.spec import TokenizerSpec
from explorer.models.config import read_config, spec_of

CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"

BUNDLED = (
    "vq_ema.caltech_f8_1024",
    "fsq.caltech_f8_1000",
    "vq.caltech_f8_1024",
    "gumbel.caltech_f8_1024",
    "vqgan.caltech_f8_1024",
    "vq_l2.caltech_f8_1024",
    "lfq.caltech_f8_1024",
    "vqvae2.caltech_f4f8_512",
    "rvq.caltech_f8_4x256",
    "vq_ema.caltech_f8_16384",
    "fsq.caltech_f8_15360",
    "vq.caltech_f8_16384",
    "vae.caltech_f8",
    "ae.caltech_f8",
)
"""Ids of the shipped models in the order they are listed; the first is what the page opens with."""

_folders: dict[str, Path] = {}


def register(id: str, folder: Path) -> None:
    """Make a checkpoint folder known under an id; an id that is taken is an error."""
    if id in _folders:
        raise ValueError(f"the model id {id!r} is registered twice")
    _folders[id] = folder


for _id in BUNDLED:
    register(_id, CHECKPOINTS / _id)


def available() -> list[str]:
    """Ids of all registered models."""
    return list(_folders)


def has(id: str) -> bool:
    """Whether a model is registered, so that files are shipped with it."""
    return isinstance(id, str) and id in _folders


def folder_of(id: str) -> Path:
    try:
        return _folders[id]
    except (KeyError, TypeError):
        raise UnknownModelError(f"There is no model {str(id)[:80]!r}. There are: {', '.join(_folders)}.") from None


@cache
def spec(id: str) -> TokenizerSpec:
    """What a model is, from its config alone."""
    return spec_of(read_config(folder_of(id)))
