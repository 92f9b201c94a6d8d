"""What an adapter builds: a published network with the interface that explorer.models.tokenizer drives."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn

from explorer.adapters.files import StateDict
from explorer.core.errors import CheckpointError
from explorer.core.spec import Codebook, Level
from explorer.quantizers import Quantizer

CODES = "codes"
"""Name of the level, and of the codebook, of a network that has one."""


class PublishedNetwork(nn.Module):
    """Pictures (B, 3, H, W) in [0, 1] to codes per level and back, by weights that somebody published.

    levels, codebooks, multiple, side: as in a TokenizerSpec. Each network maps pictures to the range it was
    trained in and back.
    """

    levels: tuple[Level, ...]
    codebooks: tuple[Codebook, ...]
    multiple: int
    side: int | None = None
    tallies: Mapping[str, Mapping[str, Tensor]] = MappingProxyType({})
    """Level -> what was counted in training, in words -> (K,), one number per code."""

    @property
    def quantizers(self) -> dict[str, Quantizer]:
        """Level name -> its quantizer, in decode order."""
        raise NotImplementedError

    def encode(self, images: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, tuple[Tensor, Tensor]]:
        """Level -> (latents (B, ..., latent_dim), indices (B, ...)); levels in `given` keep those indices."""
        raise NotImplementedError

    def decode(self, vectors: Mapping[str, Tensor]) -> Tensor:
        """Pictures (B, 3, H, W), not clipped, of code vectors (B, ..., D) per level; some levels may be missing."""
        raise NotImplementedError

    def counters(self, level: str) -> Mapping[str, Tensor]:
        return self.tallies.get(level, {})


class OneLevelNetwork(PublishedNetwork):
    """A network with one codebook and one map, or row, of codes; a family gives `latents` and `pictures`.

    metric, radices, variant: of the codebook, as in spec.Codebook. stride, reach: of the map, as in spec.Level;
    without one, `length` tokens and the one `side` of pictures that the network takes.
    """

    def __init__(
        self,
        quantizer: Quantizer,
        metric: str,
        *,
        radices: tuple[int, ...] = (),
        variant: str = "",
        stride: int | None = None,
        reach: int | None = None,
        length: int | None = None,
        side: int | None = None,
    ):
        super().__init__()
        self.quantizer = quantizer
        self.codebooks = (Codebook(CODES, quantizer.size, quantizer.dim, metric, radices, variant),)
        self.levels = (Level(CODES, CODES, stride, length, reach),)
        self.multiple, self.side = stride or side, side

    @property
    def quantizers(self) -> dict[str, Quantizer]:
        return {CODES: self.quantizer}

    def encode(self, images: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, tuple[Tensor, Tensor]]:
        z = self.latents(images)
        return {CODES: (z.float(), given[CODES] if given else self.quantizer(z).indices)}

    def decode(self, vectors: Mapping[str, Tensor]) -> Tensor:
        return self.pictures(vectors[CODES])

    def latents(self, images: Tensor) -> Tensor:
        """Channel-last latents (B, h, w, latent_dim) or (B, n, latent_dim) of pictures."""
        raise NotImplementedError

    def pictures(self, vectors: Tensor) -> Tensor:
        """Pictures, not clipped, of channel-last code vectors."""
        raise NotImplementedError


def fill(module: nn.Module, tensors: StateDict, published: Callable[[str], str] = str, ignored: tuple = ()) -> None:
    """Give a module built on the meta device its tensors; every key and shape is checked.

    published: the file's name of the module's tensor of a name. ignored: beginnings of the names of tensors
    in the file that nothing needs. A 1x1 convolution may stand for a linear layer.
    """
    state, problems = {}, []
    for name, wanted in module.state_dict().items():
        source = published(name)
        tensor = tensors.get(source)
        if tensor is None:
            problems.append(f"{source} is missing")
        elif tensor.shape != wanted.shape and tuple(tensor.shape) != (*wanted.shape, 1, 1):
            problems.append(
                f"{tensors.published(source)} has shape {tuple(tensor.shape)}, expected {tuple(wanted.shape)}"
            )
        else:
            state[name] = tensor.reshape(wanted.shape)
    known = {published(name) for name in module.state_dict()}
    problems += [
        f"{tensors.published(name)} is not known"
        for name in tensors
        if name not in known and not name.startswith(ignored)
    ]
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise CheckpointError(f"{tensors.file} does not fit: {'; '.join(problems[:3])}{more}.")
    module.load_state_dict(state, assign=True)


def on_meta() -> torch.device:
    """A context in which modules are built without memory and without drawing random numbers."""
    return torch.device("meta")


def counted(tensors: Mapping[str, Tensor], pattern: str, start: int = 0) -> int:
    """How many numbers there are, counted from `start`, with a tensor whose name starts with pattern.format(number)."""
    number = start
    while any(name.startswith(pattern.format(number)) for name in tensors):
        number += 1
    return number - start


def to_signed(images: Tensor) -> Tensor:
    """[0, 1] to [-1, 1]."""
    return images * 2 - 1


def to_unit(pictures: Tensor) -> Tensor:
    """[-1, 1] to [0, 1]."""
    return (pictures + 1) / 2
