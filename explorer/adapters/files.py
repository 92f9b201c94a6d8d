"""Checkpoint files of others to named tensors, without running anything that they hold.

safetensors; what torch.save wrote, read with weights_only=True; TorchScript archives, whose tensors are taken out
and whose code is never looked at, under a pinned sha256 alone.
"""

import hashlib
import pickle
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from explorer.adapters.catalogue import MAX_BYTES
from explorer.adapters.inert_pickle import read_inert, tensors_of_module
from explorer.core.errors import CheckpointError

MAX_TENSORS = 5000
"""A checkpoint of more tensors is no tokenizer's, and would take long to look through."""

WRAPPERS = ("state_dict", "model")
"""Keys under which training programs keep the weights."""

BOOKKEEPING = re.compile(r"(pytorch_lightning|lightning|omegaconf|numpy|_codecs|argparse)\.")
"""Classes that training programs leave in a checkpoint beside the weights. They are skipped, never imported."""


class StateDict(dict[str, Tensor]):
    """Published names -> tensors of one checkpoint; a name that is missing is said in words. `file`: where from."""

    def __init__(self, tensors: Iterable, file: str, names: Mapping[str, str] = MappingProxyType({})):
        super().__init__(tensors)
        self.file, self._names = file, names

    def __missing__(self, name: str):
        raise CheckpointError(f"{self.file} lacks {name}: it is a checkpoint of another family, or not whole.")

    def renamed(self, rename: Callable[[str], str]) -> "StateDict":
        """The same tensors under other names; `published` gives those of the file."""
        names = {rename(name): name for name in self}
        return StateDict({new: self[old] for new, old in names.items()}, self.file, names)

    def published(self, name: str) -> str:
        """What the file calls a tensor."""
        return self._names.get(name, name)


def read_tensors(
    paths: Sequence[Path], pins: Sequence[str | None] = (), limit: int = MAX_BYTES, part: str = ""
) -> StateDict:
    """The tensors of the files of one checkpoint, floats as float32; raises CheckpointError for what is no such file.

    pins: the sha256 of each file, None where it is not known; demanded of TorchScript archives. part: only the
    tensors whose names begin so, without that beginning.
    """
    pins = pins or [None] * len(paths)
    merged = StateDict({}, " and ".join(path.name for path in paths))
    for path, pin in zip(paths, pins, strict=True):
        _check_size(path, limit)
        if pin is not None and (found := digest([path])) != pin:
            raise CheckpointError(
                f"{path.name} has sha256 {found[:12]}..., but {pin[:12]}... is pinned: it was damaged on its way or is "
                "another version. Delete it and fetch it again."
            )
        found = _tensors(path, pin is not None, part)
        if twice := sorted(set(found) & set(merged)):
            raise CheckpointError(f"{merged.file} both hold {twice[0]}; these files do not belong together.")
        merged |= {name.removeprefix(part): tensor for name, tensor in found.items() if name.startswith(part)}
    if len(merged) > MAX_TENSORS:
        raise CheckpointError(f"{merged.file} holds {len(merged):,} tensors; tokenizers have at most {MAX_TENSORS:,}.")
    if not merged:
        raise CheckpointError(f"{merged.file} holds no tensors{f' of {part}*' if part else ''}.")
    _check_honest(merged, sum(path.stat().st_size for path in paths))
    for name, tensor in merged.items():
        merged[name] = tensor.float() if tensor.is_floating_point() else tensor
    return merged


def digest(paths: Iterable[Path]) -> str:
    """sha256 of a file, or of several in this order, as one stream of bytes."""
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(2**20):
                total.update(block)
    return total.hexdigest()


def _tensors(path: Path, pinned: bool, part: str) -> dict[str, Tensor]:
    with path.open("rb") as file:
        start = file.read(9)
    if start[8:9] == b"{":
        try:
            with safe_open(path, "pt") as file:
                return {name: file.get_tensor(name) for name in file.keys() if name.startswith(part)}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path.name} is not a whole safetensors file: {error}.") from error
    if start[:2] == b"PK":
        return _of_archive(path, pinned)
    if start[:1] == b"\x80":
        return _named(_load(path), path)
    raise CheckpointError(
        f"{path.name} is no checkpoint that is known here: neither safetensors nor a file written by torch.save."
    )


def _of_archive(path: Path, pinned: bool) -> dict[str, Tensor]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile as error:
        raise CheckpointError(f"{path.name} is cut short or damaged ({error}); fetch it again.") from error
    data = [entry for entry in entries if re.search(r"/data(\.pkl$|/)", entry.filename)]
    honest = sum(entry.file_size for entry in data) <= path.stat().st_size  # or entries overlap
    if not data or not honest or any(entry.compress_type != zipfile.ZIP_STORED for entry in data):
        raise CheckpointError(
            f"{path.name} is a zip file, but none that torch wrote. If it is packed, unpack it first."
        )
    if any(entry.filename.endswith("/constants.pkl") for entry in entries):
        if not pinned:
            raise CheckpointError(
                f"{path.name} is a TorchScript program. Its tensors are read only where its sha256 is pinned in the "
                "catalogue, and this one's is not."
            )
        return tensors_of_module(read_inert(path, accepts=lambda name: name.startswith("__torch__.")))
    return _named(_load(path), path)


def _load(path: Path):
    """What torch.save wrote, as plain tensors and containers."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # the bookkeeping of a training program can be skipped, anything else is named
        return read_inert(path, accepts=lambda name: BOOKKEEPING.match(name) is not None)
    except Exception as error:  # torch has no error of its own for a damaged file
        said = str(error).strip().split("\n")[0]
        raise CheckpointError(f"{path.name} is cut short or damaged; fetch it again. ({said})") from error


def _named(saved, path: Path) -> dict[str, Tensor]:
    """The state dict inside what a training program saved, without the prefix of its parallel wrapper."""
    for wrapper in WRAPPERS:
        if isinstance(saved, dict) and isinstance(saved.get(wrapper), dict):
            saved = saved[wrapper]
    if not isinstance(saved, dict):
        raise CheckpointError(f"{path.name} holds a {type(saved).__name__}, not a state dict of named tensors.")
    tensors = {name: t for name, t in saved.items() if isinstance(name, str) and isinstance(t, Tensor)}
    if tensors and all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    return tensors


def _check_size(path: Path, limit: int) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror}.") from error
    if size > limit:
        raise CheckpointError(
            f"{path.name} has {size / 2**30:.1f} GiB; checkpoints up to {limit / 2**30:.1f} GiB are opened here."
        )


def _check_honest(tensors: StateDict, size: int) -> None:
    """Strides of zero let a small file claim a huge tensor."""
    claimed = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if claimed > 2 * size:
        raise CheckpointError(f"{tensors.file} has {size:,} bytes, but its tensors claim {claimed:,}; it was refused.")
