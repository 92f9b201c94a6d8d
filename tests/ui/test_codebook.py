"""The Codebook tab's handlers: what is counted over which source, and what is known of one code."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import explorer
from explorer.analysis.usage import Usage, conclusion
from explorer.models import registry
from explorer.models.tokenizer import load_tokenizer
from explorer.services.model_store import ModelStore
from explorer.services.reference import Reference, golden, reference
from explorer.ui import code_page, codebook
from explorer.ui.codebook import PICTURE, REFERENCE, UPLOADED, Asked, CodebookTab, Counted, levels_table, strip
from explorer.ui.codebook_calls import CodebookCalls
from explorer.ui.context import AppContext
from explorer.ui.shared import Session
from tests.bad_pictures import photo

MODEL = explorer.available()[0]
ASKED = json.dumps({"model": MODEL, "level": "codes", "at_most": 0, "picture": "x"})


@pytest.fixture(scope="module")
def context():
    return AppContext(ModelStore("cpu"), (MODEL,))


@pytest.fixture
def session():
    return Session(MODEL, "astronaut", golden(MODEL).codes)


def test_figures_of_the_reference_and_of_this_picture(context, session):
    tab = CodebookTab(context)
    text, grown, rank, *_ = tab.on_asked(ASKED, REFERENCE, session, Counted())
    usage = Usage(reference(MODEL).counts["codes"])
    assert (
        "not seen yet" in text
        and f"{usage.used:,}" in text
        and f"{usage.tokens:,}" in text
        and conclusion(usage) in text
    )
    assert grown.data[1].x[-1] == usage.tokens and round(grown.data[1].y[-1]) == usage.used
    assert rank.data[0].y[0] == pytest.approx(100 * usage.counts.max() / usage.tokens)
    text, grown, _, variety, places = tab.on_asked(ASKED, PICTURE, session, Counted())
    assert variety["visible"] is False and places is None
    assert "not seen yet" not in text  # what one picture says of it is nothing
    assert "1,024 tokens of 1 picture" in text and "says nothing about collapse" in text
    assert grown.data[1].y[-1] == pytest.approx(len(np.unique(session.codes["codes"])))


def test_large_shares_have_no_exponent():
    counts = np.array([1] * 400 + [0] * 624)
    assert "e+" not in codebook.strip(Usage(counts), 0) and "<b>100 <small>%" in codebook.strip(Usage(counts), 0)


def test_variety_by_place_is_shown_where_it_was_recorded(context, session, monkeypatch):
    size = reference(MODEL).counts["codes"].size
    positions = np.zeros((size, 8, 8), int)
    positions[:32] = 3
    monkeypatch.setattr(codebook, "occurrences_of", lambda id, level: SimpleNamespace(positions=positions))
    *_, variety, places = CodebookTab(context).on_asked(ASKED, REFERENCE, session, Counted())
    assert variety["visible"] is True and np.allclose(places.data[0].z, 32)


def test_several_levels_are_told_apart_in_a_table():
    levels = {"top": Usage(np.array([4, 0])), "bottom": Usage(np.array([9, 9, 9]))}
    table = levels_table(levels)
    assert "<th>top</th><td>1 of 2</td>" in table and "<th>bottom</th><td>3 of 3</td>" in table
    assert levels_table({"top": levels["top"]}) == ""


def test_a_picture_coded_by_another_model_is_not_counted(context, session):
    with pytest.raises(Exception, match="coded by another model"):
        CodebookTab(context).on_asked(ASKED, PICTURE, replace(session, model="other"), Counted())


def test_uploaded_pictures_are_counted_as_they_come(context, session, tmp_path):
    paths = []
    for number in range(5):
        photo().rotate(90 * number).save(tmp_path / f"{number}.png")
        paths.append(str(tmp_path / f"{number}.png"))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    tab = CodebookTab(context)
    counted = list(tab.on_files([*paths, str(tmp_path / "broken.png")], ASKED, replace(session, how="square")))
    assert [found.usage["codes"].pictures for found in counted] == [4, 5]
    assert counted[-1].usage["codes"].tokens == 5 * 1024
    text, *_ = tab.on_asked(ASKED, UPLOADED, session, counted[-1])
    assert "broken.png" in text and "5 pictures" in text
    assert "Choose pictures above" in tab.on_asked(ASKED, UPLOADED, session, Counted())[0]


def test_the_threshold_decides_what_is_dead():
    usage = Usage(np.array([0, 1, 2, 50]))
    assert "<b>1 <small></small></b><span>dead: never seen" in strip(usage, 0)
    assert "<b>3 <small></small></b><span>dead: seen at most 2 times" in strip(usage, 2)


def test_the_counter_of_a_checkpoint_is_told_beside_the_measured_usage(context, session):
    text, *_ = CodebookTab(context).on_asked(ASKED, REFERENCE, session, Counted())
    assert "The checkpoint&#x27;s counter (running mean of uses per training batch)" in text


@pytest.fixture
def calls(tiny_folders, monkeypatch, tmp_path):
    tokenizer = load_tokenizer(tiny_folders["vector"])
    monkeypatch.setitem(registry._folders, tokenizer.spec.id, tiny_folders["vector"])
    registry.spec.cache_clear()
    store = SimpleNamespace(get=lambda id: tokenizer, reference=lambda id: Reference())
    yield CodebookCalls(SimpleNamespace(store=store)), tokenizer
    registry.spec.cache_clear()


def test_a_code_is_described_without_and_with_its_occurrences(calls, monkeypatch):
    calls, tokenizer = calls
    request = json.dumps({"model": tokenizer.spec.id, "level": "codes", "code": 3})
    monkeypatch.setattr(code_page, "occurrences_of", lambda id, level: None)
    found = json.loads(calls.code(request))
    vectors = tokenizer.vectors("codebook", np.arange(24))
    distances = np.linalg.norm(vectors - vectors[3], axis=1)
    assert found["near"] == np.argsort(distances)[1:9].tolist() and "patches" not in found
    patch = SimpleNamespace(
        pixels=np.zeros((24, 24, 3), np.uint8), name="a.jpg", row=1, column=2, margin=8, cost=0.5, quantile=0.0
    )
    beside = SimpleNamespace(codes=np.array([5]), counts=np.array([9]), lifts=np.array([2.0]))
    seen = SimpleNamespace(
        exemplars=lambda code: [patch],
        beside=lambda code: {"left": beside},
        positions=np.arange(24 * 64).reshape(24, 8, 8),
    )
    monkeypatch.setattr(code_page, "occurrences_of", lambda id, level: seen)
    found = json.loads(calls.code(request))
    assert found["patches"][0]["name"] == "a.jpg" and found["beside"]["left"]["codes"] == [5]
    assert found["positions"][0][0] == 3 * 64


@pytest.mark.parametrize("code", [-1, 24, 1.5, "3", None])
def test_a_code_that_there_is_not_is_refused_in_words(calls, code):
    calls, tokenizer = calls
    reply = json.loads(calls.code(json.dumps({"model": tokenizer.spec.id, "level": "codes", "code": code})))
    assert "between 0 and 23" in reply["error"]


def test_counted_levels_are_those_asked_for():
    assert Asked.read(ASKED) == Asked(MODEL, "codes", 0)
    assert Asked.read("") == Asked()
