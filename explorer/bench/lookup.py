"""Quantizing alone: nearest codes and FSQ against vector-quantize-pytorch and plain torch."""

import subprocess
import sys
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from explorer.bench.measure import Row, alternate
from explorer.bench.servers import ROOT
from explorer.quantizers import FiniteScalarQuantizer, VectorQuantizer
from explorer.quantizers.nearest import nearest

try:
    import vector_quantize_pytorch as package
    from vector_quantize_pytorch.vector_quantize_pytorch import cdist as package_cdist
except ImportError:
    raise SystemExit(
        "The lookup section compares with vector-quantize-pytorch. Install it: pip install -r tests/requirements.txt"
    ) from None

DIM = 32
TOKENS = 16_384
SIZES = (1_024, 16_384)
LARGEST, LARGEST_TOKENS, PEER_CHUNK = 262_144, 4_096, 1_024
FSQ_TOKENS = 262_144
FSQ_LEVELS = ((8, 5, 5, 5), (8, 8, 8, 6, 5))
FASTER = 1.0
MEMORY_AIM = 1 / 16

MEMORY_PROGRAM = f"""
import pathlib, resource, sys
import torch
from explorer.quantizers.nearest import nearest

def peak():
    status = pathlib.Path("/proc/self/status")
    if status.exists():  # ru_maxrss would start from the peak of the process that started this one
        return next(int(line.split()[1]) * 1024 for line in status.open() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

z, codebook = torch.randn({LARGEST_TOKENS}, {DIM}), torch.randn({LARGEST}, {DIM})
nearest(z[:8], codebook[:200])
ballast = torch.ones(2**27)  # lifts what is in use above what importing needed for a moment
before = peak()
nearest(z, codebook)
print(peak() - before)
"""


@torch.inference_mode()
def rows() -> list[Row]:
    torch.manual_seed(0)
    searches = [row for size in SIZES for row in _search(size)]
    return [*searches, _forward(), *_largest(), *(_fsq(levels) for levels in FSQ_LEVELS)]


def _search(size: int) -> list[Row]:
    """The search alone. The package's: its cdist (a root of the expanded square), negated, and the argmax of that."""
    z, codebook = torch.randn(TOKENS, DIM), torch.randn(size, DIM)
    _same(nearest(z, codebook), _plain(z, codebook))
    ours, package_time, plain = alternate(
        lambda: nearest(z, codebook),
        lambda: (-package_cdist(z[None], codebook[None])).argmax(-1),
        lambda: _plain(z, codebook),
    )
    what = f"nearest of {size:,} codes, {TOKENS:,} tokens"
    return [
        Row(what, ours, "vector-quantize-pytorch cdist + argmax", package_time, FASTER),
        Row(what, ours, "torch.cdist + argmin", plain, FASTER),
    ]


def _forward() -> Row:
    """The whole quantizer in eval mode, whose search the package follows with one-hot vectors."""
    size = SIZES[0]
    z = torch.randn(1, TOKENS, DIM)
    ours = VectorQuantizer(size, DIM).eval()
    theirs = package.VectorQuantize(DIM, size).eval()
    times = alternate(lambda: ours(z), lambda: theirs(z))
    return Row(f"VQ forward, {size:,} codes, {TOKENS:,} tokens", times[0], "VectorQuantize", times[1], FASTER)


def _largest() -> list[Row]:
    z, codebook = torch.randn(LARGEST_TOKENS, DIM), torch.randn(LARGEST, DIM)
    times = alternate(
        lambda: nearest(z, codebook),
        lambda: torch.cat([_plain(part, codebook) for part in z.split(PEER_CHUNK)]),
    )
    what = f"nearest of {LARGEST:,} codes, {LARGEST_TOKENS:,} tokens"
    command = [sys.executable, "-c", MEMORY_PROGRAM]
    extra = int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    return [
        Row(what, times[0], f"torch.cdist + argmin by {PEER_CHUNK:,}", times[1], FASTER),
        Row(f"{what}: extra memory", extra, "all distances", 4 * LARGEST * LARGEST_TOKENS, MEMORY_AIM, "B"),
    ]


def _fsq(levels: Sequence[int]) -> Row:
    z = 2 * torch.randn(1, FSQ_TOKENS, len(levels))
    ours: Callable = FiniteScalarQuantizer(levels).eval()
    theirs: Callable = package.FSQ(list(levels)).eval()
    _same(ours(z).indices, theirs(z)[1])
    times = alternate(lambda: ours(z), lambda: theirs(z))
    name = " x ".join(map(str, levels))
    return Row(f"FSQ {name}, {FSQ_TOKENS:,} tokens", times[0], "vector-quantize-pytorch FSQ", times[1], FASTER)


def _plain(z: Tensor, codebook: Tensor) -> Tensor:
    return torch.cdist(z, codebook).argmin(1)


def _same(ours: Tensor, theirs: Tensor) -> None:
    """Speed counts only where both found the same codes; float32 may tie a few the other way."""
    different = int((ours != theirs).sum())
    if different > ours.numel() // 1000:
        raise RuntimeError(
            f"{different:,} of {ours.numel():,} codes differ from the peer's: not a comparison of speed."
        )
