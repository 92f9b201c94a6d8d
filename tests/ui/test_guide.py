"""The Guide's texts hold together, and what is live in them is computed from the shipped models."""

import json
import re

import numpy as np
import pytest

import explorer
from explorer.guide import QUOTED, listing
from explorer.services.model_store import ModelStore
from explorer.services.reference import golden
from explorer.ui import codebook, compare, edit, guide, lab, tokenize
from explorer.ui.components import GUIDE_PARTS, asset
from explorer.ui.context import AppContext
from explorer.ui.guide_calls import GuideCalls
from explorer.ui.guide_steps import LOGITS, STEPS, VECTORS, Paper, pages

TABS = {codebook.TITLE, compare.TITLE, edit.TITLE, guide.TITLE, lab.TITLE, tokenize.TITLE}


@pytest.fixture(scope="module")
def calls():
    return GuideCalls(AppContext(ModelStore("cpu"), tuple(explorer.available())))


def answer(call, **request):
    return json.loads(call(json.dumps(request)))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.key)
def test_a_step_has_a_text_something_live_sources_and_a_way(step):
    text = asset(f"guide/{step.key}.html")
    assert re.findall(r'data-live="(\w+)"', text) == [step.key]
    assert step.key in GUIDE_PARTS and f"live.{step.key} = " in asset(f"guide/{step.key}.js")
    assert set(re.findall(r'data-listing="(\w+)"', text)) <= set(QUOTED)
    assert step.papers and all(re.fullmatch(r"\d{4}\.\d{5}|\d{4}\.\d{4}", paper.arxiv) for paper in step.papers)
    assert step.ways and all(way.tab in TABS for way in step.ways)


def models_of(found):
    return {page["key"]: page["ways"][-1]["model"] for page in found}


def test_pages_carry_formulas_as_mathml_and_listings_of_our_source():
    found = pages((VECTORS,), listing)
    assert [page["key"] for page in found] == [step.key for step in STEPS] and 8 <= len(found) <= 10
    everything = "".join(page["body"] for page in found)
    assert everything.count("<math") > 30
    assert not re.search(r"\\[a-zA-Z\[\](]", re.sub(r"<figure.*?</figure>", "", everything, flags=re.S))
    assert everything.count('class="gv-listing"') == 7 and everything.count("data-marked") == 8
    assert "indices = nearest(z.reshape(-1, z.shape[-1]), codebook)" in everything
    ways = models_of(found)
    assert ways["lookup"] == VECTORS and ways["gumbel"] == "" and ways["fsq"] == "" and ways["token"] == ""
    assert models_of(pages((VECTORS, LOGITS), listing))["gumbel"] == LOGITS


def test_the_winner_of_the_lookup_is_the_code_of_the_cell(calls):
    for row, column in ((0, 0), (9, 15), (31, 31)):
        found = answer(calls.lookup, row=row, column=column)
        assert found["rows"][0]["code"] == golden(VECTORS).codes["codes"][0, row, column]
        distances = [entry["distance"] for entry in found["rows"]]
        assert distances == sorted(distances) and len(distances) == 8 and found["size"] == 1024


def test_the_relaxed_cell_is_the_dvaes_own(calls):
    for row, column in ((0, 0), (9, 15)):
        found = answer(calls.gumbel, row=row, column=column, temperature=1.0, seed=0)
        assert found["codes"][0] == golden(LOGITS).codes["codes"][0, row, column]
        assert found["probabilities"] == sorted(found["probabilities"], reverse=True)


def test_what_is_drawn_is_the_models_own(calls):
    found = answer(calls.gumbel, row=9, column=15, temperature=0.05, seed=3)
    assert len(found["codes"]) == len(found["swatches"]) == 10 and sum(found["weights"]) + found[
        "rest"
    ] == pytest.approx(1)
    first = answer(calls.prior, seed=0)
    assert (
        first["drawn"] != answer(calls.prior, seed=1)["drawn"] and first["real"] == answer(calls.prior, seed=1)["real"]
    )
    assert answer(calls.gradient, seed=0)["difference"] == 0
    stages = answer(calls.stages, stages=3, seed=0)
    assert np.shape(stages["sums"]) == (3, 1024, 2) and stages["errors"][-1] < stages["errors"][1] / 4


def test_usage_is_told_of_every_model_with_codes(calls):
    found = answer(calls.usage)["models"]
    assert len(found) == len([id for id in explorer.available() if explorer.load(id, "cpu").spec.levels])
    for model in found:
        assert model["ranks"][0] == 1 and model["ranks"][-1] == model["size"] and model["used"] <= model["size"]
        assert model["shares"] == sorted(model["shares"], reverse=True)


def test_what_can_not_be_is_refused_in_words(calls):
    for call, request, words in [
        (calls.lookup, {"row": 32, "column": 0}, "There is no cell 32, 0"),
        (calls.lookup, {"row": -1, "column": 0}, "whole number"),
        (calls.gumbel, {"row": 0, "column": 0, "temperature": "hot", "seed": 0}, "A number was expected"),
        (calls.pulls, {"z": [0], "codebook": [[0, 0]], "beta": 1}, "point of the plane"),
        (calls.rounded, {"z": [0, 1]}, "3 axes"),
        (calls.stages, {"stages": 2, "seed": True}, "whole number"),
    ]:
        assert words in answer(call, **request)["error"]
    assert len(answer(calls.stages, stages=10**6, seed=0)["sums"]) == 5


def test_papers_are_cited_once_each():
    papers = {paper for step in STEPS for paper in step.papers}
    assert len({paper.arxiv for paper in papers}) == len(papers) and all(isinstance(paper, Paper) for paper in papers)
