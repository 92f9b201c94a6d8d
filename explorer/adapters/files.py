"""Checkpoint files of others to named tensors, without running anything that they hold.

safetensors; what torch.save wrote, read by `inert_pickle`; TorchScript archives, whose tensors are taken out
and whose code is never looked at, under a pinned sha256 alone.
"""

import hashlib
import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from safetensors import safe_open
from torch import Tensor

from explorer.adapters.catalogue import MAX_BYTES
from explorer.adapters.inert_pickle import entries_of, read_inert, tensors_of_module
from explorer.core.errors import CheckpointError

MAX_TENSORS = 5000
"""A checkpoint of more tensors is no tokenizer's, and would take long to look through."""

MAX_HEADER = 2**23
"""Bytes of the list of tensors before a safetensors file's values: 5,000 tensors take some 700,000."""

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
    _check_count(merged.file, len(merged))
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
        return _of_safetensors(path, struct.unpack("<Q", start[:8])[0], part)
    if start[:2] == b"PK" and any(name.endswith("/constants.pkl") for name in entries_of(path)):
        if not pinned:
            raise CheckpointError(
                f"{path.name} is a TorchScript program. Its tensors are read only where its sha256 is pinned in the "
                "catalogue, and this one's is not."
            )
        return tensors_of_module(read_inert(path, accepts=lambda name: name.startswith("__torch__.")))
    if start[:2] == b"PK" or start[:1] == b"\x80":
        return _named(read_inert(path, accepts=lambda name: BOOKKEEPING.match(name) is not None), path)
    raise CheckpointError(
        f"{path.name} is no checkpoint that is known here: neither safetensors nor a file written by torch.save."
    )


def _of_safetensors(path: Path, header: int, part: str) -> dict[str, Tensor]:
    if header > MAX_HEADER:
        raise CheckpointError(
            f"{path.name} is not a whole safetensors file: its list of tensors claims {header:,} bytes, more than "
            f"{MAX_HEADER:,}."
        )
    try:
        with safe_open(path, "pt") as file:
            names = [name for name in file.keys() if name.startswith(part)]  # noqa: SIM118
            _check_count(path.name, len(names))
            return {name: file.get_tensor(name) for name in names}
    except CheckpointError:
        raise
    except Exception as error:  # of the reader, of torch for a type that it lacks, of the system
        raise CheckpointError(f"{path.name} is not a whole safetensors file: {str(error)[:200]}.") from error


def _named(saved, path: Path) -> dict[str, Tensor]:
    """The state dict inside what a training program saved, without the prefix of its parallel wrapper."""
    for wrapper in WRAPPERS:
        if isinstance(saved, dict) and isinstance(saved.get(wrapper), dict):
            saved = saved[wrapper]
    if not isinstance(saved, dict):
        raise CheckpointError(f"{path.name} holds a {type(saved).__name__[:80]}, not a state dict of named tensors.")
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


def _check_count(name: str, count: int) -> None:
    if count > MAX_TENSORS:
        raise CheckpointError(f"{name} holds {count:,} tensors; tokenizers have at most {MAX_TENSORS:,}.")


def _check_honest(tensors: StateDict, size: int) -> None:
    """Many names of one storage let a small file claim many tensors."""
    claimed = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if claimed > 2 * size:
        raise CheckpointError(f"{tensors.file} has {size:,} bytes, but its tensors claim {claimed:,}; it was refused.")
