"""JSON from outside: what is bounded, and that what is within the bounds comes as it is."""

import json

import pytest

from explorer.core.errors import JsonError
from explorer.core.quoting import quoted
from explorer.core.untrusted_json import DEEPEST, read_json, read_object


@pytest.mark.parametrize(
    "value", [None, True, 0, -(2**63), 2**64 - 1, 1.5, "é𝄞", [], {}, [[1, 2], [3]], {"a": {"b": [1, "x", None]}}]
)
def test_what_is_within_the_bounds_comes_as_it_is(value):
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert read_json(text, "it") == value
        assert read_json(text.encode(), "it") == read_json(b"\xef\xbb\xbf" + text.encode(), "it") == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        (b"\xff", "not UTF-8"),
        (5, "is not JSON text"),
        ("[" * 10**5, "nested deeper than 32 levels"),
        ("[" * 33 + "]" * 33, "nested deeper than 32 levels"),
        ('{"a":' * 40 + "1" + "}" * 40, "nested deeper than 32 levels"),
        ("[" + "[]," * 30 + "[]]", "holds too many values; at most 50"),
        (json.dumps("x" * 200), "has 202 characters; at most 150"),
        ("[NaN]", "holds NaN"),
        ("[-Infinity]", "holds -Infinity"),
        ("[1e999]", "beyond what a float holds"),
        (f"[{2**64}]", "beyond 64 bits"),
        (f"[{-(2**63) - 1}]", "beyond 64 bits"),
        ('{"a": 1, "b": 2, "a": 3}', "the key 'a' twice"),
        ('["\\ud800"]', "half a character"),
        ('{"\\udfff": 1}', "half a character"),
    ],
)
def test_what_is_beyond_them_is_refused_in_a_sentence(text, said):
    bounds = {} if len(str(text)) > 10_000 or "[[[" in str(text) else {"most": 50, "largest": 250}
    bounds |= {"largest": 150} if "xxx" in str(text) else {}
    with pytest.raises(JsonError, match=said) as caught:
        read_json(text, "This request", **bounds)
    assert str(caught.value).startswith("This request ") and len(str(caught.value)) < 200


def test_the_deepest_that_is_allowed_is_read():
    assert read_json("[" * DEEPEST + "]" * DEEPEST, "it")


def test_an_object_is_asked_for():
    assert read_object("", "it") == {} and read_object('{"a": 1}', "it") == {"a": 1}
    with pytest.raises(JsonError, match=r"must be a JSON object, not \[1\]"):
        read_object("[1]", "it")


def test_no_value_is_repeated_at_length():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for value in ("x" * 10**6, list(range(10**6)), deep, 10**6000, {str(i): i for i in range(10**5)}):
        assert len(quoted(value)) < 200
