"""PSNR, SSIM and error maps of planted errors."""

import math

import numpy as np
import pytest

from explorer.analysis.reconstruction import error_map, local_contrast, psnr, ssim

PICTURE = np.random.default_rng(0).integers(30, 220, (32, 48, 3), dtype=np.uint8)


def test_psnr_of_known_errors():
    assert psnr(PICTURE, PICTURE + np.uint8(1)) == pytest.approx(20 * math.log10(255))
    assert psnr(PICTURE, PICTURE - np.uint8(10)) == pytest.approx(20 * math.log10(255 / 10))
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert psnr(black, white) == psnr(white, black) == 0
    one = PICTURE.copy()
    one[3, 4, 1] += 12
    assert psnr(PICTURE, one) == pytest.approx(10 * math.log10(255**2 * PICTURE.size / 144))
    assert psnr(PICTURE, PICTURE) == math.inf


def test_ssim():
    assert ssim(PICTURE, PICTURE) == pytest.approx(1)
    noise = np.random.default_rng(1).integers(0, 256, PICTURE.shape, dtype=np.uint8)
    assert abs(ssim(PICTURE, noise)) < 0.1
    # Of two even pictures only the luminance term is left: (2ab + c) / (a^2 + b^2 + c) with c = (0.01 * 255)^2.
    even = ssim(np.full((16, 16, 3), 100, np.uint8), np.full((16, 16, 3), 150, np.uint8))
    c = (0.01 * 255) ** 2
    assert even == pytest.approx((2 * 100 * 150 + c) / (100**2 + 150**2 + c))
    assert math.isnan(ssim(PICTURE[:10], PICTURE[:10])) and ssim(PICTURE[:11], PICTURE[:11]) == pytest.approx(1)


def test_error_map():
    other = PICTURE.copy()
    other[3, 4] += np.array([3, 0, 9], np.uint8)
    other[5, 6] -= np.uint8(6)
    found = error_map(PICTURE, other)
    assert found.shape == (32, 48) and found.dtype == np.float32
    assert found[3, 4] == 4 and found[5, 6] == 6 and found.sum() == 10


def test_local_contrast_of_flat_noisy_and_blurred_pictures():
    from scipy.ndimage import uniform_filter

    noise = np.random.default_rng(0).normal(128, 20, (64, 64, 1)).clip(0, 255).astype(np.uint8).repeat(3, 2)
    assert local_contrast(np.full((32, 32, 3), 90, np.uint8)) == 0
    assert local_contrast(noise) == pytest.approx(20, rel=0.1)
    blurred = uniform_filter(noise, (3, 3, 0))
    assert local_contrast(blurred) < 0.6 * local_contrast(noise)
