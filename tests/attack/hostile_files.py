"""Files that a careful stranger would send: each is small, and asks for far more than its size."""

import io
import json
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np

START, STOP = b"\x80\x04", b"."
STORAGE = b"ctorch\nFloatStorage\n"
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"
KEPT = b"clightning.made\nUp\n"
"""A class that is skipped, as those of training programs are."""


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    """An integer of any size."""
    data = pickle.encode_long(value)
    return b"\x8b" + struct.pack("<i", len(data)) + data if len(data) > 255 else b"\x8a" + bytes([len(data)]) + data


def storage(key: str = "0", count: int = 1) -> bytes:
    """A persistent id of a storage, and what gives it."""
    return b"(" + text("storage") + STORAGE + text(key) + text("cpu") + number(count) + b"tQ"


def tensor(size: bytes, stride: bytes, offset: int = 0, count: int = 1) -> bytes:
    """A state dict of one tensor; size and stride: instructions that make a tuple."""
    made = REBUILD + b"(" + storage(count=count) + number(offset) + size + stride + b"\x89}tR"
    return b"}" + text("a") + made + b"s"


def tuple_of(*values: int) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def doubled(times: int) -> bytes:
    """A tuple that holds itself 2**times times."""
    return b")" + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(times))


MILLION = 10**6
PICKLES: dict[str, bytes] = {
    "twenty million lists": b"]" * 20 * MILLION,
    "ten million memo entries": b"]" + b"\x94" * 10 * MILLION,
    "ten million marks": b"(" * 10 * MILLION,
    "many tuples within each other as a key": b"})" + b"\x85" * 300_000 + b"Ns",
    "a key that holds itself very often": b"}" + doubled(60) + b"Ns",
    "a set of what holds itself very often": b"\x8f(" + doubled(60) + b"\x90",
    "an outside name that holds itself very often": b"(" + doubled(60) + text("x") * 4 + b"tQ",
    "a dict of many entries as the state of many objects": KEPT
    + b"q\x00}q\x01("
    + b"".join(text(str(i)) + b"N" for i in range(20_000))
    + b"u"
    + b"h\x00)\x81h\x01b" * 100_000,
    "many arguments for many calls": KEPT + b"q\x00(" + b"N" * 300_000 + b"tq\x01" + b"h\x00h\x01R" * 300_000,
    "keys of one hash": b"}(" + b"".join(number(i * (2**61 - 1)) + b"N" for i in range(100_000)) + b"u",
    "memo entries of one hash": b"]" + b"".join(b"p%d\n" % (i * (2**61 - 1)) for i in range(100_000)),
    "an array that claims two gigabytes": b"\x96" + struct.pack("<Q", 2**31),
    "a text that claims a terabyte": b"\x8d" + struct.pack("<Q", 2**40),
    "bytes that claim a terabyte": b"\x8e" + struct.pack("<Q", 2**40),
    "a frame that claims a terabyte": b"\x95" + struct.pack("<Q", 2**40),
    "sixty megabytes of text": text("é" * MILLION) * 30,
    "one class named a million times": (KEPT + b"0") * MILLION + b"N",
    "three hundred thousand classes": b"".join(b"clightning.made\nUp%d\n" % i for i in range(300_000)),
    "numbers of a million digits": tensor(b"(" + number(2 ** (8 * 400_000) - 1) * 16 + b"t", tuple_of(*[1] * 16)),
    "a tensor of a terabyte from four bytes": tensor(tuple_of(2**38), tuple_of(0)),
    "a tensor of strides beyond its storage": tensor(tuple_of(2, 2), tuple_of(2**40, 1), count=4),
    "a tensor behind its storage": tensor(tuple_of(1), tuple_of(1), offset=2**40),
    "a tensor of negative sizes": tensor(tuple_of(-1, -1), tuple_of(1, 1)),
    "a tensor of sizes whose product wraps": tensor(tuple_of(2**32, 2**32, 4), tuple_of(1, 1, 1)),
    "a tensor of a hundred thousand axes": tensor(b"(" + b"K\x01" * 100_000 + b"t", b"(" + b"K\x01" * 100_000 + b"t"),
    "a storage that claims an exabyte": tensor(tuple_of(1), tuple_of(1), count=2**58),
    "a storage of a negative length": tensor(tuple_of(1), tuple_of(1), count=-1),
    "a tensor whose state makes it a terabyte": b"}"
    + text("a")
    + REBUILD
    + b"("
    + storage(count=0)
    + number(0)
    + tuple_of(0)
    + tuple_of(1)
    + b"\x89}tRq\x00(h\x00"
    + number(0)
    + tuple_of(2**38)
    + tuple_of(1)
    + b"tbs",
    "half a million tensors of one storage": REBUILD
    + b"q\x00("
    + storage()
    + number(0)
    + tuple_of(1)
    + tuple_of(1)
    + b"\x89}tq\x01"
    + b"h\x00h\x01R" * 500_000,
}
"""Name -> instructions between the start and the stop of a pickle."""
FLOODS = {
    *("twenty million lists", "ten million memo entries", "ten million marks", "half a million tensors of one storage"),
    *("many arguments for many calls", "a dict of many entries as the state of many objects"),
    "one class named a million times",
}
"""Those that take seconds each: only the first few are in the fast part."""


def archive(path: Path, data: bytes, storages: bytes = bytes(64)) -> Path:
    """A zip file as torch.save writes it, with any pickle inside and one storage."""
    with zipfile.ZipFile(path, "w") as file:
        for entry, content in {"data.pkl": data, "byteorder": b"little", "version": b"3\n", "data/0": storages}.items():
            file.writestr(f"weights/{entry}", content)
    return path


def _crowded(path: Path, count: int = 400_000) -> None:
    """A zip file of very many empty entries."""
    head = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0) + b"a"
    listed = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    directory = listed * count
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 65535, 65535, len(directory), len(head), 0)
    path.write_bytes(head + directory + end)


def _packed(path: Path) -> None:
    """Two hundred megabytes of zeros in two hundred kilobytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("weights/data.pkl", "w") as inside:
        for _ in range(200):
            inside.write(bytes(10**6))


def _shared_bytes(path: Path) -> None:
    """A thousand storages at the place of one."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("weights/data.pkl", START + b"}" + STOP)
        file.writestr("weights/data/0", bytes(MILLION))
        for key in range(1, 1000):
            entry = zipfile.ZipInfo(f"weights/data/{key}")
            entry.file_size, entry.compress_size, entry.CRC = MILLION, MILLION, 0
            entry.header_offset = file.getinfo("weights/data/0").header_offset
            file.filelist.append(entry)


def _inflated(path: Path) -> None:
    """A stored entry whose length is said to be a terabyte."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("weights/data.pkl", START + b"}" + STOP)
        file.writestr("weights/data/0", bytes(4))
        file.getinfo("weights/data/0").file_size = 2**40


def _two_of_one_name(path: Path) -> None:
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "w") as file:
        for data in (START + b"}" + STOP, START + b"]" + STOP):
            file.writestr("weights/data.pkl", data)


def _header(path: Path, header: bytes, claimed: int | None = None) -> None:
    path.write_bytes(struct.pack("<Q", len(header) if claimed is None else claimed) + header)


def _tensors(count: int) -> bytes:
    one = '"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    return ("{" + ",".join(one % i for i in range(count)) + "}").encode()


def _old(names: bytes) -> Callable[[Path], None]:
    """A file as torch.save wrote it before 2020, with any list of storages' names."""
    parts = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    return lambda path: path.write_bytes(b"".join(parts) + START + b"}." + START + names + STOP)


CONTAINERS: dict[str, Callable[[Path], object]] = {
    "a zip file of very many entries": _crowded,
    "a packed pickle of two hundred megabytes": _packed,
    "storages that share their bytes": _shared_bytes,
    "a stored entry of a terabyte": _inflated,
    "two pickles of one name": _two_of_one_name,
    "a list of tensors that claims four exabytes": lambda path: _header(path, b"{", 2**62),
    "a list of tensors nested very deep": lambda path: _header(path, b'{"a":' + b"[" * 10**5),
    "a list of a million tensors": lambda path: _header(path, _tensors(MILLION)),
    "a list of tensors with a huge shape": lambda path: _header(
        path, b'{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,0]}}'
    ),
    "a list of tensors that is no JSON": lambda path: _header(path, b'{"a":' + bytes(100)),
    "an old file whose storages have no names": _old(b"](" + doubled(60) + b"e"),
    "an old file whose storages are no list": _old(b"N"),
}


def zipped(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Writes hostile pickles as torch.save does today: name -> file."""
    return {name: archive(folder / f"{i}.pt", START + PICKLES[name] + STOP) for i, name in enumerate(names)}


def old(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Writes hostile pickles as torch.save did before 2020: name -> file."""
    made = {name: folder / f"old{i}.pt" for i, name in enumerate(names)}
    for name, path in made.items():
        path.write_bytes(START + PICKLES[name] + STOP)
    return made


def containers(folder: Path) -> dict[str, Path]:
    """Writes hostile zip and safetensors files: name -> file."""
    made = {name: folder / f"container{i}.pt" for i, name in enumerate(CONTAINERS)}
    for name, path in made.items():
        CONTAINERS[name](path)
    return made


def _level(codes: str) -> bytes:
    return b'{"levels":{"codes":{"codes":' + codes.encode() + b"}}}"


def _npy(shape: str, dtype: str = "<i4", data: bytes = b"") -> bytes:
    head = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head) + 1) + head + b"\n" + data


def _npz(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries.items():
            file.writestr(f"{name}.npy", data)
    return buffer.getvalue()


@cache
def codes() -> dict[str, bytes]:
    """Name -> the bytes of a hostile file of codes."""
    pickled = io.BytesIO()
    np.save(pickled, np.array([[[print]]], dtype=object), allow_pickle=True)
    return {
        "lists within each other": b"[" * 10**5,
        "objects within each other": b'{"a":' * 10**5,
        "a shared page of lists within each other": b'{"codebook_explorer_page": 1, "codes": ' + b"[" * 10**5,
        "a grid of lists within each other": b'{"levels":{"codes":{"codes":[[1]],"grid":'
        + b"[" * 800
        + b"]" * 800
        + b"}}}",
        "seven million lists": _level("[" + "[]," * 6_900_000 + "[]]"),
        "six million objects": _level("[" + "{}," * 6_500_000 + "{}]"),
        "a number of four thousand digits": _level(f"[[{'9' * 4000}]]"),
        "a number of a million digits": _level(f"[[{'9' * MILLION}]]"),
        "not a number": _level("[[NaN]]"),
        "a number beyond floats": _level("[[1e999]]"),
        "one key twice": b'{"levels":{"codes":[[1]]},"levels":{"codes":[[2]]}}',
        "half a character": b'{"levels":{"\\ud800":{"codes":[[1]]}}}',
        "an array that claims eight gigabytes": _npz(codes=_npy("(1, 65536, 32768)", data=bytes(64))),
        "an array of a trillion empty texts": _npz(codes=_npy("(1, 1000000, 1000000)", "<U0")),
        "an array that unpacks to far more than codes take": _npz(codes=_npy("(1, 4096, 4096)", data=bytes(2**26))),
        "an array whose head is code": _npz(codes=_npy("(" * 5000)),
        "objects": _npz(codes=pickled.getvalue()),
        "two hundred thousand arrays": _crowded_npz(),
        "a record of lists within each other": _npz(
            codes=_npy("(1, 1, 1)", data=bytes(4)),
            about=_npy("()", "<U100000", ("[" * 10**5).encode("utf-32-le")),
        ),
    }


def _crowded_npz() -> bytes:
    buffer = io.BytesIO()
    listed = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    buffer.write(listed * 200_000)
    buffer.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 65535, 65535, len(listed) * 200_000, 0, 0))
    return buffer.getvalue()


CONFIGS: dict[str, bytes] = {
    "lists within each other": b"[" * 10**5,
    "objects within each other": b'{"a":' * 10**5,
    "lists within each other that end": b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
    "three hundred thousand lists": b"[" + b"[]," * 300_000 + b"[]]",
    "two megabytes of text": json.dumps({"a": "x" * 2 * MILLION}).encode(),
    "not a number": b'{"a": NaN}',
    "a number of many digits": b'{"a": ' + b"9" * 5000 + b"}",
    "one key twice": b'{"a": 1, "a": 2}',
    "half a character": b'{"a": "\\udfff"}',
    "not UTF-8": b'{"a": "\xff"}',
    "nothing": b"",
}
"""Name -> a hostile config.json. Each is no config; a megabyte at most is read."""
