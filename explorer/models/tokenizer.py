"""A trained network as a Tokenizer: numpy in, numpy out, nothing remembered between calls."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from explorer.core.codes import Codes
from explorer.core.errors import CodesError
from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import Encoding, Ranking
from explorer.models.autoencoder import Autoencoder
from explorer.models.checkpoint import load_model
from explorer.models.config import read_config, spec_of
from explorer.models.continuous import LATENTS, ContinuousAutoencoder

CUDA_PIXELS = 2**22
"""Pixels sent through the network at once on a GPU. On a CPU pictures go one by one: it is as fast, and
what a picture becomes then does not depend, in the last bit, on the company it is in."""


class NetworkInference:
    """A network in eval mode on a device, with what every kind of model needs: batches in, pictures out."""

    def __init__(self, spec: TokenizerSpec, model: Autoencoder, device: torch.device):
        self.spec, self.device = spec, device
        # TF32 convolutions would change codes. The setting is the process's: changed around each call, one thread
        # would change it under another.
        torch.backends.cudnn.allow_tf32 = False
        self._model = model.to(device).eval()
        for parameter in model.parameters():  # those of a film's convolutions, with five axes, have no such format
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)

    def _batches(self, images: np.ndarray) -> Iterator[tuple[slice, Tensor]]:
        """Parts of images (B, H, W, 3) as (which, (b, 3, H, W) on the device)."""
        self.spec.check_images(images)
        for part in self._parts(len(images), images.shape[1] * images.shape[2]):
            batch = _tensor(images[part]).to(self.device).permute(0, 3, 1, 2)
            yield part, batch.contiguous(memory_format=torch.channels_last)

    def _pictures(self, count: int, pixels: int, vectors: Callable[[slice], dict[str, Tensor]]) -> np.ndarray:
        """(B, H, W, 3) in [0, 1] of what `vectors` gives for each part of B pictures of so many pixels."""
        parts = []
        for part in self._parts(count, pixels):
            decoded = self._model.decode(vectors(part)).float().clamp(0, 1)
            parts.append(decoded.permute(0, 2, 3, 1).contiguous().cpu().numpy())
        return np.concatenate(parts)

    def _parts(self, count: int, pixels_each: int) -> Iterator[slice]:
        step = max(1, CUDA_PIXELS // pixels_each) if self.device.type == "cuda" else 1
        for start in range(0, count, step):
            yield slice(start, min(start + step, count))


class NetworkTokenizer(NetworkInference):
    """Implements Tokenizer and every protocol of core.tokenizer but EncodesLatents and DecodesWindow.

    The network is an Autoencoder, or has its `quantizers`, `encode`, `decode` and `counters`.
    """

    def encode(self, images: np.ndarray) -> Encoding:
        return self._encoded(images, None)

    def reencode(self, images: np.ndarray, given: Codes) -> Codes:
        for level in given:
            self.spec.level(level)
        return self._encoded(images, given).codes

    def decode(self, codes: Codes) -> np.ndarray:
        return self.decode_levels(codes, list(self._model.quantizers))

    def decode_levels(self, codes: Codes, levels: Sequence[str]) -> np.ndarray:
        self.spec.check_codes(codes)
        if not levels:
            raise CodesError("Name at least one level to decode.")
        for level in levels:
            self.spec.level(level)
        return self._decoded({level: codes[level] for level in levels}, self._vectors)

    def decode_latents(self, latents: Mapping[str, np.ndarray]) -> np.ndarray:
        given = {
            level.name: latents[level.name].astype(np.float32) for level in self.spec.levels if level.name in latents
        }
        return self._decoded(given, lambda level, part: _tensor(part).to(self.device))

    def vectors(self, codebook: str, indices: np.ndarray) -> np.ndarray:
        book = next((book for book in self.spec.codebooks if book.name == codebook), None)
        if book is None:
            names = ", ".join(repr(book.name) for book in self.spec.codebooks)
            raise CodesError(f"{self.spec.id} has no codebook {codebook!r}; it has {names}.")
        indices = np.asarray(indices)
        whole = indices.dtype.kind in "iu"
        if indices.size and not (whole and indices.min() >= 0 and indices.max() < book.size):
            raise CodesError(f"Codes of {self.spec.id} are whole numbers between 0 and {book.size - 1:,}.")
        level = next(level.name for level in self.spec.levels if level.codebook == codebook)
        with torch.inference_mode():
            return self._vectors(level, indices).cpu().numpy()

    def rank(self, level: str, latents: np.ndarray, k: int) -> Ranking:
        self.spec.level(level)
        with torch.inference_mode():
            indices, scores = self._model.quantizers[level].rank(_tensor(latents).to(self.device), k)
        return Ranking(indices.cpu().numpy().astype(np.int32), scores.cpu().numpy())

    def comparable(self, level: str, latents: np.ndarray) -> np.ndarray:
        if self.spec.codebook(level).metric == "logit":
            raise CodesError(
                f"The encoder of {self.spec.id} gives a logit for every code, no point among the code vectors. "
                "Use rank for its probabilities."
            )
        with torch.inference_mode():
            return self._model.quantizers[level].comparable(_tensor(latents).to(self.device)).cpu().numpy()

    def counters(self, level: str) -> dict[str, np.ndarray]:
        self.spec.level(level)
        return {what: counts.double().cpu().numpy() for what, counts in self._model.counters(level).items()}

    def _encoded(self, images: np.ndarray, given: Codes | None) -> Encoding:
        levels = list(self._model.quantizers)
        indices, latents = {level: [] for level in levels}, {level: [] for level in levels}
        with torch.inference_mode():
            for part, batch in self._batches(images):
                kept = {level: self._indices(given[level][part]) for level in given} if given else None
                for level, (z, chosen) in self._model.encode(batch, kept).items():
                    indices[level].append(chosen.cpu().numpy())
                    latents[level].append(z.float().cpu().numpy())
        return Encoding(
            Codes({level: np.concatenate(parts) for level, parts in indices.items()}),
            {level: np.concatenate(parts) for level, parts in latents.items()},
        )

    def _decoded(self, grids: Mapping[str, np.ndarray], to_vectors: Callable[[str, np.ndarray], Tensor]) -> np.ndarray:
        """Pictures of grids (B, h, w, ...) per level."""
        level, grid = next(iter(grids.items()))
        height, width = self.spec.picture_size(level, grid.shape[1:])
        with torch.inference_mode():
            return self._pictures(
                len(grid),
                height * width,
                lambda part: {name: to_vectors(name, grid[part]) for name, grid in grids.items()},
            )

    def _vectors(self, level: str, indices: np.ndarray) -> Tensor:
        return self._model.quantizers[level].vectors(self._indices(indices))

    def _indices(self, indices: np.ndarray) -> Tensor:
        return _tensor(indices.astype(np.int64)).to(self.device)


class LocalTokenizer(NetworkTokenizer):
    """Of a strictly local network: a code changes nothing beyond its level's reach. Implements DecodesWindow too."""

    def decode_window(self, codes: Codes, rows: slice, columns: slice) -> np.ndarray:
        self.spec.check_codes(codes)
        stride, (height, width) = self.spec.levels[-1].stride, self.spec.image_size(codes)
        (top, bottom), (left, right) = self._pixels(rows, height, stride), self._pixels(columns, width, stride)
        # What lies within reach is decoded along: it is what the window's pixels depend on.
        (above, below), (before, behind) = self._around(top, bottom, height), self._around(left, right, width)
        part = Codes(
            {
                level.name: codes[level.name][
                    :, above // level.stride : below // level.stride, before // level.stride : behind // level.stride
                ]
                for level in self.spec.levels
            }
        )
        return self.decode(part)[:, top - above : bottom - above, left - before : right - before]

    def _pixels(self, cells: slice, length: int, stride: int) -> tuple[int, int]:
        start, stop, _ = cells.indices(length // stride)
        return start * stride, stop * stride

    def _around(self, start: int, stop: int, length: int) -> tuple[int, int]:
        """The window with its surroundings in pixels, on the coarsest grid."""
        reach, multiple = max(level.reach for level in self.spec.levels), self.spec.multiple
        return max(0, (start - reach) // multiple * multiple), min(length, -(-(stop + reach) // multiple) * multiple)


class ContinuousModel(NetworkInference):
    """A model without codes. Implements EncodesLatents and DecodesLatents on the one level "latents"."""

    def latents(self, images: np.ndarray) -> dict[str, np.ndarray]:
        with torch.inference_mode():
            parts = [self._model.latents(batch).float().cpu().numpy() for _, batch in self._batches(images)]
        return {LATENTS: np.concatenate(parts)}

    def decode_latents(self, latents: Mapping[str, np.ndarray]) -> np.ndarray:
        grid = latents[LATENTS].astype(np.float32)
        pixels = grid.shape[1] * grid.shape[2] * self.spec.multiple**2
        with torch.inference_mode():
            return self._pictures(len(grid), pixels, lambda part: {LATENTS: _tensor(grid[part]).to(self.device)})


def load_tokenizer(folder: Path, device: str = "cpu") -> LocalTokenizer | ContinuousModel:
    """The tokenizer, or the model without codes, of a checkpoint folder, on a device."""
    config = read_config(folder)
    model = load_model(folder, config)
    kind = ContinuousModel if isinstance(model, ContinuousAutoencoder) else LocalTokenizer
    return kind(spec_of(config), model, torch.device(device))


def _tensor(array: np.ndarray) -> Tensor:
    """An array as torch takes it; flipped and read-only ones are copied."""
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))
