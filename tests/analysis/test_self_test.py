"""The self-test passes an honest tokenizer and fails one with a planted fault, in the line that is about it."""

import numpy as np
import pytest

from explorer.analysis.self_test import self_test
from explorer.core.codes import Codes
from explorer.core.digits import from_digits, to_digits
from explorer.core.spec import Codebook, Level, TokenizerSpec
from explorer.core.tokenizer import Encoding

RADICES = (5, 4, 3)


class Honest:
    """The mean colour of every 4 x 4 cell, each channel rounded to a few levels: a grid codebook that is right."""

    def __init__(self, reach=0):
        self.spec = TokenizerSpec(
            id="honest",
            title="Honest",
            family="test",
            summary="",
            levels=(Level("codes", "codes", 4, reach=reach),),
            codebooks=(Codebook("codes", 60, 3, "grid", RADICES),),
            multiple=4,
            parameters=0,
            trained_on="",
            source="",
            licence="",
            sha256="0" * 64,
        )

    def encode(self, images):
        batch, height, width, _ = images.shape
        z = images.reshape(batch, height // 4, 4, width // 4, 4, 3).mean((2, 4), dtype=np.float32) * 2 - 1
        return Encoding(Codes({"codes": from_digits(self.digits(z), RADICES)}), {"codes": z})

    def digits(self, z):
        half = np.array(RADICES) // 2
        return np.clip(np.rint(z * half + half), 0, np.array(RADICES) - 1).astype(int)

    def comparable(self, level, latents):
        return latents

    def vectors(self, codebook, indices):
        half = np.array(RADICES) // 2
        return ((to_digits(indices, RADICES) - half) / half).astype(np.float32)

    def decode_latents(self, latents):
        return np.clip((latents["codes"] + 1) / 2, 0, 1).repeat(4, 1).repeat(4, 2).astype(np.float32)

    def decode(self, codes):
        return self.decode_latents({"codes": self.vectors("codes", codes["codes"])})


class OtherCodes(Honest):
    def encode(self, images):
        found = super().encode(images)
        return Encoding(Codes({"codes": (found.codes["codes"] + 1) % 60}), found.latents)


class KeepsState(Honest):
    calls = 0

    def decode(self, codes):
        self.calls += 1
        return super().decode(codes) * np.float32(1 - 0.01 * (self.calls > 1))


class LooksAround(Honest):
    def encode(self, images):
        return super().encode(np.clip(images + np.float32(0.5 * (len(images) > 1)), 0, 1))


class OtherDigits(Honest):
    def vectors(self, codebook, indices):
        return super().vectors(codebook, indices)[..., ::-1]


class Spreads(Honest):
    def decode(self, codes):
        decoded = super().decode(codes)
        return (decoded + np.roll(decoded, 4, 2)) / 2


class WrongRange(Honest):
    def decode_latents(self, latents):
        return (super().decode_latents(latents) + 1) / 2


class NotClamped(Honest):
    def decode(self, codes):
        return super().decode(codes) * np.float32(1.1)


@pytest.fixture(scope="module")
def image():
    slope = np.linspace(0, 1, 32, dtype=np.float32)
    return np.stack([*np.broadcast_arrays(slope[:, None], slope[None], (slope[:, None] > 0.5) * slope[None])], -1)


def failing(tokenizer, image):
    return {check.what for check in self_test(tokenizer, image) if not check.holds}


def test_an_honest_tokenizer_passes(image):
    checks = self_test(Honest(), image)
    assert [check.found for check in checks if not check.holds] == [] and len(checks) == 8
    assert "60 of 60" not in checks[0].found and "all 60 codes" in checks[4].found
    assert "up to 0 px around its cell; 0 px are stated" in checks[5].found


@pytest.mark.parametrize(
    ("faulty", "line"),
    [
        (OtherCodes, "every code is the best one"),
        (KeepsState, "same in, same out"),
        (LooksAround, "same in, same out"),
        (OtherDigits, "digits are the code"),
        (Spreads, "edits stay local"),
        (Spreads, "round trip equals forward"),
        (WrongRange, "the range of pixels is right"),
        (NotClamped, "pictures lie in [0, 1]"),
    ],
)
def test_a_planted_fault_is_found(image, faulty, line):
    assert line in failing(faulty(), image)


def test_a_global_network_may_change_everything(image):
    assert "edits stay local" not in failing(Spreads(reach=None), image)
