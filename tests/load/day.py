"""What a visitor does, one thing after the other with pauses to think, and what must come of it."""

import asyncio
import base64
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping

import httpx
import numpy as np

from explorer.bench.edit import request_about
from explorer.core.codes import Codes
from explorer.core.images import fit, to_unit
from explorer.core.strict import to_json
from explorer.core.tokenizer import Tokenizer
from explorer.lab.plan import Plan, Settings
from explorer.services.examples import EXAMPLES, example
from tests.load.visitor import Failed, Visitor, codes_of

SIZE = 256
FRAMES = 20
"""Of a run in the lab, before the visitor looks elsewhere."""
THINKS = (2.0, 6.0)
"""Seconds between two things done."""
THINGS = 25
"""Done on one visit; then the page is closed and opened anew."""


class Record:
    """Seconds that each action took, and what went wrong."""

    def __init__(self):
        self.seconds: dict[str, list[float]] = {}
        self.wrong: list[str] = []

    async def timed(self, action: str, work: Callable[[], Awaitable[None]]) -> None:
        started = time.perf_counter()
        try:
            await work()
        except (Failed, AssertionError, httpx.HTTPError) as error:
            self.wrong.append(f"{action}: {type(error).__name__} {error}")
        else:
            self.seconds.setdefault(action, []).append(time.perf_counter() - started)


class Day:
    """One visitor's: a picture of its own, whose codes are known, so that those of another would be noticed."""

    def __init__(self, number: int, tokenizers: Mapping[str, Tokenizer]):
        self.random, self.address = random.Random(number), f"198.51.100.{number % 250 + 1}"
        whole = example(EXAMPLES[number % len(EXAMPLES)].name)
        self.pixels = np.roll(fit(whole, SIZE, "square"), 3 * number, axis=1)
        self.tokenizers = tokenizers
        self.expected = {id: one.encode(to_unit(self.pixels)[None]).codes["codes"][0] for id, one in tokenizers.items()}
        self.model = ""

    async def spend(self, url: str, until: float, record: Record) -> None:
        """Open the page, do a few things, close it, and so on until then."""
        while time.monotonic() < until:
            visitor = Visitor(url, self.address)
            try:
                await record.timed("open the page", visitor.open)
                await self._visit(visitor, until, record)
            finally:
                await visitor.close()

    async def _visit(self, visitor: Visitor, until: float, record: Record) -> None:
        await record.timed("tokenize a photo", lambda: self.tokenize(visitor))
        for _ in range(THINGS):
            await asyncio.sleep(self.random.uniform(*THINKS))
            if time.monotonic() >= until:
                return
            [(name, action)] = self.random.choices(*zip(*self.weighted(), strict=True))
            await record.timed(name, lambda action=action: action(visitor))

    async def look(self, url: str, times: int, record: Record) -> None:
        """Open the page, tokenize a photo and close it, so many times."""
        for _ in range(times):
            visitor = Visitor(url, self.address)
            try:
                await record.timed("open the page", visitor.open)
                await record.timed("tokenize a photo", lambda visitor=visitor: self.tokenize(visitor))
            finally:
                await visitor.close()

    async def warm_up(self, url: str) -> None:
        """Everything once, so that what the app keeps is there before its memory is measured."""
        visitor = Visitor(url, self.address)
        await visitor.open()
        await self.tokenize(visitor)
        for (_, action), _ in self.weighted():
            await action(visitor)
        await visitor.close()

    def weighted(self):
        """((name, action), how often)."""
        yield ("edit a cell", self.edit), 10
        yield ("tokenize a photo", self.tokenize), 2
        yield ("change the model", self.change_model), 2
        yield ("a code's page", self.code), 4
        yield ("a map of the codebook", self.map), 2
        yield (f"{FRAMES} frames of the lab", self.lab), 2

    async def tokenize(self, visitor: Visitor) -> None:
        self.model = self.random.choice(list(self.tokenizers))
        file = await visitor.upload(self.pixels)
        found = await visitor.event("drop", "input", file, self.model, SIZE, "square", None)
        self._is_own(found["token-view"])

    async def change_model(self, visitor: Visitor) -> None:
        self.model = self.random.choice(list(self.tokenizers))
        found = await visitor.event("model", "input", self.model, SIZE, "square", None)
        self._is_own(found["token-view"])

    def _is_own(self, view: dict) -> None:
        model, codes = codes_of(view)
        assert model == self.model, f"asked for {self.model}, got {model}"
        assert np.array_equal(codes, self.expected[model]), "these are the codes of another picture"

    async def edit(self, visitor: Visitor) -> None:
        spec, codes = self.tokenizers[self.model].spec, self.expected[self.model]
        about = request_about(spec, Codes({"codes": codes[None]}))
        cell, code = self.random.randrange(codes.size), self.random.randrange(spec.codebooks[0].size)
        code = (code + int(code == codes.flat[cell])) % spec.codebooks[0].size  # another than is there
        write = {"kind": "write", "level": "codes", "cells": [[cell, 1]], "codes": [code]}
        found = await visitor.call("edit-view", "edit", {**about, "edits": [write]})
        change = found["levels"]["codes"]
        assert [int.from_bytes(base64.b64decode(change[key]), "little") for key in ("cells", "codes")] == [cell, code]
        assert found["picture"], "no picture came back"

    async def code(self, visitor: Visitor) -> None:
        code = self.random.randrange(self.tokenizers[self.model].spec.codebooks[0].size)
        await visitor.call("codebook-view", "code", {"model": self.model, "level": "codes", "code": code})

    async def map(self, visitor: Visitor) -> None:
        asked = {"model": self.model, "level": "codes", "of": "vectors", "dims": 2}
        for method in ("pca", "umap"):
            await visitor.call("codebook-view", "map", {**asked, "method": method})

    async def lab(self, visitor: Visitor) -> None:
        key, since = secrets.token_hex(16), -1
        plan, sides = to_json(Plan(seed=self.random.randrange(1000))), to_json((Settings(), Settings(cures=("fsq",))))
        for _ in range(FRAMES):
            asked = {"ask": "frame", "key": key, "plan": plan, "sides": sides, "steps": 5, "since": since}
            since = (await visitor.call("lab-points", "lab", asked))["step"]
        assert since > 0, "nothing was trained"
        await visitor.call("lab-points", "lab", {"ask": "drop", "key": key})
