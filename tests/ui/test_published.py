"""Published models on every tab: what the page asks of them is answered, or refused in a sentence."""

import json
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.analysis.self_test import Check
from explorer.core.errors import CodesError, UnknownModelError
from explorer.models import registry
from explorer.plots.palette import hashed_colours
from explorer.services.examples import GOLDEN as EXAMPLE
from explorer.services.model_store import ModelStore
from explorer.services.published import open_own
from explorer.ui.api import Api
from explorer.ui.codebook import PICTURE, REFERENCE, Asked, CodebookTab, Counted
from explorer.ui.compare import CompareTab
from explorer.ui.context import AppContext
from explorer.ui.edit_calls import EditCalls
from explorer.ui.more_models import MoreModels, card
from explorer.ui.self_test import checks_table
from explorer.ui.shared import Session, facts, model_view, summary
from explorer.ui.tokenize import TokenizeTab
from tests.adapters.golden import GOLDEN
from tests.published import ABSENT, FAMILIES, GUMBEL, LFQ, TITOK, VAR, downloaded, id_of  # noqa: F401

pytestmark = pytest.mark.usefixtures("downloaded")


@pytest.fixture(scope="module")
def context():
    return AppContext(ModelStore("cpu"), tuple(registry.available()))


def by_name(part, names):
    part.outputs = {name: name for name in names}
    return part


@pytest.fixture(scope="module", params=FAMILIES)
def shown(request, context):
    """(family, session, picture payload, measures payload) of the example picture."""
    tab = by_name(TokenizeTab(context), ("view", "session", "model", "summary", "facts", "gallery"))
    begun = Session(context.default_model, EXAMPLE, None, size=128)
    first, last = tab.on_setting(id_of(request.param), 128, "square", begun)
    payload = json.loads(first["view"]._constructor_args[0]["value"])
    measures = json.loads(last["view"]._constructor_args[0]["measures"])
    return request.param, first["session"], payload, measures


def test_a_picture_is_tokenized_and_the_payload_says_its_grids(shown, context):
    family, session, payload, measures = shown
    spec = context.store.spec(session.model)
    assert session.codes.tokens == sum(level["rows"] * level["columns"] for level in payload["levels"])
    assert [tuple(level["shape"]) for level in payload["levels"]] == [
        session.codes[level.name].shape[1:] for level in spec.levels
    ]
    assert payload["width"] == (spec.side or 128)
    assert "its own statistics" in json.dumps(measures)
    told = facts(spec, "CPU")
    assert "by this project" not in told and "None" not in told
    assert "From the Hub" in summary(spec) and ("Takes only" in summary(spec)) == (family in (VAR, TITOK))


def test_of_a_large_codebook_no_colours_are_sent(shown, context):
    family, session, *_ = shown
    text = model_view(context.store, session.model)
    assert ("colours" in json.loads(text)["levels"][0]) == (family != LFQ)
    assert len(text) < 2**20


def test_edits_influence_and_neighbours_are_answered(shown, context):
    family, session, payload, _ = shown
    calls, level = EditCalls(context), payload["levels"][-1]
    levels = {entry["name"]: {"grid": entry["shape"], "codes": entry["codes"]} for entry in payload["levels"]}
    about = {"model": session.model, "revision": payload["revision"], "levels": levels, "level": level["name"]}
    edit = {"kind": "randomize", "level": level["name"], "cells": [[0, 3]], "seed": 1}
    reply = json.loads(calls.edit(json.dumps({**about, "edits": [edit]})))
    assert list(reply["levels"]) == [level["name"]] and reply["picture"].startswith("data:image")
    assert json.loads(calls.influence(json.dumps({**about, "cell": 2})))["pixels"] > 0
    near = json.loads(calls.neighbours(json.dumps({**about, "code": 3})))
    assert near["codes"][0] == 3
    if family == LFQ:  # too many to send the swatches of, so they come with the codes
        assert len(near["swatches"]) == len(near["codes"])
    if family in (VAR, TITOK):
        assert near["swatches"] == []
    marginal = {"kind": "sample_marginal", "level": level["name"], "cells": [[0, 1]], "seed": 1}
    assert "no reference counts" in json.loads(calls.edit(json.dumps({**about, "edits": [marginal]})))["error"]
    stitched = json.loads(calls.stitch(json.dumps({**about, "example": EXAMPLE})))
    assert ("no lower half" in stitched.get("error", "")) == (family == TITOK)


def test_the_codebook_is_mapped_or_said_to_have_no_swatches(shown, context):
    family, session, payload, _ = shown
    calls, level = CodebookTab(context).calls, payload["levels"][0]["name"]
    wanted = {"model": session.model, "level": level, "method": "pca", "dims": 2}
    assert json.loads(calls.map(json.dumps({**wanted, "of": "vectors"})))["points"]
    if family != LFQ:  # decoding a sample of its codes takes this long
        of_swatches = json.loads(calls.map(json.dumps({**wanted, "of": "swatches"})))
        assert ("no part of a picture" in of_swatches.get("error", "")) == (family in (VAR, TITOK))
    assert "error" not in json.loads(calls.facts(json.dumps(wanted)))
    assert json.loads(calls.code(json.dumps({**wanted, "code": 1})))["near"]
    assert Api(context).code(session.model, 1)["count"] is None


def test_usage_of_the_picture_is_counted_and_of_held_out_pictures_refused(shown, context):
    _, session, payload, _ = shown
    tab, text = CodebookTab(context), json.dumps({"model": session.model, "level": payload["levels"][0]["name"]})
    assert Asked.read(text).model == session.model
    said, *figures = tab.on_asked(text, REFERENCE, session, Counted())
    assert "bundled models alone" in said and figures[0] is None
    assert "perplexity" in tab.on_asked(text, PICTURE, session, Counted())[0]


def test_endpoints_take_them_and_codes_come_back(shown, context):
    _, session, *_ = shown
    api = Api(context)
    spec = context.store.spec(session.model)
    levels = {name: {"codes": session.codes[name][0].tolist()} for name in session.codes}
    given = {"model": session.model, "revision": spec.revision, "levels": levels}
    assert api.decode(session.model, given).endswith(".png")
    back = json.loads(TokenizeTab(context).codes_as_npz(json.dumps(given)))
    assert len(back["npz"]) > 100
    assert {row["what"] for row in api.check(session.model)} >= {"codes fit the spec", "same in, same out"}
    listed = {model["id"]: model for model in api.models()}
    assert listed[session.model]["downloaded"] and not listed[ABSENT]["downloaded"]


def test_models_of_one_size_and_of_any_are_compared(context):
    tab = CompareTab(context)
    ids = (context.default_model, id_of(TITOK), id_of(LFQ))
    wanted = json.dumps({"models": ids, "equal_bits": False, "picture": ""})
    *_, (last, _) = tab.on_asked(wanted, Session(ids[0], EXAMPLE, None, size=128))
    models = json.loads(last["result"])["models"]
    side = context.store.spec(ids[1]).side
    assert [model["coded_at"] for model in models] == [[128, 128], [side, side], [128, 128]]
    assert all(model["map"] for model in models)


# ---- what a visitor holds -----------------------------------------------------------------------------------


PAGE = SimpleNamespace(session_hash="a page")


@pytest.fixture
def panel(context):
    names = "model view entry card fetch open hub_status hub_cancel own_status own_cancel files held"
    return by_name(MoreModels(context), names.split())


def own_files(tmp_path):
    path = tmp_path / "mine.safetensors"
    path.write_bytes((GOLDEN / "taming/gumbel_f8/weights.safetensors").read_bytes())
    return path


def test_an_own_checkpoint_is_chosen_and_leaves_with_its_visitor(panel, context, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))  # uploads are removed once they are open
    path = own_files(tmp_path)
    *_, last = panel.on_open([str(path)], "", "", "", "", "", ABSENT, PAGE)
    id = last["held"]
    assert not last["card"] and not last["fetch"]["visible"] and last["fetch"]["interactive"]
    assert last["model"]["value"] == id and context.store.spec(id).title.startswith("mine")
    assert id in [id for _, id in panel.listed(id)] and id not in [id for _, id in panel.listed()]
    assert id not in {model["id"] for model in Api(context).models()} and not path.exists()
    context.store.release(id)
    with pytest.raises(UnknownModelError, match="Open it again"):
        context.store.get(id)


@pytest.mark.parametrize(
    ("name", "content", "family", "words"),
    [
        ("words.ckpt", b"words", "", "words.ckpt"),
        ("mine.safetensors", None, "titok", "It looks like VQGAN"),
        ("config.json", b"{}", "", "0 files of weights"),
    ],
)
def test_a_checkpoint_that_can_not_be_opened_is_refused_in_words(panel, tmp_path, name, content, family, words):
    path = own_files(tmp_path) if content is None else tmp_path / name
    if content is not None:
        path.write_bytes(content)
    first, *_, said, last = panel.on_open([str(path)], "", "", "", family, "", ABSENT, PAGE)
    assert first["own_cancel"]["visible"] and first["hub_status"] == ""
    assert said["card"] and said["fetch"]["visible"] and said["fetch"]["interactive"]  # still chosen, still on offer
    assert words in said["own_status"] and not said["own_cancel"]["visible"] and "hub_status" not in said
    assert "model" not in said and last == {"files": None}


def test_one_s_own_weights_under_another_config_are_another_model(tmp_path):
    folder = GOLDEN / "diffusers/ldm_f4/model"
    (weights,), said = folder.glob("*.safetensors"), json.loads((folder / "config.json").read_text())
    specs = [open_own([weights], config=folder / "config.json").spec for _ in range(2)]
    other = tmp_path / "config.json"
    other.write_text(json.dumps({**said, "lookup_from_codebook": not said.get("lookup_from_codebook")}))
    specs.append(open_own([weights], config=other).spec)
    assert specs[0].revision == specs[1].revision != specs[2].revision and specs[0].id != specs[2].id


def test_own_models_are_bounded_and_shared_ones_stay_until_the_last_leaves(context):
    store, tokenizer = ModelStore("cpu", own=1), open_own([GOLDEN / "taming/gumbel_f8/weights.safetensors"])
    id = tokenizer.spec.id
    store.hold(tokenizer)
    store.hold(tokenizer)
    store.release(id)
    assert store.get(id) is tokenizer
    store.hold(open_own([GOLDEN / "var/vae/weights.pth"]))
    with pytest.raises(UnknownModelError):
        store.get(id)


def test_a_card_says_what_is_to_be_known_before_and_a_failed_download_says_why(panel, downloaded, monkeypatch):  # noqa: F811
    shown = card(downloaded[ABSENT])
    for told in ("12 MB", "https://example.org/licence", "CC0-1.0", "huggingface.co/some/absent", "stride 8 px"):
        assert told in shown
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    *_, last = panel.on_fetch(ABSENT, "", PAGE)
    assert "reached from here" in last["hub_status"] and "model" not in last and last["fetch"]["interactive"]


@pytest.fixture
def endless(monkeypatch):
    """A download that ends when it is cancelled; what is set then."""
    ended = threading.Event()

    def download(entry, progress, cancelled):
        progress("a.safetensors", 5_000_000, 10_000_000)
        while not cancelled():
            time.sleep(0.01)
        ended.set()
        raise CodesError("cancelled")

    monkeypatch.setattr("explorer.ui.more_models.download", download)
    return ended


def test_a_closed_page_gives_up_its_download(panel, endless):
    going = panel.on_fetch(ABSENT, "", PAGE)
    assert "<progress" in next(going)["hub_status"]
    assert "5 MB of 10 MB" in next(going)["hub_status"]
    going.close()
    assert endless.wait(5)


@pytest.mark.parametrize("reports", [1, 2])
def test_a_cancelled_download_says_so_last(panel, endless, reports):
    """In the stream of its own reports, of which none can come afterwards; cancelled by its own page alone."""
    going = panel.on_fetch(ABSENT, "", PAGE)
    for _ in range(reports):
        assert "<progress" in next(going)["hub_status"]
    panel.on_cancel(SimpleNamespace(session_hash="another"))
    assert "<progress" in next(going)["hub_status"]
    panel.on_cancel(PAGE)
    (last,) = going
    assert "Cancelled" in last["hub_status"] and not last["hub_cancel"]["visible"] and last["fetch"]["interactive"]
    assert endless.wait(5)
    assert "<progress" in next(panel.on_fetch(ABSENT, "", PAGE))["hub_status"]  # and can be begun again


def test_checks_are_a_table_with_words():
    shown = checks_table([Check("a", True, "found <b>"), Check("b", False, "x")])
    assert "holds" in shown and "fails" in shown and "&lt;b&gt;" in shown


def test_made_up_colours_tell_codes_apart():
    found = hashed_colours(2**12)
    assert len(np.unique(found, axis=0)) > 0.95 * len(found)
