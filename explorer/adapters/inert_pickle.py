"""Tensors out of pickled objects whose classes are never imported.

torch.save of tensors or of a whole module, TorchScript archives and Lightning checkpoints, read within a budget. Here a
class becomes a `Holder` of attributes, and of all functions a file may name only those that rebuild tensors are known,
each by an implementation of ours that builds a view of bytes in the file. Nothing is ever imported or looked up by a
name from the file, so there is nothing in reach that could be run: a pickle can only call what `find_class` gave it.
No instruction copies, hashes, compares or prints what the file made: a short file could ask for that over and over, or
of a value that holds itself a million times.
"""

import math
import pickle
import re
import time
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from explorer.core.archives import untrusted_zip
from explorer.core.errors import ArchiveError, CheckpointError

MAX_STEPS = 3_000_000
"""Instructions of a file. One makes at most one object, one memo entry and one level of nesting, so this bounds them
all: to some 300 MB and ten seconds. 5,000 tensors with Adam's moments and a running mean take 800,000; the published
checkpoints that the tests read, 13,000 at most."""
MAX_PICKLED = 2**25
"""Bytes of the pickle, without the storages: bounds its texts and numbers. The same 5,000 tensors take 2.2 MB."""
MAX_TENSORS = 100_000
"""Tensors and storages, each of which takes up to a kilobyte beside its values; those 5,000 make 40,000 of both."""
MAX_CLASSES = 1000
"""Classes and functions that a file names; the published checkpoints name 13 at most, a large module some hundred."""
MAX_SECONDS = 120.0
"""Seconds of processor time, where all else held; several GB are read in a tenth of that."""
MAX_DEPTH = 64
"""Modules within each other."""
MAX_DIMENSIONS = 16
"""Axes of a tensor."""

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
    "UntypedStorage": torch.uint8,
}
_NEWER = ("float8_e4m3fn", "float8_e5m2", "uint16", "uint32", "uint64")
_NAMED = {str(dtype).removeprefix("torch."): dtype for dtype in _DTYPES.values()}
_NAMED |= {name: getattr(torch, name) for name in _NEWER}  # torch has no storage class for these


class Holder:
    """Stands for an object of any class: keeps the attributes it was saved with, and no behaviour."""

    def __init__(self, *arguments, **named):
        pass


def read_inert(path: Path, accepts: Callable[[str], bool]) -> Any:
    """The object in a file of torch.save, of today or before 2020, or of TorchScript, with Holders for objects.

    accepts: whether a class of this dotted name may stand in the file; a CheckpointError names any other, and says so
    where the file takes more than the budget above. Of dicts only the entries with texts for keys are kept.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"PK"
            file.seek(0)
            return (_of_archive if packed else _of_old_file)(file, path, accepts)
    except CheckpointError:
        raise
    except ArchiveError as error:
        raise CheckpointError(str(error)) from error
    except Exception as error:  # a damaged or made-up pickle can fail in any way
        raise CheckpointError(f"{path.name} is damaged: {type(error).__name__} ({str(error)[:200]}).") from error


def entries_of(path: Path) -> list[str]:
    """The names of the files in a zip file; a CheckpointError where it is none that torch could have written."""
    try:
        with path.open("rb") as file, _archive(file, path) as archive:
            return archive.namelist()
    except ArchiveError as error:
        raise CheckpointError(str(error)) from error


def _archive(file: BinaryIO, path: Path) -> AbstractContextManager[zipfile.ZipFile]:
    # TorchScript packs its code, which is never unpacked here; the rest lies as it is, so that nothing can inflate.
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    return untrusted_zip(file, path.name, entries=MAX_TENSORS, kinds=kinds)


def _of_archive(file: BinaryIO, path: Path, accepts: Callable[[str], bool]) -> Any:
    """A zip file with the pickle in data.pkl and every storage in a file of its own."""
    with _archive(file, path) as archive:
        names = set(archive.namelist())
        entry = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
        packed = any(
            one.compress_type != zipfile.ZIP_STORED
            for one in archive.infolist()
            if re.search(r"/(data\.pkl$|data/|byteorder$)", one.filename)
        )
        if entry is None or packed:
            raise CheckpointError(
                f"{path.name} is a zip file, but none that torch wrote. If it is packed, unpack it first."
            )
        folder = entry.removesuffix("data.pkl")
        order = f"{folder}byteorder"
        if order in names and archive.getinfo(order).file_size < 16 and archive.read(order) != b"little":
            raise CheckpointError(
                f"{path.name} was written on a machine of another byte order, which is not read here."
            )

        def storage(key: str, _: int) -> bytearray:
            return _whole(archive, f"{folder}data/{key}")

        with archive.open(entry) as pickled:
            return _Unpickler(_Budget(path.name), pickled, accepts, storage).load()


def _whole(archive: zipfile.ZipFile, name: str) -> bytearray:
    """The bytes of an entry, read into their place, so that they are never held twice."""
    data = bytearray(archive.getinfo(name).file_size)
    with archive.open(name) as file, memoryview(data) as view:
        for start in range(0, len(data), 2**20):
            part = view[start : start + 2**20]
            if file.readinto(part) < len(part):
                raise ValueError(f"{name} is cut short")
    return data


def _of_old_file(file: BinaryIO, path: Path, accepts: Callable[[str], bool]) -> Any:
    """Pickles one after the other: a magic number, a version, facts about the machine, the object, the storages'
    names; then of each storage its length and its bytes."""
    storages: dict[str, bytearray] = {}
    left, budget = path.stat().st_size, _Budget(path.name)

    def reserve(key: str, size: int) -> bytearray:
        nonlocal left
        left -= size
        if left < 0:
            raise ValueError("its storages claim more bytes than it has")
        return storages.setdefault(key, bytearray(size))

    magic, _, machine, found, names = (_Unpickler(budget, file, accepts, reserve).load() for _ in range(5))
    if type(magic) is not int or magic != _MAGIC:
        raise ValueError("it was not written by torch.save")
    if isinstance(machine, dict) and machine.get("little_endian") is False:
        raise CheckpointError(f"{path.name} was written on a machine of another byte order, which is not read here.")
    for key in names:
        if type(key) is not str or key not in storages:
            raise ValueError("it lists a storage that it does not have")
        file.read(8)  # its length, which the object has told
        data = storages.pop(key)
        if file.readinto(data) < len(data):
            raise ValueError(f"storage {key[:40]} is cut short")
    return found


_MAGIC = 0x1950A86A20F9469CFC6C


class _Budget:
    """What one file may still take. file: its name."""

    def __init__(self, file: str):
        self.file, self.steps, self.bytes, self.tensors = file, MAX_STEPS, MAX_PICKLED, MAX_TENSORS
        self._until = time.thread_time() + MAX_SECONDS

    def step(self, count: int = 1) -> None:
        """An instruction, or as much work as so many."""
        before, self.steps = self.steps, self.steps - count
        if self.steps < 0:
            self._refuse(f"makes more than {MAX_STEPS:,} objects")
        if before >> 14 != self.steps >> 14 and time.thread_time() > self._until:
            self._refuse(f"takes longer than {MAX_SECONDS:.0f} seconds")

    def take(self, size: int) -> None:
        """Bytes of the pickle."""
        self.bytes -= size
        if self.bytes < 0:
            self._refuse(f"claims more than {MAX_PICKLED >> 20} MB beside its tensors")

    def tensor(self) -> None:
        """A tensor or a storage."""
        self.tensors -= 1
        if self.tensors < 0:
            self._refuse(f"makes more than {MAX_TENSORS:,} tensors")

    def _refuse(self, why: str) -> None:
        raise CheckpointError(f"The pickle in {self.file} {why}, far more than a tokenizer needs, so it was refused.")


class _Metered:
    """A file of which only so much is read, whatever lengths stand in it."""

    def __init__(self, file: BinaryIO, budget: _Budget):
        self._file, self._budget = file, budget

    def read(self, size: int) -> bytes:
        self._budget.take(size)
        return self._file.read(size)

    def readline(self) -> bytes:
        line = self._file.readline(_LONGEST_NAME)
        self._budget.take(len(line))
        return line


_LONGEST_NAME = 1000
"""Bytes of a module's or a class's name."""


class _Instructions(dict):
    """Code of an instruction -> what it does; each that is looked up counts."""

    def __init__(self, known: dict[int, Callable], budget: _Budget):
        super().__init__(known)
        self._budget = budget

    def __getitem__(self, code: int) -> Callable:
        self._budget.step()
        return super().__getitem__(code)

    def __missing__(self, code: int) -> Callable:
        raise CheckpointError(
            f"The pickle in {self._budget.file} uses the instruction {code:#04x}, which no checkpoint needs; it was "
            "refused."
        )


# The unpickler written in Python: its memo is a dict, where the C one takes an index from the file as a size.
class _Unpickler(pickle._Unpickler):
    """storage_bytes: the bytes of a storage, from its name and size; they may be filled in later."""

    def __init__(
        self,
        budget: _Budget,
        pickled: BinaryIO,
        accepts: Callable[[str], bool],
        storage_bytes: Callable[[str, int], bytearray],
    ):
        super().__init__(_Metered(pickled, budget), encoding="utf-8", errors="replace")
        self._budget, self._accepts, self._storage_bytes = budget, accepts, storage_bytes
        self._storages: dict[str, Tensor] = {}
        self._found: dict[str, Any] = {}
        self.dispatch = _Instructions(_INSTRUCTIONS, budget)

    def find_class(self, module: str, name: str) -> Any:
        dotted = f"{module}.{name}"
        if dotted not in self._found:
            if len(self._found) >= MAX_CLASSES:
                raise CheckpointError(
                    f"The pickle in {self._budget.file} names more than {MAX_CLASSES:,} classes; it was refused."
                )
            self._found[dotted] = self._named(module, name, dotted)
        return self._found[dotted]

    def _named(self, module: str, name: str, dotted: str) -> Any:
        root = module.split(".")[0]
        if root == "torch" and name in _DTYPES:
            return _Storage(name)
        if module == "torch" and name in _NAMED:
            return _NAMED[name]
        if dotted in _KNOWN:
            return _Function(_KNOWN[dotted])
        if dotted.startswith("torch._utils._rebuild"):
            raise CheckpointError(
                f"{self._budget.file} holds tensors of a kind that is not read here ({dotted[:80]}). Ask its authors "
                "for one of plain tensors."
            )
        if dotted not in _EMPTY and not self._accepts(dotted):
            raise CheckpointError(
                f"{self._budget.file} is a pickle that asks for {dotted[:200]}, which could run code here, so it was "
                "refused and nothing in it was run. Ask its authors for a safetensors file, or for one of plain "
                "tensors."
            )
        return type(name, (Holder,), {})

    def persistent_load(self, id: Any) -> Any:
        """A storage as a flat tensor. Old files also mark the classes of modules so, with their source beside them."""
        if type(id) is not tuple or not 2 <= len(id) <= 6:
            raise ValueError("it names something outside in a way that torch does not")
        if id[0] == "module" and isinstance(id[1], type):
            return id[1]
        (kind, storage, key), count, view = id[:3], id[4] if len(id) > 4 else None, id[5:]
        plain = type(key) is str and all(part is None for part in view)
        if kind != "storage" or not isinstance(storage, _Storage) or not plain:
            raise CheckpointError(f"{self._budget.file} holds something that is not a tensor; it was refused.")
        if key not in self._storages:
            self._budget.tensor()
            dtype = _DTYPES[storage.name]
            size = _count(count) * dtype.itemsize
            data = self._storage_bytes(key, size)
            if len(data) < size:
                raise CheckpointError(f"{self._budget.file} is cut short: storage {key[:40]} has {len(data):,} bytes.")
            self._storages[key] = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
        return self._storages[key]

    # What follows replaces instructions that would run methods of what lies on the stack, copy it or hash it.

    def _build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, Holder) and isinstance(state, dict):
            target.__dict__ = state

    def _reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack[-1]
        if type(arguments) is not tuple or not isinstance(function, _Function | type):
            raise ValueError("it calls something that is no function")
        self._budget.step(len(arguments) + sum(len(one) for one in arguments if type(one) in (tuple, list)))
        if isinstance(function, _Function):
            self._budget.tensor()  # as most functions make one
            self.stack[-1] = function.run(*arguments)
        else:
            self.stack[-1] = function()

    def _new(self) -> None:
        self.stack.pop()
        self._instance()

    def _new_named(self) -> None:
        del self.stack[-2:]
        self._instance()

    def _instance(self) -> None:
        if not isinstance(self.stack[-1], type):
            raise ValueError("it makes an object of something that is no class")
        self.stack[-1] = self.stack[-1]()

    def _append(self) -> None:
        value = self.stack.pop()
        self._extend([value])

    def _appends(self) -> None:
        self._extend(self.pop_mark())

    def _extend(self, values: list) -> None:
        if type(self.stack[-1]) is list:  # of an object that is a list, too, only the attributes are kept
            self.stack[-1].extend(values)

    def _set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def _set_items(self) -> None:
        self._set(self.pop_mark())

    def _set(self, items: list) -> None:
        if type(self.stack[-1]) is dict:
            self.stack[-1].update((k, v) for k, v in zip(items[::2], items[1::2], strict=True) if type(k) is str)

    def _frozen_set(self) -> None:
        items = self.pop_mark()
        self.append(items)


class _Storage:
    """A storage type, by name."""

    def __init__(self, name: str):
        self.name = name


class _Function:
    """What a file gets for a function that it may call."""

    def __init__(self, run: Callable):
        self.run = run


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**48:
        raise ValueError("a tensor has a size that is no count")
    return value


def _tensor(storage: Tensor, offset: int, size: tuple, stride: tuple, *_) -> Tensor:
    """A view within the storage, of no more values than it holds."""
    if not isinstance(storage, Tensor) or type(size) not in (tuple, list) or type(stride) not in (tuple, list):
        raise ValueError("a tensor lacks its storage or its size")
    if len(size) > MAX_DIMENSIONS or len(size) != len(stride):
        raise ValueError(f"a tensor has {len(size):,} axes and {len(stride):,} strides")
    sizes, strides, last = tuple(map(_count, size)), tuple(map(_count, stride)), _count(offset)
    values = math.prod(sizes)
    last += sum((count - 1) * step for count, step in zip(sizes, strides, strict=True))
    if values > storage.numel() or (values and last >= storage.numel()):
        raise ValueError(f"a tensor claims {values:,} values, more than its part of the file holds")
    return torch.as_strided(storage, sizes, strides, offset)


def _newer_tensor(storage: Tensor, offset: int, size: tuple, stride: tuple, _, __, dtype: torch.dtype, *___) -> Tensor:
    """Of a type that has no storage of its own: the storage holds bytes."""
    if not isinstance(storage, Tensor) or not isinstance(dtype, torch.dtype):
        raise ValueError("a tensor lacks its storage or its type")
    whole = storage.numel() // dtype.itemsize * dtype.itemsize
    return _tensor(storage[:whole].view(dtype), offset, size, stride)


def _subclass_tensor(function: _Function, kind: Any, arguments: tuple, *_) -> Tensor:
    """Of a class that is derived from torch's: the tensor alone."""
    if type(arguments) is not tuple or getattr(function, "run", None) not in (_tensor, _newer_tensor):
        raise ValueError("a tensor is made by something that makes none")
    return function.run(*arguments[:8])


def _ordered(items: Any = (), *_) -> dict:
    """Its items are set one by one afterwards; Python 2 gave a list of pairs."""
    pairs = [pair for pair in items if type(pair) in (tuple, list)] if type(items) in (tuple, list) else []
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and type(pair[0]) is str}


# None copies a tensor that it is given: a short file could ask for that over and over.
_KNOWN = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _newer_tensor,
    "torch._tensor._rebuild_from_type_v2": _subclass_tensor,
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
    "torch._utils._rebuild_parameter_with_state": lambda tensor, *_: tensor,
    "torch.jit._pickle.restore_type_tag": lambda value, _: value,
    "torch.jit._pickle.build_intlist": lambda values: values,
    "torch.jit._pickle.build_doublelist": lambda values: values,
    "torch.jit._pickle.build_boollist": lambda values: values,
    "torch.jit._pickle.build_tensorlist": lambda values: values,
    "collections.OrderedDict": _ordered,
}
_PLAIN = ("set", "frozenset", "complex", "bytearray")
_EMPTY = {
    *(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in _PLAIN),
    *("collections.Counter", "torch.device", "torch.Size", "torch.serialization._get_layout"),
    *("torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer"),
}
"""Beside the classes that a caller accepts: Holders in every file."""

_SAME = (
    *(pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.POP, pickle.POP_MARK),
    *(pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1),
    *(pickle.BINFLOAT, pickle.BINUNICODE, pickle.SHORT_BINUNICODE, pickle.BINUNICODE8, pickle.BINSTRING),
    *(pickle.SHORT_BINSTRING, pickle.BINBYTES, pickle.SHORT_BINBYTES, pickle.BINBYTES8),
    *(pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3, pickle.EMPTY_LIST),
    *(pickle.EMPTY_DICT, pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.BINPERSID, pickle.BINGET, pickle.LONG_BINGET),
    *(pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE),
)
"""Instructions of pickle's protocols 2 to 5 that run as they are: each does as much work as it has bytes."""
_INSTRUCTIONS = {code[0]: pickle._Unpickler.dispatch[code[0]] for code in _SAME} | {
    pickle.EMPTY_SET[0]: pickle._Unpickler.dispatch[pickle.EMPTY_LIST[0]],  # a list, for which nothing is hashed
    pickle.ADDITEMS[0]: _Unpickler._appends,
    pickle.FROZENSET[0]: _Unpickler._frozen_set,
    pickle.APPEND[0]: _Unpickler._append,
    pickle.APPENDS[0]: _Unpickler._appends,
    pickle.SETITEM[0]: _Unpickler._set_item,
    pickle.SETITEMS[0]: _Unpickler._set_items,
    pickle.BUILD[0]: _Unpickler._build,
    pickle.REDUCE[0]: _Unpickler._reduce,
    pickle.NEWOBJ[0]: _Unpickler._new,
    pickle.NEWOBJ_EX[0]: _Unpickler._new_named,
}


def tensors_of_module(holder: Any, prefix: str = "") -> dict[str, Tensor]:
    """The state dict of a pickled torch.nn.Module or of a TorchScript module, with dotted names."""
    found: dict[str, Tensor] = {}
    left, looked = [(holder, prefix, 0)], 0
    while left:
        module, before, depth = left.pop()
        looked += 1
        if depth > MAX_DEPTH or looked > MAX_TENSORS:
            raise CheckpointError("This file holds modules within modules without an end; it was refused.")
        attributes = vars(module)
        # A module keeps its parts in three dicts of its own, a script module in its attributes.
        parts = [attributes.get(name) for name in ("_parameters", "_buffers", "_modules")]
        parts = [part for part in parts if isinstance(part, dict)] or [attributes]
        for name, value in (item for part in parts for item in part.items()):
            if isinstance(value, Tensor):
                found[f"{before}{name}"] = value
            elif isinstance(value, Holder):
                left.append((value, f"{before}{name}.", depth + 1))
    return found
