"""The table of models: no id twice, and an unknown id is answered with those there are."""

import pytest

from explorer import available, load
from explorer.core.errors import UnknownModelError
from explorer.models import registry


@pytest.fixture
def empty(monkeypatch):
    monkeypatch.setattr(registry, "_folders", {})


def test_lists_in_the_order_of_registration(empty, tmp_path):
    registry.register("b.one", tmp_path / "one")
    registry.register("a.two", tmp_path / "two")
    assert registry.available() == available() == ["b.one", "a.two"]
    assert registry.folder_of("a.two") == tmp_path / "two"


def test_an_id_taken_is_an_error(empty, tmp_path):
    registry.register("a.one", tmp_path)
    with pytest.raises(ValueError, match=r"'a\.one' is registered twice"):
        registry.register("a.one", tmp_path / "other")
    assert registry.folder_of("a.one") == tmp_path


@pytest.mark.parametrize("id", ["nothing.here", "", "../secret", None, ["a.one"]])
def test_an_unknown_id_is_answered_in_words(id):
    with pytest.raises(UnknownModelError, match=f"There are: {', '.join(registry.BUNDLED)}"):
        registry.folder_of(id)


def test_load_answers_an_unknown_id_too():
    with pytest.raises(UnknownModelError, match="no model 'nothing"):
        load("nothing.here")


def test_bundled_models_come_first_and_know_their_own_id():
    assert tuple(registry.available()[: len(registry.BUNDLED)]) == registry.BUNDLED
    for id in registry.available():
        assert registry.spec(id).id == id
