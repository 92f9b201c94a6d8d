"""A trained network as a Tokenizer: numpy in, numpy out, nothing remembered between calls."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from explorer.core.codes import Codes
from explorer.core.errors import CodesError
from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import Encoding, Ranking
from explorer.models.autoencoder import QuantizedAutoencoder
from explorer.models.checkpoint import load_model
from explorer.models.config import STRIDE, read_config, spec_of

LEVEL = "codes"
CUDA_PIXELS = 2**22
"""Pixels sent through the network at once on a GPU. On a CPU pictures go one by one: it is as fast, and
what a picture becomes then does not depend, in the last bit, on the company it is in."""


class AutoencoderTokenizer:
    """One level of codes at stride 8. Implements Tokenizer, RanksCodes, DecodesLatents and DecodesWindow."""

    def __init__(self, spec: TokenizerSpec, model: QuantizedAutoencoder, device: torch.device):
        self.spec, self.device = spec, device
        self._model = model.to(device, memory_format=torch.channels_last).eval()

    def encode(self, images: np.ndarray) -> Encoding:
        self.spec.check_images(images)
        indices, latents = [], []
        with _inference():
            for part in self._parts(images, images.shape[1] * images.shape[2]):
                batch = _tensor(part).to(self.device).permute(0, 3, 1, 2)
                z = self._model.encode(batch.contiguous(memory_format=torch.channels_last)).float()
                indices.append(self._model.quantizer(z).indices.cpu().numpy())
                latents.append(z.cpu().numpy())
        return Encoding(Codes({LEVEL: np.concatenate(indices)}), {LEVEL: np.concatenate(latents)})

    def decode(self, codes: Codes) -> np.ndarray:
        self.spec.check_codes(codes)
        with _inference():
            return self._images(codes[LEVEL], self._vectors)

    def vectors(self, codebook: str, indices: np.ndarray) -> np.ndarray:
        book = self.spec.codebooks[0]
        if codebook != book.name:
            raise CodesError(f"{self.spec.id} has no codebook {codebook!r}; it has {book.name!r}.")
        indices = np.asarray(indices)
        whole = indices.dtype.kind in "iu"
        if indices.size and not (whole and indices.min() >= 0 and indices.max() < book.size):
            raise CodesError(f"Codes of {self.spec.id} are whole numbers between 0 and {book.size - 1:,}.")
        with _inference():
            return self._vectors(indices).cpu().numpy()

    def rank(self, level: str, latents: np.ndarray, k: int) -> Ranking:
        self.spec.level(level)
        with _inference():
            indices, scores = self._model.quantizer.rank(_tensor(latents).to(self.device), k)
        return Ranking(indices.cpu().numpy().astype(np.int32), scores.cpu().numpy())

    def decode_latents(self, latents: Mapping[str, np.ndarray]) -> np.ndarray:
        with _inference():
            return self._images(latents[LEVEL].astype(np.float32), lambda part: _tensor(part).to(self.device))

    def decode_window(self, codes: Codes, rows: slice, columns: slice) -> np.ndarray:
        self.spec.check_codes(codes)
        grid = codes[LEVEL]
        reach = -(-self.spec.levels[0].reach // STRIDE)
        height, width = grid.shape[1:]
        (top, bottom, _), (left, right, _) = rows.indices(height), columns.indices(width)
        # Cells within reach are decoded along: they are what the window's pixels depend on.
        above, before = max(0, top - reach), max(0, left - reach)
        part = grid[:, above : min(height, bottom + reach), before : min(width, right + reach)]
        with _inference():
            decoded = self._images(part, self._vectors)
        return decoded[
            :,
            (top - above) * STRIDE : (bottom - above) * STRIDE,
            (left - before) * STRIDE : (right - before) * STRIDE,
        ]

    def _vectors(self, indices: np.ndarray) -> Tensor:
        return self._model.quantizer.vectors(_tensor(indices.astype(np.int64)).to(self.device))

    def _images(self, grids: np.ndarray, to_vectors: Callable[[np.ndarray], Tensor]) -> np.ndarray:
        """(B, 8h, 8w, 3) in [0, 1] of grids (B, h, w, ...)."""
        parts = []
        for part in self._parts(grids, grids.shape[1] * grids.shape[2] * STRIDE**2):
            decoded = self._model.decode(to_vectors(part)).float().clamp(0, 1)
            parts.append(decoded.permute(0, 2, 3, 1).contiguous().cpu().numpy())
        return np.concatenate(parts)

    def _parts(self, array: np.ndarray, pixels_each: int) -> Iterator[np.ndarray]:
        step = max(1, CUDA_PIXELS // pixels_each) if self.device.type == "cuda" else 1
        for start in range(0, len(array), step):
            yield array[start : start + step]


def load_tokenizer(folder: Path, device: str = "cpu") -> AutoencoderTokenizer:
    """The tokenizer of a checkpoint folder, on a device."""
    config = read_config(folder)
    return AutoencoderTokenizer(spec_of(config), load_model(folder, config), torch.device(device))


def _tensor(array: np.ndarray) -> Tensor:
    """An array as torch takes it; flipped and read-only ones are copied."""
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))


@contextmanager
def _inference() -> Iterator[None]:
    """Inference mode with full float32 on CUDA too: TF32 convolutions would change codes."""
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield
