"""What one visitor may ask for: refused when it is used up, there again in time, and never refused to a class."""

import pytest

from explorer.services.limits import ADDRESS, COSTS, PAGE, PAGES_OF_AN_ADDRESS, VIEW_CALL, Allowance, Limits, Stores


def test_a_page_is_refused_when_its_store_is_used_up_and_served_when_it_has_filled_again(clock):
    limits = Limits(clock)
    served = sum(limits.take("1.2.3.4", "a page", 1.0) == 0 for _ in range(500))
    assert served == PAGE.most
    wait = limits.take("1.2.3.4", "a page", 10.0)
    assert wait == pytest.approx(10 / PAGE.per_second)
    assert limits.take("1.2.3.4", "another page", 10.0) == 0
    clock.now += wait
    assert limits.take("1.2.3.4", "a page", 10.0) == 0
    assert limits.take("1.2.3.4", "a page", 1.0) > 0


def test_made_up_pages_do_not_help_an_address(clock):
    limits = Limits(clock)
    served = sum(limits.take("1.2.3.4", f"page {number}", 1.0) == 0 for number in range(10_000))
    assert served == ADDRESS.most
    assert limits.take("5.6.7.8", "page 1", 1.0) == 0


def test_a_refusal_takes_nothing(clock):
    limits = Limits(clock)
    for _ in range(int(ADDRESS.most)):
        limits.take("1.2.3.4", "", 1.0)
    for _ in range(50):
        assert limits.take("1.2.3.4", "a page", 1.0) > 0
    assert limits.pages.seconds_until("a page", PAGE.most) == 0


def test_a_class_behind_one_address_is_never_refused(clock):
    """Ten minutes: each of thirty edits without pause, asks for a picture every other second and compares at times."""
    limits = Limits(clock)
    for second in range(600):
        clock.now += 1
        for pupil in range(PAGES_OF_AN_ADDRESS):
            page = f"pupil {pupil}"
            costs = [
                *[VIEW_CALL] * 15,
                *([1.0] if second % 2 else []),
                *([COSTS["compare"]] if second % 30 == 0 else []),
            ]
            assert all(limits.take("1.2.3.4", page, cost) == 0 for cost in costs)


def test_visitors_are_forgotten(clock):
    stores = Stores(Allowance(10, 1, 1), keep=100, clock=clock)
    for number in range(1000):
        stores.take(f"{number}", 1)
    assert len(stores) == 100
    clock.now += 11
    stores.take("last", 1)
    assert len(stores) == 1
