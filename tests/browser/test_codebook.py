"""The Codebook tab in a real browser: what is clicked is what is chosen, at any size of codebook."""

import functools
import random
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import expect

import explorer
from explorer.analysis.codebook_map import MapKey, mapped_codes, placed_by
from explorer.analysis.projection import pca
from explorer.bench.servers import free_port
from explorer.core.images import encode_file, to_unit
from explorer.core.mosaic import mosaic
from explorer.models import registry
from explorer.models.config import FiniteScalarConfig, VectorConfig, write_config
from explorer.models.tokenizer import load_tokenizer
from explorer.services.model_store import ModelStore
from explorer.services.occurrences import encoder_outputs
from explorer.services.reference import golden as golden_of
from explorer.services.reference import reference
from explorer.training.reference import write_golden
from explorer.ui.app import build_app, launch_options
from explorer.ui.context import AppContext
from tests.browser import test_journeys
from tests.browser.conftest import pages_of
from tests.conftest import write_checkpoint

pytestmark = pytest.mark.browser
LARGE = {
    "large.vector": VectorConfig(size=16_384, dim=4),
    "large.finite_scalar": FiniteScalarConfig((8, 8, 8, 5, 5, 5)),
}

state = functools.partial(test_journeys.state, view=".cv")
wait_for = functools.partial(test_journeys.wait_for, view=".cv")


@pytest.fixture(scope="module")
def large_url(tmp_path_factory):
    """An app of two untrained models with 16,384 and 64,000 codes, their swatches and counts planted."""
    folders, random_numbers = {}, np.random.default_rng(0)
    for id, quantizer in LARGE.items():
        folder = folders[id] = tmp_path_factory.mktemp("large")
        write_config(folder, replace(write_checkpoint(folder, quantizer), id=id, title=id))
        tokenizer = load_tokenizer(folder)
        size = tokenizer.spec.codebooks[0].size
        swatches = mosaic(random_numbers.integers(0, 256, (size, 8, 8, 3), dtype=np.uint8))[0]
        planted = {
            "counts": np.where(np.arange(size) % 2, random_numbers.integers(1, 1000, size), 0),
            "swatches": np.frombuffer(encode_file(swatches, "webp", lossless=True, method=0), np.uint8),
            "colours": random_numbers.integers(0, 256, (size, 3), dtype=np.uint8),
        }
        np.savez(folder / "reference.npz", **{f"{name}/codes": array for name, array in planted.items()})
        write_golden(folder, tokenizer)
    known = dict(registry._folders)
    registry._folders.update(folders)
    app = build_app(AppContext(ModelStore("cpu"), tuple(folders)))
    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, server_port=free_port(), **launch_options())
    yield url.rstrip("/")
    app.close()
    registry._folders.clear()
    registry._folders.update(known)
    registry.spec.cache_clear()


def open_codebook(page):
    page.get_by_role("tab", name="Codebook").click()
    page.wait_for_selector('.cv[data-ready="yes"]', timeout=60_000)


def choose(page, group, label):
    page.locator(f".cv-{group} button", has_text=label).click()


def places(page, id):
    """Where the codes of the two-dimensional PCA map stand on the canvas, worked out apart from the page."""
    key = MapKey("codes", method="pca")
    tokenizer = load_tokenizer(registry.folder_of(id))
    found = pca(placed_by(tokenizer, key), 2, encoder_outputs(id, "codes"))
    box = page.locator(".cv-canvas").bounding_box()
    scale = 0.46 * min(box["width"], box["height"])
    middle = np.array([box["width"], box["height"]]) / 2
    return mapped_codes(tokenizer.spec.codebooks[0]), middle + found.points * [scale, -scale]


@pytest.mark.parametrize(("id", "points"), [("large.vector", 50), ("large.finite_scalar", 15)])
def test_a_click_chooses_the_code_under_it_at_random_points(chromium, large_url, id, points):
    with pages_of(chromium, large_url) as open_page:
        click_codes(open_page(), id, points)


def click_codes(page, id, points):
    test_journeys.choose_title(page, id)
    open_codebook(page)
    choose(page, "methods", "PCA")
    wait_for(page, map="vectors/pca/2", model=id)
    codes, shown = places(page, id)
    canvas, draw = page.locator(".cv-canvas"), random.Random(0)
    for at in draw.sample(range(len(codes)), points):
        # On the map codes crowd, and in FSQ's several stand on one spot: any of the nearest will do.
        distances = np.linalg.norm(shown - shown[at], axis=1)
        canvas.click(position={"x": shown[at][0], "y": shown[at][1]})
        page.wait_for_function("document.querySelector('.cv').dataset.chosen")
        assert distances[codes == int(state(page)["chosen"])][0] < 1
        page.keyboard.press("Escape")


def test_what_is_chosen_in_one_tab_is_chosen_in_the_others(open_page):
    page = open_page()
    token_map = page.locator('.tv [data-figure="codes"] canvas').first
    box = token_map.bounding_box()
    token_map.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    code = test_journeys.state(page)["code"]
    open_codebook(page)
    wait_for(page, chosen=code)
    page.locator(".cv-goto").fill("17")
    page.locator(".cv-goto").press("Enter")
    wait_for(page, chosen="17")
    page.wait_for_selector('.cv-code[data-code="17"]')
    # The nearest code is one click away, and Tokenize lights up the cells that have it.
    nearest = page.locator(".cv-near .ev-swatch").first
    code = nearest.locator("b").inner_text()
    nearest.click()
    wait_for(page, chosen=code)
    page.get_by_role("tab", name="Tokenize").click()
    cells = int(page.evaluate("(code) => document.querySelector('.tv').dataset.lit", code) or 0)
    grid = explorer.load(explorer.available()[0], "cpu").encode(golden_image()).codes["codes"]
    assert cells == np.count_nonzero(grid == int(code))


def test_what_is_called_dead_and_grey_is_so(open_page):
    """A threshold calls codes dead that are rarely used: of these the page does not say that nothing has them."""
    id, page = "vq.caltech_f8_1024", open_page()
    test_journeys.choose_model(page, id)
    open_codebook(page)
    counts = reference(id).counts["codes"]
    rare = int(np.where(counts > 0, counts, counts.max()).argmin())
    page.locator(".cv-at-most").fill(str(counts[rare]))
    page.locator(".cv-at-most").press("Enter")
    page.locator(".cv-goto").fill(str(rare))
    page.locator(".cv-goto").press("Enter")
    page.locator(".cv-code-head", has_text=f"dead: at most {counts[rare]:,} reference tokens have it").wait_for()
    caption = page.locator(".cv-caption")
    expect(caption).to_contain_text(" Grey: ")
    choose(page, "colours", "norm")
    expect(caption).to_contain_text(" Dead: ")
    expect(caption).not_to_contain_text("Grey")


def test_a_code_of_another_level_takes_the_other_tab_to_its_level(open_page):
    id, page = "vqvae2.caltech_f4f8_512", open_page()
    test_journeys.choose_model(page, id)
    open_codebook(page)
    levels = page.locator("#codebook-view .tv-levels button")
    levels.filter(has_text="bottom").click()
    wait_for(page, level="bottom")
    bottom = golden_of(id).codes["bottom"]
    code = np.bincount(bottom.reshape(-1)).argmax()
    page.locator(".cv-goto").fill(str(code))
    page.locator(".cv-goto").press("Enter")
    page.get_by_role("tab", name="Tokenize").click()
    test_journeys.wait_for(page, grid="64x64", lit=str(np.count_nonzero(bottom == code)))
    page.locator("#token-view .tv-levels button", has_text="top").click()
    test_journeys.canvas(page).first.click(position={"x": 9, "y": 9})
    page.get_by_role("tab", name="Codebook").click()
    wait_for(page, level="top", chosen=test_journeys.state(page)["code"])
    levels.filter(has_text="bottom").click()  # and the level stays the user's to choose
    wait_for(page, level="bottom")
    assert page.locator(".cv-code .cv-hint").is_visible()


def test_the_statistics_of_this_picture_follow_the_model(open_page):
    page = open_page()
    open_codebook(page)
    page.locator("#usage-source label", has_text="This picture").click()
    for id in ("vq_ema.caltech_f8_1024", "fsq.caltech_f8_1000", "vq.caltech_f8_1024"):
        test_journeys.choose_model(page, id)
        used = len(np.unique(golden_of(id).codes["codes"]))
        expect(page.locator("#usage-figures")).to_contain_text(f"{used:,}", timeout=30_000)
    expect(page.locator(".toast-body")).to_have_count(0)


def widest_gap(values, first, last):
    """The middle of the widest gap between sorted values, from one rank to another."""
    values = np.sort(values)[first:last]
    widest = int(np.diff(values).argmax())
    return (values[widest] + values[widest + 1]) / 2


def test_filters_lasso_table_and_export(open_page, tmp_path):
    page = open_page()
    open_codebook(page)
    choose(page, "methods", "PCA")
    wait_for(page, map="vectors/pca/2")
    counts = reference(explorer.available()[0]).counts["codes"]
    first = page.locator(".cv-table tbody tr").first
    assert first.locator("td").nth(1).inner_text() == f"{counts.max():,}"
    choose(page, "filters", "in this picture")
    page.wait_for_function(
        "Number(document.querySelector('.cv-page').textContent.split(' of ')[1].replace(',', '')) < 1024"
    )
    choose(page, "filters", "all")
    choose(page, "tool", "lasso")
    canvas = page.locator(".cv-canvas")
    box = canvas.bounding_box()
    codes, shown = places(page, explorer.available()[0])
    # Between codes that are far from each other, so that a pixel more or less decides nothing.
    right, low = widest_gap(shown[:, 0], 300, 700), widest_gap(shown[:, 1], 600, 900)
    corners = [(5, 5), (right, 5), (right, low), (5, low)]
    canvas.hover(position={"x": 5, "y": 5})
    page.mouse.down()
    for x, y in [*corners, corners[0]]:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=4)
    page.mouse.up()
    inside = (shown[:, 0] < right) & (shown[:, 1] < low) & (shown > 5).all(1)
    page.wait_for_function("document.querySelector('.cv').dataset.lasso > 0")
    assert abs(int(state(page)["lasso"]) - inside.sum()) <= 3
    with page.expect_download() as download:
        page.locator('.cv [data-do="export"]').click()
    text = download.value.path().read_text()
    assert text.count("<tr") == 1 + len(codes)
    assert "http" not in text.replace("http://www.w3.org", "")


def test_vectors_on_the_sphere_have_lengths_that_read_alike(open_page):
    id = "vq_l2.caltech_f8_1024"
    page = open_page()
    test_journeys.choose_model(page, id)
    open_codebook(page)
    lengths = page.locator(".cv-table tbody tr td:nth-child(4)")
    lengths.first.wait_for()
    assert lengths.all_inner_texts() == ["1.0"] * 20


def golden_image():
    return to_unit(golden_of(explorer.available()[0]).image)[None]
