"""The main job: a picture to codes and back, with what was measured on the way."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from explorer.analysis.rate import entropy_bits, nominal_bits
from explorer.analysis.reconstruction import psnr, ssim
from explorer.analysis.usage import Usage, merged
from explorer.core.codes import Codes
from explorer.core.codes_file import CodesFile
from explorer.core.errors import CodesError
from explorer.core.images import encode_file, to_bytes, to_unit
from explorer.core.quoting import listed, quoted
from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import DecodesLevels, EncodesLatents, Ranking, RanksCodes, Tokenizer
from explorer.models import registry
from explorer.services import zero_gpu
from explorer.services.reference import golden

MAX_SIDE = 1024
"""Pictures are encoded and decoded up to this many pixels squared, so that no visitor can fill the memory."""

LONGEST = 2048
"""Pixels of the longest side that is kept of a picture from outside; far larger JPEGs are decoded smaller."""

RANKED_OF_LOGITS = 8
"""Codes kept per cell of a model that gives every code a probability; of others the two best."""


@dataclass(frozen=True)
class Tokenized:
    """One picture's codes and what they decode to; pictures (H, W, 3) uint8.

    original is None where codes came from a file, codes are None of a model without codes; rankings hold
    the best codes of every cell. partial: of several levels, what the first, the first two, ... decode to.
    """

    spec: TokenizerSpec
    codes: Codes | None
    reconstruction: np.ndarray
    original: np.ndarray | None = None
    rankings: Mapping[str, Ranking] = field(default_factory=dict)
    partial: Sequence[np.ndarray] = ()
    floats: int = 0
    """Of a model without codes: how many floats it keeps of the picture."""
    seconds: float = 0.0
    """What encoding and decoding took, once; 0 where codes came from a file."""

    @property
    def file(self) -> CodesFile:
        """The codes as they are saved and sent; a CodesError where there are none."""
        self.spec.check_has_codes()
        return CodesFile(self.codes, self.spec.id, self.spec.revision, self.reconstruction.shape[:2])


@dataclass(frozen=True)
class Measures:
    """Figures of one tokenized picture; those that need the original are None where there is none, those of
    codes are 0 of a model without codes, of which `floats` says how many it keeps.

    psnr in dB; bits_per_pixel at log2 K a code; bits_per_pixel_entropy_coded under an ideal coder
    that knows the reference set's frequencies, or else this picture's; png_ratio: bytes of the picture as
    PNG over the nominal bytes of its codes; ceiling: the expected number of distinct codes in as many
    draws, were all equally likely; distinct, ceiling and codebook_size add up over codebooks.
    """

    tokens: int = 0
    bits_per_token: float = 0.0
    bits_per_pixel: float = 0.0
    bits_per_pixel_entropy_coded: float = 0.0
    distinct: int = 0
    ceiling: float = 0.0
    codebook_size: int = 0
    floats: int = 0
    psnr: float | None = None
    ssim: float | None = None
    png_ratio: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; infinite and undefined figures become None."""
        return {
            name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in asdict(self).items()
        }


def tokenize(tokenizer: Tokenizer, pixels: np.ndarray) -> Tokenized:
    """Encode and decode one picture (H, W, 3) uint8 whose sides fit the tokenizer."""
    image, begun = to_unit(pixels)[None], time.perf_counter()
    if isinstance(tokenizer, EncodesLatents):
        latents = tokenizer.latents(image)
        decoded = tokenizer.decode_latents(latents)
        seconds, floats = time.perf_counter() - begun, sum(array.size for array in latents.values())
        return Tokenized(tokenizer.spec, None, to_bytes(decoded[0]), pixels, floats=floats, seconds=seconds)
    encoding = zero_gpu.encode(tokenizer, image)
    decoded = zero_gpu.decode(tokenizer, encoding.codes)
    seconds, rankings = time.perf_counter() - begun, {}
    if isinstance(tokenizer, RanksCodes):
        for name, latents in encoding.latents.items():
            logits = tokenizer.spec.codebook(name).metric == "logit"
            ranking = tokenizer.rank(name, latents, RANKED_OF_LOGITS if logits else 2)
            rankings[name] = Ranking(ranking.indices[0], ranking.scores[0])
    partial = partially_decoded(tokenizer, encoding.codes)
    return Tokenized(tokenizer.spec, encoding.codes, to_bytes(decoded[0]), pixels, rankings, partial, seconds=seconds)


def partially_decoded(tokenizer: Tokenizer, codes: Codes) -> list[np.ndarray]:
    """What the first level, the first two, ... decode to, without the whole: pictures (H, W, 3) uint8."""
    names = [level.name for level in tokenizer.spec.levels]
    if not isinstance(tokenizer, DecodesLevels):
        return []
    return [to_bytes(tokenizer.decode_levels(codes, names[:count])[0]) for count in range(1, len(names))]


def decode(tokenizer: Tokenizer, file: CodesFile) -> Tokenized:
    """Decode codes from a file, after checking that this tokenizer made them."""
    belongs(tokenizer.spec, file)
    decoded = to_bytes(zero_gpu.decode(tokenizer, file.codes)[0])
    return Tokenized(tokenizer.spec, file.codes, decoded, partial=partially_decoded(tokenizer, file.codes))


def belongs(spec: TokenizerSpec, file: CodesFile) -> None:
    """Refuse codes that another model made, or that don't fit, in words."""
    if file.model and file.model != spec.id:
        raise CodesError(
            f"These codes were made by {listed([file.model])}, not by {spec.id}. Choose that model to decode them."
        )
    if file.revision and file.revision != spec.revision:
        raise CodesError(
            f"These codes were made by another revision of {spec.id} ({listed([file.revision])}; this is "
            f"{spec.revision}), whose codes mean something else. Encode the picture again."
        )
    height, width = check(spec, file.codes)
    if file.image_size and file.image_size != (height, width):
        raise CodesError(
            f"The file says its picture is {' x '.join(map(quoted, file.image_size[::-1]))}, but its codes decode to "
            f"{width} x {height}: they do not belong together."
        )


def check(spec: TokenizerSpec, codes: Codes) -> tuple[int, int]:
    """(height, width) of what codes from outside decode to; a CodesError where they don't fit or are too many."""
    spec.check_codes(codes)
    height, width = spec.image_size(codes)
    if height * width > MAX_SIDE**2:
        raise CodesError(
            f"These {codes.tokens:,} codes decode to {width:,} x {height:,} pixels; "
            f"at most {MAX_SIDE:,} x {MAX_SIDE:,} are decoded."
        )
    return height, width


def tokenized_golden(id: str) -> Tokenized:
    """The shipped golden picture, read from disk: no network is loaded for it."""
    found = golden(id)
    return Tokenized(registry.spec(id), found.codes, found.reconstruction, found.image, found.rankings)


def measure(found: Tokenized, counts: Mapping[str, np.ndarray]) -> Measures:
    """All figures of one picture; counts: level -> counts (K,) of the reference set, {} where there is none."""
    spec, codes = found.spec, found.codes
    height, width = found.reconstruction.shape[:2]
    if codes is None:
        return Measures(
            floats=found.floats,
            psnr=psnr(found.original, found.reconstruction),
            ssim=ssim(found.original, found.reconstruction),
        )
    # By codebook: several levels may share one, as in VAR.
    usage = merged(
        *({level.codebook: Usage.of(codes[level.name][0], spec.codebook(level.name).size)} for level in spec.levels)
    )
    nominal = nominal_bits(spec, codes)
    measures = {
        "tokens": codes.tokens,
        "bits_per_token": nominal / codes.tokens,
        "bits_per_pixel": nominal / (height * width),
        "bits_per_pixel_entropy_coded": entropy_bits(spec, codes, counts or None) / (height * width),
        "distinct": sum(book.used for book in usage.values()),
        "ceiling": sum(book.ceiling * book.size for book in usage.values()),
        "codebook_size": sum(book.size for book in usage.values()),
    }
    if found.original is not None:
        measures |= {
            "psnr": psnr(found.original, found.reconstruction),
            "ssim": ssim(found.original, found.reconstruction),
            "png_ratio": 8 * len(encode_file(found.original, "png")) / nominal,
        }
    return Measures(**measures)
