"""Fifty visitors for five minutes, and two hundred pages opened and closed, with what must come of it."""

import statistics

import pytest

from tests.load.__main__ import measured, table

pytestmark = pytest.mark.slow


def test_fifty_visitors_for_five_minutes():
    record, before, after = measured(sessions=50, seconds=300, openings=0)
    print(table(record))
    assert record.wrong == []
    assert statistics.quantiles(record.seconds["edit a cell"], n=20)[18] < 1
    assert after.memory < 1.05 * before.memory
    assert after.sessions <= 1


def test_two_hundred_pages_opened_and_closed_leave_nothing():
    record, before, after = measured(sessions=0, seconds=0, openings=200)
    assert record.wrong == []
    assert after.sessions <= before.sessions
    assert after.files <= before.files
    assert after.threads <= before.threads + 2
    assert after.descriptors <= before.descriptors + 4
    assert after.memory < 1.05 * before.memory
