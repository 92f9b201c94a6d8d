"""Our own source, as the Guide quotes it: read off the running code, so that it can't drift from it."""

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from explorer.quantizers.base import straight_through, straight_through_by_hook
from explorer.quantizers.finite_scalar import bound_atanh
from explorer.quantizers.gumbel import GumbelQuantizer
from explorer.quantizers.residual import ResidualQuantizer
from explorer.quantizers.vector import VectorQuantizer, nearest_with_losses

ROOT = Path(__file__).parents[2]

QUOTED: dict[str, tuple[Callable, str]] = {
    "lookup": (nearest_with_losses, "indices = nearest("),
    "detach": (straight_through, "return"),
    "hook": (straight_through_by_hook, "z.backward("),
    "start": (VectorQuantizer.__init__, "uniform_("),
    "losses": (nearest_with_losses, "F.mse_loss("),
    "gumbel": (GumbelQuantizer.forward, "F.gumbel_softmax("),
    "fsq": (bound_atanh, "tanh_()"),
    "levels": (ResidualQuantizer.forward, "rest = rest -"),
}
"""Name -> a function, and what stands in the lines of it that matter."""


@dataclass(frozen=True)
class Listing:
    """Lines of a function, the number of the first in its file, and which of them matter (from 0)."""

    file: str
    first: int
    lines: tuple[str, ...]
    marked: tuple[int, ...]


def listing(name: str) -> Listing:
    """The function quoted under a name of QUOTED."""
    function, mark = QUOTED[name]
    source, first = inspect.getsourcelines(function)
    lines = textwrap.dedent("".join(source)).splitlines()
    marked = tuple(i for i, line in enumerate(lines) if mark in line)
    return Listing(Path(inspect.getsourcefile(function)).relative_to(ROOT).as_posix(), first, tuple(lines), marked)
