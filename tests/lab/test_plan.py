"""What a run may be asked for, and what is refused in words."""

import math

import pytest

from explorer.core.errors import ConfigError
from explorer.core.strict import from_json, to_json
from explorer.lab.cures import TEXTS
from explorer.lab.plan import CURES, LEVELS, Plan, Settings


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size": 65}, "K is one of 16, 64, 256, not 65"),
        ({"dim": 3}, "D is one of 2, 8, 32, not 3"),
        ({"data": "cats"}, "not 'cats'"),
        ({"seed": -1}, "whole number from 0"),
        ({"data": "drawn"}, "0 came"),
        ({"data": "drawn", "drawn": (0.0, 1.0, 2.0)}, "Draw 2 to"),
        ({"data": "drawn", "drawn": (0.0, 1.0, 2.5, 0.0)}, "between -2 and 2"),
        ({"data": "drawn", "drawn": (0.0, math.nan, 1.0, 0.0)}, "between -2 and 2"),
    ],
)
def test_a_plan_that_cannot_be_run_is_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        Plan(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rate": math.nan}, "learning rate lies between"),
        ({"beta": -0.1}, "beta lies between"),
        ({"decay": 1.0}, "decay lies between"),
        ({"cures": ("ema", "l2")}, "exclude each other"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        Settings(**changes)


def test_an_unknown_cure_is_named():
    with pytest.raises(ConfigError, match="'prayer'"):
        from_json(Settings, {**to_json(Settings()), "cures": ["prayer"]})


def test_every_cure_is_told_in_words():
    assert tuple(text.key for text in TEXTS) == CURES
    assert all("arXiv" in text.paper for text in TEXTS)


def test_levels_of_fsq_come_near_the_size():
    assert all(0.9 <= math.prod(levels) / size <= 1.1 for of in LEVELS.values() for size, levels in of.items())
