"""The Edit tab with models of every kind: two levels, stages, logits, binary digits, and one that is not local."""

import sys

import numpy as np
import pytest

from explorer.bench.servers import answer, free_port, started
from explorer.core.codes import Codes
from explorer.core.images import fit, to_bytes, to_unit
from explorer.models.tokenizer import load_tokenizer
from explorer.services.examples import example
from tests.browser.conftest import pages_of
from tests.browser.edit_page import (
    PATIENCE,
    act,
    canvas,
    cell,
    codes,
    digest,
    open_edit,
    same_but_for_rounding,
    saved,
    select_box,
    shown,
    state,
    tool,
    view,
    wait_for,
)
from tests.browser.test_journeys import choose_title
from tests.tiny_app import GLOBAL, Global

pytestmark = pytest.mark.browser
IMAGE = to_unit(fit(example("Astronaut"), 256, "square"))[None]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The address of an app with untrained models, and the folder of their checkpoints."""
    folder, port = tmp_path_factory.mktemp("tiny_app"), free_port()
    command = [sys.executable, "-m", "tests.tiny_app", "--port", str(port), "--folder", str(folder)]
    with started(command, port) as server:
        answer(server.url)
        yield server.url, folder


@pytest.fixture
def open_model(chromium, tiny):
    """Opens the Edit tab with a model: open_model(kind) -> its page and its tokenizer."""
    url, folder = tiny
    with pages_of(chromium, url) as open_page:

        def open(kind):
            page = open_page()
            open_edit(page)
            choose_title(page, f"tiny.{kind}")
            wait_for(page, model=f"tiny.{kind}", steps="0/0")
            return page, load_tokenizer(folder / kind)

        yield open


def level(page, name):
    page.locator(".ev .tv-levels button", has_text=name).click()


def as_codes(tokenizer, found):
    """Codes of the page as the library has them."""
    return Codes({name: np.reshape(found[name], (1, *tokenizer.spec.shape(name, 256, 256))) for name in found})


def changed(before, after):
    """Level -> flat indices of the cells that differ."""
    return {name: np.flatnonzero(np.not_equal(before[name], after[name])).tolist() for name in before}


def test_of_two_levels_the_finer_is_kept_or_inferred_again(open_model):
    page, tokenizer = open_model("two_grids")
    start, first = codes(page), digest(page)
    assert as_codes(tokenizer, start) == tokenizer.encode(IMAGE).codes
    level(page, "top")
    wait_for(page, grid="32x32")
    assert page.locator(".ev-infer").inner_text().split("\n") == ["keep bottom", "infer bottom again"]
    select_box(page, 4, 5, 9, 9)
    page.locator(".ev-code").fill("7")
    act(page, "set")
    wait_for(page, steps="1/1", busy="no")
    kept = codes(page)
    box = [row * 32 + column for row in range(4, 10) for column in range(5, 10)]
    assert {kept["top"][at] for at in box} == {7} and set(changed(start, kept)["top"]) <= set(box)
    assert kept["bottom"] == start["bottom"]
    act(page, "undo")
    wait_for(page, steps="0/1", busy="no")
    page.locator(".ev-infer button", has_text="infer bottom again").click()
    act(page, "set")
    wait_for(page, steps="1/1", busy="no")  # edit and inference are one step
    inferred = codes(page)
    assert inferred["top"] == kept["top"] and inferred["bottom"] != start["bottom"]
    expected = tokenizer.reencode(IMAGE, Codes({"top": as_codes(tokenizer, kept)["top"]}))
    assert as_codes(tokenizer, inferred) == expected
    same_but_for_rounding(shown(page), to_bytes(tokenizer.decode(expected))[0])
    assert [edit["level"] for edit in saved(page)["edits"]] == ["top", "bottom"]
    level(page, "bottom")
    wait_for(page, grid="64x64")
    assert not page.locator(".ev-infer").is_visible()
    select_box(page, 60, 60, 63, 63)
    act(page, "random")
    wait_for(page, steps="2/2", busy="no")
    moved = changed(inferred, codes(page))
    assert moved["top"] == [] and {at // 64 for at in moved["bottom"]} <= {60, 61, 62, 63}
    for _ in range(2):
        canvas(page).press("Control+z")
    wait_for(page, steps="0/2", busy="no")
    assert digest(page) == first


def test_a_dvae_offers_the_codes_that_the_encoder_also_considered(open_model):
    page, tokenizer = open_model("gumbel")
    encoding = tokenizer.encode(IMAGE)
    ranking = tokenizer.rank("codes", encoding.latents["codes"], 8)
    tool(page, "cell")
    canvas(page).click(position=cell(page, 11, 13))
    wait_for(page, selected="1")
    offered = page.locator(".ev-runners .ev-swatch")
    assert page.locator(".ev-runners-fact").inner_text().startswith("row 11, column 13")
    best = ranking.indices[0, 11, 13].tolist()
    assert [int(offered.nth(i).get_attribute("data-code")) for i in range(8)] == best
    odds = [float(text.removesuffix(" %")) for text in page.locator(".ev-runners .ev-swatch small").all_inner_texts()]
    assert np.allclose(odds, 100 * np.exp(-ranking.scores[0, 11, 13]), atol=0.06) and odds == sorted(odds)[::-1]
    start = codes(page)
    offered.nth(2).click()
    wait_for(page, steps="1/1", busy="no")
    assert changed(start, codes(page)) == {"codes": [11 * 32 + 13]} and codes(page)["codes"][11 * 32 + 13] == best[2]
    assert offered.nth(2).get_attribute("aria-pressed") == "true"
    canvas(page).click(position=cell(page, 20, 2))
    page.locator(".ev-runners-fact", has_text="row 20, column 2").wait_for()
    best = ranking.indices[0, 20, 2].tolist()
    assert [int(offered.nth(i).get_attribute("data-code")) for i in range(8)] == best


def test_bits_of_a_lookup_free_code_are_set_one_by_one(open_model):
    page, _ = open_model("lookup_free")
    select_box(page, 3, 3, 5, 6)
    start, boxes = codes(page)["codes"], page.locator(".ev-digits input")
    bits = [start[3 * 32 + 3] >> place & 1 for place in range(5)]
    assert [boxes.nth(place).is_checked() for place in range(boxes.count())] == bits
    bit = bits[3]
    boxes.nth(3).press("Space")
    wait_for(page, steps="1/1", busy="no")
    now = codes(page)["codes"]
    for row in range(3, 6):
        for column in range(3, 7):
            at = row * 32 + column
            assert now[at] == start[at] & ~8 | (0 if bit else 8)
    code = now[3 * 32 + 3]
    bits = [code >> place & 1 for place in range(5)]
    text = f"code {code} = {bits[0]} + {bits[1]} × 2 + {bits[2]} × 4 + {bits[3]} × 8 + {bits[4]} × 16"
    assert page.locator(".ev-digits p").inner_text() == text
    assert boxes.nth(3).is_checked() != bit
    assert page.locator(".ev-palette small").nth(1).inner_text() == "1.0"  # one digit step away


def test_stages_of_a_residual_code_are_edited_one_by_one(open_model):
    page, tokenizer = open_model("residual")
    start = codes(page)
    assert list(start) == ["stage 1", "stage 2", "stage 3"]
    level(page, "stage 2")
    assert page.locator(".ev-infer").inner_text().split("\n") == ["keep stage 3", "infer stage 3 again"]
    select_box(page, 0, 28, 2, 31)
    page.locator(".ev-palette .ev-swatch").nth(4).click()
    wait_for(page, steps="1/1", busy="no")
    kept = codes(page)
    assert kept["stage 1"] == start["stage 1"] and kept["stage 3"] == start["stage 3"]
    assert len({kept["stage 2"][row * 32 + column] for row in range(3) for column in range(28, 32)}) == 1
    page.locator(".ev-infer button", has_text="infer stage 3 again").click()
    act(page, "random")
    wait_for(page, steps="2/2", busy="no")
    now = as_codes(tokenizer, codes(page))
    given = Codes({name: now[name] for name in ("stage 1", "stage 2")})
    assert now["stage 1"].reshape(-1).tolist() == start["stage 1"] and tokenizer.reencode(IMAGE, given) == now
    same_but_for_rounding(shown(page), to_bytes(tokenizer.decode(now))[0])


def test_of_a_model_without_codes_there_is_nothing_to_edit(open_model):
    page, _ = open_model("point")
    assert page.locator(".ev .tv-empty").first.inner_text().startswith("This model keeps floats")
    assert not page.locator(".ev-lower").is_visible() and not page.locator(".ev-tools").is_visible()
    choose_title(page, "tiny.gumbel")
    wait_for(page, model="tiny.gumbel", grid="32x32")
    select_box(page, 1, 1, 2, 2)
    act(page, "random")
    wait_for(page, steps="1/1", busy="no")


def test_the_palette_is_ordered_by_distance_between_unit_vectors(open_model):
    page, tokenizer = open_model("normalized_vector")
    tool(page, "cell")
    canvas(page).click(position=cell(page, 7, 7))
    code = codes(page)["codes"][7 * 32 + 7]
    page.locator(".ev-palette-fact", has_text=f"nearest to {code},").wait_for()
    page.wait_for_function(f"document.querySelector('.ev-palette .ev-swatch')?.dataset.code === '{code}'")
    table = tokenizer.vectors("codebook", np.arange(24)).astype(np.float64)
    distances = np.linalg.norm(table - table[code], axis=1)
    found = [int(swatch.get_attribute("data-code")) for swatch in page.locator(".ev-palette .ev-swatch").all()]
    assert found == np.argsort(distances, kind="stable")[:16].tolist()
    texts = page.locator(".ev-palette small").all_inner_texts()
    assert np.allclose([float(text) for text in texts], distances[found], atol=0.051)


def test_of_a_model_that_is_not_local_the_page_says_and_shows_that_influence_is_global(open_model):
    page, local = open_model("global")
    tokenizer = Global(local)
    assert state(page)["model"] == GLOBAL
    tool(page, "cell")
    canvas(page).click(position=cell(page, 30, 2))
    view(page, "Influence")
    caption = page.locator('.ev [data-figure="change"] figcaption')
    caption.filter(has_text="Influence is global in this model").wait_for(timeout=PATIENCE)
    assert "65,536 of 65,536 pixels move with row 30, column 2" in caption.inner_text()
    far = canvas(page, "change").evaluate(
        "c => [...c.getContext('2d').getImageData(c.width - 20, 20, 1, 1).data].slice(0, 3)"
    )
    assert max(far) > 0, "the far corner of the influence map is black"
    assert "changes every pixel" in page.locator(".facts").inner_text()
    before = shown(page)
    select_box(page, 29, 1, 31, 3)  # of one cell, the code drawn may be the one it has: one time in 24
    act(page, "random")
    wait_for(page, steps="1/1", busy="no")
    assert "256 × 256 px" in page.locator('.ev [data-figure="picture"] .tv-fact').inner_text()
    expected = to_bytes(tokenizer.decode(as_codes(tokenizer, codes(page))))[0]
    same_but_for_rounding(shown(page), expected)
    assert (before != expected).any()
