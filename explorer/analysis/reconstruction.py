"""How close a reconstruction is to its picture: PSNR, SSIM and where the error lies."""

import numpy as np


def psnr(original: np.ndarray, reconstruction: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of two uint8 pictures (H, W, 3); infinite where they are equal."""
    difference = original.astype(np.float64) - reconstruction
    error = float(np.square(difference).mean())
    return float("inf") if error == 0 else 10 * float(np.log10(255**2 / error))


def ssim(original: np.ndarray, reconstruction: np.ndarray) -> float:
    """Mean structural similarity of two uint8 pictures (H, W, 3), as its authors computed it.

    Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment": 11 x 11 Gaussian window of
    sigma 1.5. NaN where a side is shorter than the window.
    """
    from skimage.metrics import structural_similarity

    if min(original.shape[:2]) < 11:
        return float("nan")
    return float(
        structural_similarity(
            original, reconstruction, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )


def local_contrast(picture: np.ndarray, side: int = 5) -> float:
    """Mean over the pixels of a picture (H, W, 3) uint8 of the standard deviation of luma in a window of side x side.

    Over the same figure of the original it says how much fine structure a reconstruction kept: below 1 is
    blurred. It does not say that the structure is the right one.
    """
    from scipy.ndimage import uniform_filter

    luma = picture.astype(np.float64) @ (0.299, 0.587, 0.114)
    mean, mean_square = uniform_filter(luma, side), uniform_filter(luma**2, side)
    return float(np.sqrt(np.maximum(mean_square - mean**2, 0)).mean())


def error_map(original: np.ndarray, reconstruction: np.ndarray) -> np.ndarray:
    """Mean absolute difference over the channels, (H, W) float32 in [0, 255]."""
    return np.abs(original.astype(np.float32) - reconstruction).mean(-1)
