"""Adapters against what the authors' own code computed: codes cell by cell, pictures within 1e-4."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from explorer.adapters.families import build_network
from explorer.adapters.files import StateDict
from explorer.core.codes import Codes
from explorer.core.errors import CheckpointError
from explorer.core.tokenizer import DecodesWindow, KeepsCounters, RanksCodes, Tokenizer
from explorer.quantizers import FiniteScalarQuantizer
from tests.adapters.golden import CASES, GOLDEN, by_level, images_of, needs_golden

pytestmark = needs_golden

CLOSE = 1e-4
TIE = 1e-4
"""Margins below this are ties: another order of additions may choose the other code."""
BFLOAT16 = "cosmos/di16_bf16"
"""Computed by its authors' file in bfloat16; for the network in float32 there are arrays of its own."""


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request):
    return request.param


@pytest.fixture(scope="module")
def arrays(case):
    return case.arrays()


@pytest.fixture(scope="module")
def tokenizer(case):
    return case.tokenizer()


@pytest.fixture(scope="module")
def encoding(tokenizer, arrays):
    return tokenizer.encode(images_of(arrays))


def test_every_code_is_the_reference_code(tokenizer, arrays, encoding, record_property):
    assert isinstance(tokenizer, Tokenizer) and isinstance(tokenizer, RanksCodes)
    expected, margins = by_level(tokenizer.spec, arrays, "indices"), by_level(tokenizer.spec, arrays, "margin")
    ties = 0
    for name, codes in expected.items():
        different = encoding.codes[name] != codes
        tied = different & (margins[name].reshape(codes.shape) < TIE)
        ties += int(tied.sum())
        assert not (different & ~tied).any()
    record_property("ties", ties)


def test_latents_are_the_reference_latents(case, tokenizer, arrays, encoding):
    names = {"": "latent", "_float32": "float32_latent", "_logits": "logits"}
    given = next((arrays[name] for name in reversed(names.values()) if name in arrays), None)
    if len(tokenizer.spec.levels) == 1:
        found = np.moveaxis(encoding.latents["codes"], -1, 1)
        assert np.abs(found.reshape(given.shape) - given).max() < CLOSE
    elif case.family == "rosinality":
        for name, expected in by_level(tokenizer.spec, arrays, "latent").items():
            assert np.abs(np.moveaxis(encoding.latents[name], -1, 1) - expected).max() < CLOSE


def test_pictures_are_the_reference_pictures(case, tokenizer, arrays, encoding):
    expected = arrays["recon"].transpose(0, 2, 3, 1)
    found = tokenizer.decode(encoding.codes)
    if case.folder == BFLOAT16:
        assert np.abs(found - expected).max() < 0.05
        expected = _to_unit(arrays["float32_recon_native"]).transpose(0, 2, 3, 1)
    assert found.dtype == np.float32 and np.abs(found - expected).max() < CLOSE


def test_codes_of_no_picture_decode_like_the_reference(case, tokenizer, arrays):
    codes = Codes(by_level(tokenizer.spec, arrays, "decode_indices"))
    if "decode_recon" in arrays:
        expected = arrays["decode_recon"]
    else:
        name = "float32_decode_recon_native" if case.folder == BFLOAT16 else "decode_recon_native"
        in_unit = case.folder == "diffusers/amused_f16" or case.family == "titok"
        expected = arrays[name].clip(0, 1) if in_unit else _to_unit(arrays[name])
    assert np.abs(tokenizer.decode(codes) - expected.transpose(0, 2, 3, 1)).max() < CLOSE


def test_code_vectors_are_the_reference_vectors(tokenizer, arrays):
    for level in tokenizer.spec.levels:
        of = "" if "code_ids" in arrays else f"_{level.name}"
        found = tokenizer.vectors(level.codebook, arrays[f"code_ids{of}"])
        assert np.abs(found - arrays[f"code_vectors{of}"]).max() < 1e-6


def test_mistakes_are_told_apart(tokenizer, arrays, encoding):
    """What a named mistake gives is not what comes out here, so these cases would notice it."""
    for name, wrong in arrays.items():
        if name.startswith("wrong_indices"):
            assert (encoding.codes["codes"] != wrong.reshape(encoding.codes["codes"].shape)).mean() > 0.2
        elif name.startswith("wrong_recon_native"):
            decoded = tokenizer.decode(encoding.codes).transpose(0, 3, 1, 2)
            assert np.abs(decoded - _to_unit(wrong)).max() > 0.01
            assert np.abs(decoded - wrong.clip(0, 1)).max() > 0.01


def test_nothing_is_kept_and_pictures_do_not_know_each_other(tokenizer, arrays, encoding):
    images = images_of(arrays)
    parameters = [parameter.clone() for parameter in tokenizer._model.parameters()]
    tokenizer.decode(encoding.codes)
    alone = tokenizer.encode(images[-1:])
    assert alone.codes == encoding.codes.picture(len(images) - 1)
    assert all(map(torch.equal, parameters, tokenizer._model.parameters()))
    vectors = {
        level.name: tokenizer.vectors(level.codebook, alone.codes[level.name]) for level in tokenizer.spec.levels
    }
    assert np.abs(tokenizer.decode_latents(vectors) - tokenizer.decode(alone.codes)).max() < 1e-6
    assert tokenizer.reencode(images, encoding.codes) == encoding.codes


def test_the_best_code_of_a_cell_is_the_chosen_one(tokenizer, encoding):
    for name, codes in encoding.codes.levels.items():
        ranking = tokenizer.rank(name, encoding.latents[name], 3)
        assert ranking.indices.shape == (*codes.shape, 3) and (np.diff(ranking.scores, axis=-1) >= 0).all()
        assert np.array_equal(ranking.indices[..., 0], codes)


def test_the_spec_can_be_told(tokenizer, arrays, encoding):
    spec = tokenizer.spec
    spec.check_codes(encoding.codes)
    json.dumps(dataclasses.asdict(spec), allow_nan=False)
    assert spec.image_size(encoding.codes) == arrays["image"].shape[2:]
    local = all(level.reach is not None for level in spec.levels)
    assert isinstance(tokenizer, DecodesWindow) == local
    assert local == (spec.family.startswith(("DALL-E", "VQ-VAE")))


@pytest.mark.gpu
def test_cpu_and_cuda_agree(case, tokenizer, arrays, encoding):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU here")
    on_cuda = case.tokenizer(device="cuda")
    found = on_cuda.encode(images_of(arrays))
    for name, codes in encoding.codes.levels.items():
        assert (found.codes[name] == codes).mean() >= 0.99
    assert np.abs(on_cuda.decode(encoding.codes) - tokenizer.decode(encoding.codes)).max() < 1e-3


LOCAL = [case for case in CASES if case.family in ("dall_e", "rosinality", "mishalaskin")]


@pytest.mark.parametrize("local", LOCAL, ids=str)
def test_a_strictly_local_decoder_changes_the_pixels_within_its_reach_and_no_others(local):
    tokenizer = local.tokenizer()
    spec, random, side = tokenizer.spec, np.random.default_rng(0), 256
    codes = Codes(
        {
            level.name: random.integers(0, spec.codebook(level.name).size, (1, *spec.shape(level.name, side, side)))
            for level in spec.levels
        }
    )
    whole = tokenizer.decode(codes)
    for level in spec.levels:
        row, stride = side // level.stride // 2, level.stride
        moved = np.zeros((side, side), bool)
        for step in (1, 7, 20):  # one code alone may leave a pixel at the border as it was
            other = (codes[level.name][0, row, row] + step) % spec.codebook(level.name).size
            edited = codes.edit(level.name, (0, row, row), other)
            moved |= (tokenizer.decode(edited) != whole).any(-1)[0]
        rows = np.flatnonzero(moved.any(1))
        assert (row * stride - rows[0], rows[-1] + 1 - (row + 1) * stride) == (level.reach, level.reach)
    cells = slice(3, 6), slice(5, 9)
    stride = spec.levels[-1].stride
    part = whole[:, 3 * stride : 6 * stride, 5 * stride : 9 * stride]
    assert np.abs(tokenizer.decode_window(codes, *cells) - part).max() < 1e-5


def test_rosinality_weights_of_two_behaviours_are_not_taken_for_each_other():
    today, then = (case for case in CASES if case.family == "rosinality")
    images = images_of(today.arrays())
    wrong = today.tokenizer(skips_relu=True).encode(images).codes
    for name, expected in (("top", today.arrays()["indices_top"]), ("bottom", today.arrays()["indices_bottom"])):
        assert (wrong[name] != expected).mean() > 0.3
    assert wrong["top"].tolist() == then.arrays()["indices_top"].tolist()


def test_cosmos_pads_to_the_same_codes():
    case = next(case for case in CASES if case.folder == "cosmos/di8_float32")
    arrays = case.arrays()
    padded = arrays["pad_padded_uint8"].astype(np.float32) / 255
    assert np.array_equal(case.tokenizer().encode(padded).codes["codes"], arrays["pad_float32_indices"])


def test_cosmos_reads_its_levels_where_the_file_has_them():
    case = next(case for case in CASES if case.folder == "cosmos/di8_float32")
    buffers = {
        "quantizer._levels": torch.tensor([8, 5, 4, 3], dtype=torch.int32),
        "decoder.unpatcher.wavelets": torch.ones(2),
    }
    network = build_network(StateDict(case.tensors() | buffers, "encoder.jit and decoder.jit"), "cosmos", {})
    assert network.codebooks[0].radices == (8, 5, 4, 3) and network.codebooks[0].size == 480
    with pytest.raises(CheckpointError, match="gives 4 digits per code"):
        build_network(case.tensors(), "cosmos", {})


@pytest.mark.parametrize(("name", "levels"), [("l888555", (8, 8, 8, 5, 5, 5)), ("l8543", (8, 5, 4, 3))])
def test_the_fsq_of_cosmos_is_the_atanh_variant(name, levels):
    with np.load(GOLDEN / "cosmos/fsq_quantizer/golden.npz") as file:
        latents, indices = torch.from_numpy(file[f"{name}_latents"]), torch.from_numpy(file[f"{name}_indices"])
        codes, table = torch.from_numpy(file[f"{name}_codes"]), torch.from_numpy(file[f"{name}_table_codes"])
        table_indices = torch.from_numpy(file[f"{name}_table_indices"])
    quantizer = FiniteScalarQuantizer(levels, "atanh").eval()
    found = quantizer(latents)
    assert torch.equal(found.indices, indices) and torch.allclose(found.quantized, codes, atol=1e-6)
    assert torch.allclose(quantizer.vectors(table_indices), table, atol=1e-6)
    others = FiniteScalarQuantizer(levels, "tan").eval()(latents).indices
    assert int((others != indices).sum()) == {"l888555": 495, "l8543": 285}[name]


def test_counters_in_checkpoints_are_found():
    found = {}
    for case in CASES:
        tokenizer = case.tokenizer()
        assert isinstance(tokenizer, KeepsCounters)
        for level in tokenizer.spec.levels:
            for what, counts in tokenizer.counters(level.name).items():
                assert counts.shape == (tokenizer.spec.codebook(level.name).size,)
                found.setdefault(case.family, set()).add(what)
    running = {"running mean of uses per training batch"}
    assert found == {
        "rosinality": running,
        "var": running,
        "llamagen": {"uses among the last 65,536 codes of training"},
    }
    case = next(case for case in CASES if case.family == "var")
    assert np.array_equal(case.tokenizer().counters("3 x 3")[running.pop()], case.arrays()["usage_counter"][2])


def test_scales_of_var_add_up_as_in_the_reference():
    case = next(case for case in CASES if case.family == "var")
    tokenizer, arrays = case.tokenizer(), case.arrays()
    codes = Codes(by_level(tokenizer.spec, arrays, "indices")).picture(0)
    names = [level.name for level in tokenizer.spec.levels]
    for scale, expected in zip(arrays["progressive_scales"], arrays["progressive_recon_native_image0"], strict=True):
        found = tokenizer.decode_levels(codes, names[: int(scale) + 1])[0]
        assert np.abs(found - _to_unit(expected).transpose(1, 2, 0)).max() < CLOSE


def _to_unit(native: np.ndarray) -> np.ndarray:
    return ((native + 1) / 2).clip(0, 1)
