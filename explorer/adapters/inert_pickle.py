"""Tensors out of pickled objects whose classes are never imported.

torch.save of a whole module, TorchScript archives and Lightning checkpoints name classes. Here a class becomes a
`Holder` of attributes, and of all functions a file may name only those that rebuild tensors are known, each by an
implementation of ours that builds a view of bytes in the file. Nothing is ever imported or looked up by a name
from the file, so there is nothing in reach that could be run: a pickle can only call what `find_class` gave it.
"""

import io
import math
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from explorer.core.errors import CheckpointError

_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class Holder:
    """Stands for an object of any class: keeps the attributes it was saved with, and no behaviour."""

    def __init__(self, *arguments, **named):
        pass

    def __setstate__(self, state):
        if isinstance(state, dict):
            self.__dict__.update(state)

    def __setitem__(self, key, value):  # of a dict
        pass

    def extend(self, values):  # of a list
        pass


def read_inert(path: Path, accepts: Callable[[str], bool]) -> Any:
    """The object in a file of torch.save, of today or before 2020, or of TorchScript, with Holders for objects.

    accepts: whether a class of this dotted name may stand in the file; a CheckpointError names any other.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"PK"
        return (_of_archive if packed else _of_old_file)(path, accepts)
    except CheckpointError:
        raise
    except Exception as error:  # a damaged or made-up pickle can fail in any way
        raise CheckpointError(f"{path.name} is damaged: {type(error).__name__} ({error}).") from error


def _of_archive(path: Path, accepts: Callable[[str], bool]) -> Any:
    """A zip file with the pickle in data.pkl and every storage in a file of its own."""
    with zipfile.ZipFile(path) as archive:
        entry = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
        if entry is None:
            raise CheckpointError(f"{path.name} is a zip file, but none that torch wrote: it has no data.pkl.")
        folder = entry.removesuffix("data.pkl")
        pickled = io.BytesIO(archive.read(entry))
        return _Unpickler(pickled, accepts, path.name, lambda key, _: archive.read(f"{folder}data/{key}")).load()


def _of_old_file(path: Path, accepts: Callable[[str], bool]) -> Any:
    """Pickles one after the other: a magic number, a version, facts about the machine, the object, the storages'
    names; then of each storage its length and its bytes."""
    with path.open("rb") as file:
        storages: dict[str, bytearray] = {}

        def reserve(key: str, size: int) -> bytearray:
            if sum(map(len, storages.values())) + size > path.stat().st_size:
                raise ValueError("its storages claim more bytes than it has")
            return storages.setdefault(key, bytearray(size))

        parts = [_Unpickler(file, accepts, path.name, reserve).load() for _ in range(5)]
        if parts[0] != _MAGIC:
            raise ValueError("it was not written by torch.save")
        for key in parts[4]:
            file.read(8)  # its length, which the object has told
            if file.readinto(storages[key]) < len(storages[key]):
                raise ValueError(f"storage {key} is cut short")
        return parts[3]


_MAGIC = 0x1950A86A20F9469CFC6C


# The unpickler written in Python: its memo is a dict, where the C one takes an index from the file as a size.
class _Unpickler(pickle._Unpickler):
    """storage_bytes: the bytes of a storage, from its name and size; they may be filled in later."""

    def __init__(
        self,
        pickled: BinaryIO,
        accepts: Callable[[str], bool],
        file: str,
        storage_bytes: Callable[[str, int], bytes | bytearray],
    ):
        super().__init__(pickled)
        self._accepts, self._file, self._storage_bytes = accepts, file, storage_bytes
        self._storages: dict[str, Tensor] = {}
        self._classes: dict[str, type] = {}

    def find_class(self, module: str, name: str) -> Any:
        root, dotted = module.split(".")[0], f"{module}.{name}"
        if root == "torch" and name in _DTYPES:
            return _Storage(name)
        if dotted in _KNOWN:
            return _Function(_KNOWN[dotted])
        if not self._accepts(dotted):
            raise CheckpointError(
                f"{self._file} is a pickle that asks for {dotted}, which could run code here, so it was refused and "
                "nothing in it was run. Ask its authors for a safetensors file, or for one of plain tensors."
            )
        return self._classes.setdefault(dotted, type(name, (Holder,), {}))

    def get_extension(self, code: int) -> None:
        raise CheckpointError(f"{self._file} uses pickle extensions, which no checkpoint needs; it was refused.")

    def persistent_load(self, id: tuple) -> Any:
        """A storage as a flat tensor. Old files also mark the classes of modules so, with their source beside them."""
        if id[0] == "module" and isinstance(id[1], type):
            return id[1]
        kind, storage, key, _, count = id[:5]
        if kind != "storage" or not isinstance(storage, _Storage) or any(id[5:]):
            raise CheckpointError(f"{self._file} holds something that is not a tensor: {kind!r}.")
        if key not in self._storages:
            dtype = _DTYPES[storage.name]
            data = self._storage_bytes(key, count * dtype.itemsize)
            if len(data) < count * dtype.itemsize:
                raise CheckpointError(f"{self._file} is cut short: storage {key} has {len(data):,} bytes.")
            data = data if isinstance(data, bytearray) else bytearray(data)
            self._storages[key] = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
        return self._storages[key]


class _Storage:
    """A storage type, by name."""

    def __init__(self, name: str):
        self.name = name


class _Function:
    """What a file gets for a function that it may call: a wrapper of its own, since a pickle can set attributes of
    whatever it was given."""

    def __init__(self, run: Callable):
        self._run = run

    def __call__(self, *arguments):
        return self._run(*arguments)


def _tensor(storage: Tensor, offset: int, size: tuple, stride: tuple, *_) -> Tensor:
    if 0 in stride and math.prod(size) > storage.numel():
        raise ValueError("a tensor claims more values than the file holds")
    return torch.as_strided(storage, tuple(size), tuple(stride), offset)


# None copies what it is given: a short file could ask for that over and over.
_KNOWN = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
    "torch.jit._pickle.restore_type_tag": lambda value, _: value,
    "torch.jit._pickle.build_intlist": lambda values: values,
    "torch.jit._pickle.build_doublelist": lambda values: values,
    "torch.jit._pickle.build_boollist": lambda values: values,
    "torch.jit._pickle.build_tensorlist": lambda values: values,
    "collections.OrderedDict": lambda *_: {},  # its items are set one by one afterwards
    "__builtin__.set": lambda *_: None,
    "builtins.set": lambda *_: None,
    "torch.device": lambda *_: None,
}


def tensors_of_module(holder: Any, prefix: str = "") -> dict[str, Tensor]:
    """The state dict of a pickled torch.nn.Module or of a TorchScript module, with dotted names."""
    attributes = vars(holder)
    # A module keeps its parts in three dicts of its own, a script module in its attributes.
    parts = [attributes.get(name) for name in ("_parameters", "_buffers", "_modules")]
    parts = [part for part in parts if isinstance(part, dict)] or [attributes]
    found: dict[str, Tensor] = {}
    for name, value in (item for part in parts for item in part.items()):
        if isinstance(value, Tensor):
            found[f"{prefix}{name}"] = value
        elif isinstance(value, Holder):
            found |= tensors_of_module(value, f"{prefix}{name}.")
    return found
