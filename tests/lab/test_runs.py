"""Runs are kept for those who ask, bounded in number and time, and share their time evenly."""

from dataclasses import replace

from explorer.lab.plan import Plan, Settings
from explorer.lab.runs import Run, Runs

SIDES = (Settings(), Settings(cures=("fsq",)))


def test_a_page_finds_its_own_run_again(clock):
    runs = Runs(clock=clock)
    mine, other = runs.find("mine", Plan(), SIDES), runs.find("other", Plan(seed=1), SIDES)
    runs.train("mine", 3, 1e9)
    assert (mine.step, other.step) == (3, 0)
    assert runs.find("mine", Plan(), SIDES) is mine and runs.find("other", Plan(seed=1), SIDES) is other


def test_both_sides_stay_in_step_and_take_their_settings():
    run = Run(Plan(), SIDES)
    run.advance(4, 1e9)
    run.adjust((replace(SIDES[0], cures=("restart",)), SIDES[1]))
    assert [side.step for side in run.sides] == [4, 4]
    assert [side.settings.cures for side in run.sides] == [("restart",), ("fsq",)]


def test_another_plan_or_a_fresh_start_begins_at_step_0(clock):
    runs = Runs(clock=clock)
    runs.find("page", Plan(), SIDES)
    for plan, fresh in ((Plan(), True), (Plan(seed=1), False), (Plan(size=16), False)):
        runs.train("page", 2, 1e9)
        assert runs.find("page", plan, SIDES, fresh).step == 0


def test_a_silent_page_loses_its_run_and_a_sign_of_it_keeps_it(clock):
    runs = Runs(idle=180, clock=clock)
    runs.find("silent", Plan(), SIDES)
    runs.find("waiting", Plan(), SIDES)
    clock.now += 179
    runs.touch("waiting")
    runs.touch("unknown")
    assert len(runs) == 2
    clock.now += 2
    assert len(runs) == 1
    runs.train("waiting", 1, 1e9)
    runs.drop("waiting")
    assert len(runs) == 0


def test_of_too_many_runs_the_one_asked_for_longest_ago_goes(clock):
    runs = Runs(most=2, clock=clock)
    first, second = (runs.find(key, Plan(), SIDES) for key in ("first", "second"))
    assert runs.find("first", Plan(), SIDES) is first
    runs.find("third", Plan(), SIDES)
    assert len(runs) == 2 and runs.find("first", Plan(), SIDES) is first
    assert runs.find("second", Plan(), SIDES) is not second


def test_training_ends_with_its_time_but_never_before_the_first_step():
    run, ticks = Run(Plan(), SIDES), iter(range(100))
    run.advance(50, 3, clock=lambda: next(ticks))
    assert run.step == 3
    run.advance(50, 0)
    assert run.step == 4


def test_the_more_pages_train_the_shorter_the_moment_of_each(clock, monkeypatch):
    given = []
    monkeypatch.setattr(Run, "advance", lambda self, steps, seconds: given.append(seconds))
    runs = Runs(clock=clock)
    for key in ("a", "b", "c", "d"):
        runs.find(key, Plan(), SIDES)
    for key in ("a", "b"):
        runs.train(key, 5, 0.04)
    runs.train("a", 5, 0.04)
    assert given == [0.04, 0.02, 0.02] and runs.training == 2
    clock.now += 3
    runs.train("c", 5, 0.04)
    assert given[-1] == 0.04 and runs.training == 1
