"""The reach that a spec states is exact, and a window decodes to what the whole would show there."""

import numpy as np
import pytest
import torch

from explorer.core.codes import Codes
from explorer.models.blocks import decoder_reach
from explorer.models.config import FiniteScalarConfig, NetworkConfig, VectorConfig
from explorer.models.tokenizer import load_tokenizer
from tests.conftest import TINY, random_model, write_checkpoint


def test_reach_by_hand():
    assert decoder_reach(TINY) == 8 * 2 + 4 * 2
    assert decoder_reach(NetworkConfig()) == 8 * 4 + 4 * 3


@pytest.mark.parametrize("network", [TINY, NetworkConfig(), NetworkConfig(8, 16, 0, 0, 0, 0)])
def test_one_code_changes_exactly_the_pixels_within_reach(network):
    # In float64, so that the faint influence at the edge is not rounded away.
    model = random_model(VectorConfig(8, 4), network).double()
    reach, side = decoder_reach(network), 13
    codes = torch.randint(0, 8, (1, side, side), generator=torch.Generator().manual_seed(0))
    changed = codes.clone()
    changed[0, 6, 6] = (codes[0, 6, 6] + 1) % 8
    with torch.inference_mode():
        before, after = (model.decode(model.quantizer.vectors(c).double())[0] for c in (codes, changed))
    rows, columns = torch.nonzero((before != after).any(0), as_tuple=True)
    expected = (48 - reach, 55 + reach)
    assert (rows.min().item(), rows.max().item()) == expected
    assert (columns.min().item(), columns.max().item()) == expected


@pytest.fixture(scope="module", params=["tiny", "default"])
def tokenizer(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    write_checkpoint(folder, FiniteScalarConfig((8, 5, 5)), TINY if request.param == "tiny" else NetworkConfig())
    return load_tokenizer(folder)


def test_windows_equal_the_full_decode(tokenizer):
    random = np.random.default_rng(0)
    height, width = 14, 15
    codes = Codes({"codes": random.integers(0, 200, (1, height, width))})
    whole = tokenizer.decode(codes)
    windows = [(0, height, 0, width), (0, 1, 0, 1), (height - 1, height, width - 1, width), (7, 8, 9, 10)]
    for _ in range(3):
        windows.append((*sorted(random.choice(height + 1, 2, False)), *sorted(random.choice(width + 1, 2, False))))
    for top, bottom, left, right in windows:
        window = tokenizer.decode_window(codes, slice(top, bottom), slice(left, right))
        expected = whole[:, top * 8 : bottom * 8, left * 8 : right * 8]
        assert window.shape == expected.shape
        assert np.abs(window - expected).max() < 1e-5, (top, bottom, left, right)


def test_open_and_negative_slices_mean_what_they_mean_elsewhere(tokenizer):
    codes = Codes({"codes": np.random.default_rng(1).integers(0, 200, (1, 4, 5))})
    whole = tokenizer.decode(codes)
    assert np.allclose(tokenizer.decode_window(codes, slice(None), slice(-2, None)), whole[:, :, 24:], atol=1e-5)
