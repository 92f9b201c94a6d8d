"""The reach that a spec states is exact, and a window decodes to what the whole would show there."""

import numpy as np
import pytest
import torch

from explorer.core.codes import Codes
from explorer.models.config import EMAVectorConfig, FiniteScalarConfig, OneGridConfig, TwoGridsConfig, reaches
from explorer.models.tokenizer import load_tokenizer
from tests.conftest import TINY, TINY_TWO, random_model, write_checkpoint


def test_reach_by_hand():
    assert reaches(TINY) == (8 * 2 + 4 * 2,)
    assert reaches(OneGridConfig()) == (8 * 4 + 4 * 3,)
    assert reaches(TwoGridsConfig()) == (4 * 6, 4 * 6)


@pytest.mark.parametrize(
    "network", [TINY, OneGridConfig(), OneGridConfig(8, 16, 0, 0, 0, 0), TINY_TWO, TwoGridsConfig()]
)
def test_one_code_changes_exactly_the_pixels_within_reach(network):
    # In float64, so that the faint influence at the edge is not rounded away.
    model = random_model(EMAVectorConfig(8, 4), network).double()
    generator = torch.Generator().manual_seed(0)
    codes = {
        name: torch.randint(0, 8, (1, 104 // stride, 104 // stride), generator=generator)
        for name, stride in zip(model.quantizers, (8, 4), strict=False)
    }
    for name, reach in zip(codes, reaches(network), strict=True):
        stride = 104 // codes[name].shape[1]
        changed = codes | {name: codes[name].clone()}
        changed[name][0, 6, 6] = (codes[name][0, 6, 6] + 1) % 8
        with torch.inference_mode():
            before, after = (
                model.decode({level: book.vectors(each[level]).double() for level, book in model.quantizers.items()})[0]
                for each in (codes, changed)
            )
        rows, columns = torch.nonzero((before != after).any(0), as_tuple=True)
        expected = (max(0, 6 * stride - reach), 7 * stride - 1 + reach)
        assert (rows.min().item(), rows.max().item()) == expected
        assert (columns.min().item(), columns.max().item()) == expected


MODELS = {
    "tiny": (FiniteScalarConfig((8, 5, 5)), TINY),
    "default": (FiniteScalarConfig((8, 5, 5)), OneGridConfig()),
    "two grids": (EMAVectorConfig(200, 4), TINY_TWO),
}


@pytest.fixture(scope="module", params=MODELS)
def tokenizer(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    write_checkpoint(folder, *MODELS[request.param])
    return load_tokenizer(folder)


def random_codes(tokenizer, height, width, seed):
    """Codes of a picture of so many cells at stride 8."""
    random, spec = np.random.default_rng(seed), tokenizer.spec
    shapes = {level.name: spec.shape(level.name, 8 * height, 8 * width) for level in spec.levels}
    return Codes({name: random.integers(0, 200, (1, *shape)) for name, shape in shapes.items()})


def test_windows_equal_the_full_decode(tokenizer):
    random, codes = np.random.default_rng(0), random_codes(tokenizer, 14, 15, 0)
    whole, stride = tokenizer.decode(codes), tokenizer.spec.levels[-1].stride
    height, width = codes[tokenizer.spec.levels[-1].name].shape[1:]
    windows = [(0, height, 0, width), (0, 1, 0, 1), (height - 1, height, width - 1, width), (7, 8, 9, 10)]
    for _ in range(3):
        windows.append((*sorted(random.choice(height + 1, 2, False)), *sorted(random.choice(width + 1, 2, False))))
    for top, bottom, left, right in windows:
        window = tokenizer.decode_window(codes, slice(top, bottom), slice(left, right))
        expected = whole[:, top * stride : bottom * stride, left * stride : right * stride]
        assert window.shape == expected.shape
        assert np.abs(window - expected).max() < 1e-5, (top, bottom, left, right)


def test_open_and_negative_slices_mean_what_they_mean_elsewhere(tokenizer):
    codes = random_codes(tokenizer, 4, 5, 1)
    whole, stride = tokenizer.decode(codes), tokenizer.spec.levels[-1].stride
    window = tokenizer.decode_window(codes, slice(None), slice(-2, None))
    assert np.allclose(window, whole[:, :, -2 * stride :], atol=1e-5)
