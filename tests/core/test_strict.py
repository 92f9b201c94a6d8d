"""Strict JSON: whatever is unknown, missing or mistyped is named with its place."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from explorer.core.errors import ConfigError
from explorer.core.strict import from_json, to_json


@dataclass(frozen=True)
class Round:
    radius: float
    kind: Literal["round"] = "round"


@dataclass(frozen=True)
class Square:
    side: int
    kind: Literal["square"] = "square"


@dataclass(frozen=True)
class Drawing:
    name: str
    shape: Round | Square
    sizes: tuple[int, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    note: str | None = None


GOOD = {"name": "a", "shape": {"kind": "square", "side": 3}}


def test_round_trip_through_text():
    drawing = Drawing("a", Round(1.5), (1, 2), {"x": [1, {"y": None}]}, "b")
    assert from_json(Drawing, json.loads(json.dumps(to_json(drawing)))) == drawing


def test_defaults_and_whole_numbers_for_floats():
    assert from_json(Drawing, GOOD) == Drawing("a", Square(3))
    assert isinstance(from_json(Round, {"radius": 2}).radius, float)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": 1}, "unknown key 'colour'"),
        ({"name": 5}, r"config\.name must be str"),
        ({"name": None}, r"config\.name"),
        ({"sizes": [1, "2"]}, r"config\.sizes\[1\] must be int"),
        ({"sizes": [True]}, r"config\.sizes\[0\]"),
        ({"sizes": 3}, r"config\.sizes must be a list"),
        ({"extra": []}, r"config\.extra must be an object"),
        ({"shape": {"kind": "oval"}}, "round, square"),
        ({"shape": {"side": 3}}, "round, square"),
        ({"shape": {"kind": "square"}}, r"config\.shape lacks the key 'side'"),
        ({"shape": {"kind": "square", "side": 3, "radius": 1}}, r"config\.shape has the unknown key 'radius'"),
        ({"shape": {"kind": "square", "side": 3.5}}, r"config\.shape\.side must be int"),
        ({"shape": {"kind": "round", "radius": True}}, r"config\.shape\.radius must be float"),
        ({"note": 3}, r"config\.note must be str"),
    ],
)
def test_names_what_is_wrong(change, words):
    with pytest.raises(ConfigError, match=words):
        from_json(Drawing, GOOD | change)


def test_names_what_is_missing():
    with pytest.raises(ConfigError, match="lacks the key 'shape'"):
        from_json(Drawing, {"name": "a"})
    with pytest.raises(ConfigError, match="must be an object"):
        from_json(Drawing, [])
