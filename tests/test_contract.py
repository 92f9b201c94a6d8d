"""What every tokenizer keeps to, asked of each registered model and of a tiny network of every quantizer kind."""

import hashlib
import json
import math
import warnings
from dataclasses import asdict

import numpy as np
import pytest
import torch
from torch import nn

from explorer.core.codes import Codes
from explorer.core.errors import CodesError, PictureError
from explorer.core.images import to_unit
from explorer.core.tokenizer import (
    ComparesLatents,
    DecodesLatents,
    DecodesLevels,
    DecodesWindow,
    EncodesLatents,
    RanksCodes,
    ReencodesLevels,
    Tokenizer,
)
from explorer.models import registry
from explorer.models.checkpoint import load_model
from explorer.models.config import reaches, read_config
from explorer.models.tokenizer import load_tokenizer
from explorer.services.reference import golden
from tests.conftest import CODED, CONTINUOUS, KINDS, WITHOUT_CODES

HEIGHT, WIDTH = 64, 96


@pytest.fixture(scope="module", params=[*CODED, *KINDS])
def folder(request, tiny_folders):
    return tiny_folders[request.param] if request.param in KINDS else registry.folder_of(request.param)


@pytest.fixture(scope="module")
def tokenizer(folder):
    return load_tokenizer(folder)


@pytest.fixture(scope="module")
def images():
    """Two pictures with edges, gradients and noise, (2, 64, 96, 3)."""
    random = np.random.default_rng(0)
    coarse = random.random((2, 8, 12, 3)).repeat(8, 1).repeat(8, 2)
    slope = np.linspace(0, 1, WIDTH)[None, None, :, None]
    return (0.6 * coarse + 0.3 * slope + 0.1 * random.random((2, HEIGHT, WIDTH, 3))).astype(np.float32)


@pytest.fixture(scope="module")
def encoding(tokenizer, images):
    return tokenizer.encode(images)


def random_codes(tokenizer, height, width, batch=1, seed=0):
    """Codes drawn evenly, of the grids that a picture of this size has."""
    random, spec = np.random.default_rng(seed), tokenizer.spec
    shapes = {level.name: (batch, *spec.shape(level.name, height, width)) for level in spec.levels}
    return Codes({name: random.integers(0, spec.codebook(name).size, shape) for name, shape in shapes.items()})


def fingerprint(tokenizer):
    """sha256 over every parameter and buffer of the networks a tokenizer holds."""
    networks = [part for part in vars(tokenizer).values() if isinstance(part, nn.Module)]
    assert networks
    digest = hashlib.sha256()
    for network in networks:
        assert not network.training
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def test_is_a_tokenizer_with_capabilities(tokenizer):
    more = (ComparesLatents, DecodesLatents, DecodesLevels, ReencodesLevels, DecodesWindow)
    for protocol in (Tokenizer, RanksCodes, *more):
        assert isinstance(tokenizer, protocol)


def test_spec_says_what_the_checkpoint_is(tokenizer, folder):
    spec, config = tokenizer.spec, read_config(folder)
    figures = json.loads(json.dumps(asdict(spec), allow_nan=False))
    assert figures["parameters"] == sum(p.numel() for p in load_model(folder, config).parameters())
    assert {level.reach for level in spec.levels} == set(reaches(config.model.network))
    assert len({level.name for level in spec.levels}) == len(spec.levels)
    quantizers = load_model(folder, config).quantizers
    assert list(quantizers) == [level.name for level in spec.levels]
    for level in spec.levels:
        book, quantizer = spec.codebook(level.name), quantizers[level.name]
        assert (book.size, book.dim) == (quantizer.size, quantizer.dim)
        assert not book.implicit or math.prod(book.radices) == book.size
    assert all((spec.id, spec.title, spec.family, spec.summary, spec.source, spec.licence, spec.revision))


@pytest.mark.parametrize(("height", "width"), [(64, 96), (96, 64), (64, 64), (8, 8), (8, 72)])
def test_grids_of_any_size(tokenizer, height, width):
    encoding = tokenizer.encode(np.full((2, height, width, 3), 0.3, np.float32))
    for level in tokenizer.spec.levels:
        assert encoding.codes[level.name].shape == (2, *tokenizer.spec.shape(level.name, height, width))
        assert encoding.latents[level.name].shape[:-1] == encoding.codes[level.name].shape
        assert encoding.latents[level.name].dtype == np.float32
    decoded = tokenizer.decode(encoding.codes)
    assert decoded.shape == (2, height, width, 3) and decoded.dtype == np.float32
    assert decoded.min() >= 0 and decoded.max() <= 1
    assert tokenizer.spec.image_size(encoding.codes) == (height, width)


def test_pictures_use_many_codes(tokenizer, encoding):
    tokenizer.spec.check_codes(encoding.codes)
    assert all(len(np.unique(array)) >= 3 for array in encoding.codes.levels.values())


def test_no_state_between_calls(tokenizer, images, encoding):
    codes, other = encoding.codes, random_codes(tokenizer, 64, 64, seed=1)
    decoded = tokenizer.decode(codes)
    tokenizer.encode(1 - images[:1])
    tokenizer.decode(other)
    for name in codes:
        tokenizer.rank(name, encoding.latents[name][:1], 2)
    again = tokenizer.encode(images)
    assert again.codes == codes
    assert all(np.array_equal(again.latents[name], encoding.latents[name]) for name in codes)
    assert np.array_equal(tokenizer.decode(codes), decoded)


def test_nothing_is_changed(tokenizer, images):
    before, given, random = fingerprint(tokenizer), images.copy(), torch.random.get_rng_state()
    encoding = tokenizer.encode(images)
    codes, latents = encoding.codes, {name: array.copy() for name, array in encoding.latents.items()}
    tokenizer.decode(codes)
    tokenizer.decode_latents(
        {level.name: tokenizer.vectors(level.codebook, codes[level.name]) for level in tokenizer.spec.levels}
    )
    tokenizer.reencode(images, codes)
    for name in codes:
        tokenizer.rank(name, encoding.latents[name], 3)
    tokenizer.decode_window(codes, slice(1, 3), slice(2, 4))
    assert fingerprint(tokenizer) == before
    assert np.array_equal(images, given)
    assert all(np.array_equal(latents[name], encoding.latents[name]) for name in codes)
    assert torch.equal(torch.random.get_rng_state(), random) and torch.is_grad_enabled()


def test_pictures_of_a_batch_do_not_know_each_other(tokenizer, images, encoding):
    decoded = tokenizer.decode(encoding.codes)
    for b in range(len(images)):
        alone = tokenizer.encode(images[b : b + 1])
        assert alone.codes == encoding.codes.picture(b)
        assert all(np.array_equal(alone.latents[name][0], encoding.latents[name][b]) for name in encoding.codes)
        assert np.array_equal(tokenizer.decode(alone.codes)[0], decoded[b])


def test_round_trip_is_the_plain_forward_pass(tokenizer, folder, images, encoding):
    model = load_model(folder, read_config(folder)).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        batch = torch.from_numpy(images).permute(0, 3, 1, 2)
        passes = [model(picture[None].contiguous(memory_format=torch.channels_last)) for picture in batch]
    for name, array in encoding.codes.levels.items():
        assert np.array_equal(array, np.concatenate([found.indices[name] for found in passes]))
        latents = np.concatenate([found.latents[name] for found in passes])
        assert np.allclose(encoding.latents[name], latents, atol=1e-5)
    pictures = np.concatenate([found.reconstruction.clamp(0, 1).permute(0, 2, 3, 1) for found in passes])
    assert np.allclose(tokenizer.decode(encoding.codes), pictures, atol=1e-5)


def test_vectors_decode_like_their_codes(tokenizer):
    codes = random_codes(tokenizer, 64, 72, batch=2)
    vectors = {level.name: tokenizer.vectors(level.codebook, codes[level.name]) for level in tokenizer.spec.levels}
    assert np.array_equal(tokenizer.decode_latents(vectors), tokenizer.decode(codes))


def test_vectors_of_the_whole_book(tokenizer):
    for book in tokenizer.spec.codebooks:
        table = tokenizer.vectors(book.name, np.arange(book.size))
        assert table.shape == (book.size, book.dim) and table.dtype == np.float32 and np.isfinite(table).all()
        picked = np.array([[0, book.size - 1], [3, 3]])
        assert np.array_equal(tokenizer.vectors(book.name, picked), table[picked])
        assert tokenizer.vectors(book.name, np.array(3)).shape == (book.dim,)
        assert tokenizer.vectors(book.name, np.zeros((0, 2), int)).shape == (0, 2, book.dim)


@pytest.mark.parametrize("wrong", [[-1], [10**6], [2**40], [0.5], [float("nan")], ["a"]])
def test_vectors_refuses_what_is_no_code(tokenizer, wrong):
    with pytest.raises(CodesError):
        tokenizer.vectors(tokenizer.spec.codebooks[0].name, np.array(wrong))


def test_vectors_refuses_an_unknown_book(tokenizer):
    with pytest.raises(CodesError, match="no codebook 'nothing'"):
        tokenizer.vectors("nothing", np.array([0]))


def test_ranks_start_with_the_chosen_code(tokenizer, encoding):
    for name, array in encoding.codes.levels.items():
        ranking = tokenizer.rank(name, encoding.latents[name], 4)
        assert ranking.indices.shape == ranking.scores.shape == (*array.shape, 4)
        assert (ranking.indices.dtype, ranking.scores.dtype) == (np.int32, np.float32)
        assert (np.diff(ranking.scores, axis=-1) >= 0).all()
        assert np.array_equal(ranking.indices[..., 0], array)
        metric = tokenizer.spec.codebook(name).metric
        if metric in ("euclidean", "cosine"):
            latents = encoding.latents[name]
            if metric == "cosine":
                latents = latents / np.linalg.norm(latents, axis=-1, keepdims=True)
            vectors = tokenizer.vectors(tokenizer.spec.codebook(name).name, ranking.indices)
            distances = np.square(vectors - latents[..., None, :]).sum(-1)
            assert np.allclose(ranking.scores, distances, rtol=1e-4, atol=1e-6)
    with pytest.raises(CodesError, match="no level 'nothing'"):
        tokenizer.rank("nothing", next(iter(encoding.latents.values())), 2)


def test_latents_are_compared_in_the_space_of_the_code_vectors(tokenizer, encoding):
    for name, codes in encoding.codes.levels.items():
        book, latents = tokenizer.spec.codebook(name), encoding.latents[name]
        if book.metric == "logit":
            with pytest.raises(CodesError, match="a logit for every code"):
                tokenizer.comparable(name, latents)
            continue
        points = tokenizer.comparable(name, latents)
        assert points.shape == (*codes.shape, book.dim) and points.dtype == np.float32
        apart = points - tokenizer.vectors(book.name, codes)
        steps = [radix // 2 for radix in book.radices] or 1
        best = tokenizer.rank(name, latents, 1).scores[..., 0]
        assert np.allclose(np.square(apart * steps).sum(-1), best, rtol=1e-4, atol=1e-6)


def test_codes_that_do_not_fit_are_refused(tokenizer):
    spec, codes = tokenizer.spec, random_codes(tokenizer, 64, 64)
    name = spec.levels[-1].name
    size = spec.codebook(name).size
    tokenizer.decode(codes.edit(name, (0, 2, 3), size - 1))
    for decode in (tokenizer.decode, lambda codes: tokenizer.decode_window(codes, slice(0, 1), slice(0, 1))):
        with pytest.raises(CodesError, match=rf"Code {size} at cell \(2, 3\)"):
            decode(codes.edit(name, (0, 2, 3), size))
        with pytest.raises(CodesError, match="another model"):
            decode(Codes({"other": codes[name]}))
        with pytest.raises(CodesError, match="shape"):
            decode(Codes({**codes.levels, name: codes[name].reshape(1, -1)}))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 60, 64, 3), np.float32),
        np.zeros((64, 64, 3), np.float32),
        np.zeros((0, 64, 64, 3), np.float32),
        np.zeros((1, 3, 64, 64), np.float32),
        np.zeros((1, 64, 64, 3), np.uint8),
        np.full((1, 64, 64, 3), 1.5, np.float32),
        np.full((1, 64, 64, 3), np.nan, np.float32),
    ],
    ids=["sides", "no batch", "empty", "channels first", "bytes", "range", "nan"],
)
def test_images_that_do_not_fit_are_refused(tokenizer, wrong):
    with pytest.raises(PictureError):
        tokenizer.encode(wrong)


def test_views_of_arrays_are_taken(tokenizer, images, encoding):
    flipped = images[:, :, ::-1]
    assert tokenizer.encode(flipped).codes == tokenizer.encode(np.ascontiguousarray(flipped)).codes
    for name, array in encoding.codes.levels.items():
        latents = encoding.latents[name][:, ::-1]
        assert np.array_equal(tokenizer.rank(name, latents, 1).indices[..., 0], array[:, ::-1])
    frozen = images.copy()
    frozen.flags.writeable = False
    with warnings.catch_warnings(action="error"):
        assert tokenizer.encode(frozen).codes == encoding.codes


def test_any_cell_moves_pixels_within_its_reach_and_none_beyond(tokenizer):
    """Corners, borders and random cells of every level; and the window around them is what the whole shows there."""
    random, codes = np.random.default_rng(2), random_codes(tokenizer, 144, 176)
    whole, cell = tokenizer.decode(codes)[0], tokenizer.spec.levels[-1].stride
    for level in tokenizer.spec.levels:
        (rows, columns), size = codes[level.name].shape[1:], tokenizer.spec.codebook(level.name).size
        for row, column in _corners_borders_and_others(rows, columns, random):
            other = (codes[level.name][0, row, column] + random.integers(1, size)) % size
            edited = codes.edit(level.name, (0, row, column), other)
            after = tokenizer.decode(edited)[0]
            within = _reached(row, level, 144), _reached(column, level, 176)
            moved = (after != whole).any(-1)
            assert moved[within].any(), f"{level.name} ({row}, {column}) moves nothing"
            moved[within] = False
            assert not moved.any(), f"{level.name} ({row}, {column}) moves a pixel beyond its reach"
            cells = [slice(side.start // cell, -(-side.stop // cell)) for side in within]
            shown = after[tuple(slice(side.start * cell, side.stop * cell) for side in cells)]
            assert np.abs(tokenizer.decode_window(edited, *cells)[0] - shown).max() < 1e-5


def _corners_borders_and_others(rows, columns, random):
    """Cells (row, column) of a grid: all corners, one on every border, some anywhere."""
    row, column = random.integers(1, rows - 1, 2), random.integers(1, columns - 1, 2)
    corners = [(0, 0), (0, columns - 1), (rows - 1, 0), (rows - 1, columns - 1)]
    borders = [(0, column[0]), (rows - 1, column[1]), (row[0], 0), (row[1], columns - 1)]
    return corners + borders + list(zip(random.integers(0, rows, 4), random.integers(0, columns, 4), strict=True))


def _reached(position, level, length):
    """The pixels that a row or column of cells reaches along one side."""
    start, stop = position * level.stride - level.reach, (position + 1) * level.stride + level.reach
    return slice(max(0, start), min(length, stop))


def test_levels_given_are_kept_and_the_others_inferred_again(tokenizer, images, encoding):
    assert tokenizer.reencode(images, encoding.codes) == encoding.codes
    names = list(encoding.codes)
    first = Codes({names[0]: (encoding.codes[names[0]] + 1) % tokenizer.spec.codebook(names[0]).size})
    again = tokenizer.reencode(images, first)
    assert list(again) == names and np.array_equal(again[names[0]], first[names[0]])
    tokenizer.spec.check_codes(again)
    for name in names[1:]:
        assert not np.array_equal(again[name], encoding.codes[name])
    with pytest.raises(CodesError, match="no level 'nothing'"):
        tokenizer.reencode(images, Codes({"nothing": encoding.codes[names[0]]}))


def test_every_level_adds_to_the_picture(tokenizer, encoding):
    codes, names = encoding.codes, list(encoding.codes)
    whole = tokenizer.decode(codes)
    assert np.array_equal(tokenizer.decode_levels(codes, names), whole)
    if len(names) > 1:
        for name in names:
            alone = tokenizer.decode_levels(codes, [name])
            assert alone.shape == whole.shape and not np.allclose(alone, whole, atol=1e-3)
    with pytest.raises(CodesError, match="no level 'nothing'"):
        tokenizer.decode_levels(codes, ["nothing"])
    with pytest.raises(CodesError, match="at least one level"):
        tokenizer.decode_levels(codes, [])


@pytest.fixture(scope="module", params=[*WITHOUT_CODES, *CONTINUOUS])
def continuous(request, tiny_folders):
    return tiny_folders[request.param] if request.param in CONTINUOUS else registry.folder_of(request.param)


def test_a_model_without_codes_says_so_and_goes_from_pictures_to_floats_and_back(continuous, images):
    model, network = load_tokenizer(continuous), load_model(continuous, read_config(continuous))
    assert isinstance(model, EncodesLatents) and isinstance(model, DecodesLatents)
    assert not isinstance(model, Tokenizer) and model.spec.levels == ()
    before = fingerprint(model)
    latents = model.latents(images)
    decoded = model.decode_latents(latents)
    assert decoded.shape == images.shape and decoded.dtype == np.float32
    with torch.inference_mode():
        expected = network(torch.from_numpy(images).permute(0, 3, 1, 2)).reconstruction.clamp(0, 1)
    assert np.allclose(decoded, expected.permute(0, 2, 3, 1), atol=1e-4)
    assert np.array_equal(model.latents(images)["latents"], latents["latents"])
    assert fingerprint(model) == before
    with pytest.raises(PictureError):
        model.latents(images[:, :60])
    with pytest.raises(CodesError, match="has no codes"):
        model.spec.check_codes(Codes({"codes": np.zeros((1, 8, 12), int)}))


@pytest.mark.parametrize("id", CODED)
def test_golden_picture_is_reproduced(id):
    tokenizer, shipped = load_tokenizer(registry.folder_of(id)), golden(id)
    encoding = tokenizer.encode(to_unit(shipped.image)[None])
    for name, found in encoding.codes.levels.items():
        assert (found == shipped.codes[name]).mean() >= 0.999
    assert np.abs(tokenizer.decode(shipped.codes)[0] - to_unit(shipped.reconstruction)).max() < 1.5 / 255


@pytest.mark.gpu
def test_cpu_and_cuda_agree(folder, tokenizer, images, encoding):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU here")
    on_cuda = load_tokenizer(folder, "cuda")
    found = on_cuda.encode(images)
    for name, array in encoding.codes.levels.items():
        assert (found.codes[name] == array).mean() >= 0.999
    assert np.abs(on_cuda.decode(encoding.codes) - tokenizer.decode(encoding.codes)).max() < 1e-3
