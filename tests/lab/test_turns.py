"""Turns are taken one at a time, in order, once per caller, and by a bounded number of them."""

import asyncio
import threading

import pytest

from explorer.core.errors import ExplorerError
from explorer.lab.turns import Full, Turns
from tests.asynchronous import run


def test_whoever_comes_first_is_first_and_nobody_works_beside_another():
    turns, order, at_work = Turns(), [], []

    def work(caller: str) -> str:
        at_work.append(caller)
        assert at_work == [caller]
        order.append(caller)
        at_work.remove(caller)
        return caller

    async def page(caller: str) -> None:
        for _ in range(3):
            assert await turns.take(caller, lambda: work(caller)) == caller

    async def everybody() -> None:
        await asyncio.gather(*(page(str(number)) for number in range(20)))

    run(everybody())
    rounds = [order[start : start + 20] for start in (0, 20, 40)]
    assert rounds == [[str(number) for number in range(20)]] * 3


def test_who_waits_already_and_who_comes_when_it_is_full_are_told_so_at_once():
    turns, go = Turns(most=2), threading.Event()

    async def everybody() -> None:
        waiting = [asyncio.create_task(turns.take(caller, go.wait)) for caller in "ab"]
        await asyncio.sleep(0)
        with pytest.raises(ExplorerError, match="asked for a frame already"):
            await turns.take("a", go.wait)
        with pytest.raises(Full, match="2 runs share"):
            await turns.take("c", go.wait)
        go.set()
        await asyncio.gather(*waiting)
        assert await turns.take("c", lambda: 7) == 7

    run(everybody())


def test_work_that_fails_gives_its_turn_back():
    turns = Turns(most=1)

    async def everybody() -> None:
        with pytest.raises(ZeroDivisionError):
            await turns.take("a", lambda: 1 / 0)
        assert await turns.take("a", lambda: 1) == 1

    run(everybody())
