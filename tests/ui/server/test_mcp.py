"""The endpoints as MCP tools, through the client of the mcp package."""

import base64
import json
from contextlib import asynccontextmanager

import httpx
import numpy as np
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from PIL import Image

import explorer
from explorer.core.codes_file import CodesFile
from explorer.core.images import fit, read_picture, to_bytes, to_unit
from explorer.services.limits import PAGE, Limits
from explorer.ui.server.mcp_tools import NotDone, Tools
from tests.asynchronous import run
from tests.attack.intruder import Intruder
from tests.bad_pictures import encoded, photo

MODEL = "fsq.caltech_f8_1000"
PICTURE = encoded(photo(), "PNG")
GIVEN = {"model": MODEL, "size": 64, "how": "square"}


@asynccontextmanager
async def connected(url, address="203.0.113.20"):
    headers = {"X-Forwarded-For": address}
    async with (
        streamablehttp_client(f"{url}/gradio_api/mcp", headers=headers) as (reading, writing, _),
        ClientSession(reading, writing) as session,
    ):
        await session.initialize()
        yield session


def asked(url, tool, arguments, **where):
    """(whether it failed, the contents of the answer)."""

    async def ask():
        async with connected(url, **where) as session:
            found = await session.call_tool(tool, arguments)
            return found.isError, found.content

    return run(ask())


def test_every_public_endpoint_is_a_tool_that_says_what_it_takes(app_url):
    async def listed():
        async with connected(app_url) as session:
            return (await session.list_tools()).tools

    tools = {tool.name: tool for tool in run(listed())}
    assert set(tools) == set(Intruder(app_url).endpoints)
    image = tools["encode"].inputSchema["properties"]["image"]
    assert "base64" in image["description"] and "/gradio_api/upload" in image["description"]
    assert tools["usage"].inputSchema["properties"]["images"]["description"] == image["description"]
    assert tools["encode"].inputSchema["required"] == ["model", "image"]
    schema = httpx.get(f"{app_url}/gradio_api/mcp/schema").json()
    assert [tool["name"] for tool in schema] == list(tools)


@pytest.mark.parametrize("way", ["base64", "data", "upload"])
def test_a_picture_comes_as_base64_or_by_an_upload(app_url, way):
    image = base64.b64encode(PICTURE).decode()
    if way == "data":
        image = f"data:image/png;base64,{image}"
    if way == "upload":
        image = Intruder(app_url, "203.0.113.20").upload(PICTURE)
    failed, [content] = asked(app_url, "encode", {**GIVEN, "image": image})
    assert not failed, content
    tokenizer = explorer.load(MODEL, "cpu")
    pixels = to_unit(fit(read_picture(PICTURE).pixels, 64, "square"))[None]
    assert CodesFile.from_dict(json.loads(content.text)).codes == tokenizer.encode(pixels).codes


@pytest.mark.slow
def test_a_picture_of_thirty_megabytes_is_taken_and_one_of_over_fifty_is_not(app_url):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (3200, 3400, 3), dtype=np.uint8))
    large = encoded(noise, "PNG", compress_level=1)
    assert 30 * 2**20 < len(large) < 35 * 2**20
    failed, _ = asked(app_url, "encode", {**GIVEN, "image": base64.b64encode(large).decode()})
    assert not failed
    failed, [content] = asked(
        app_url, "encode", {**GIVEN, "image": base64.b64encode(large + bytes(22 * 2**20)).decode()}
    )
    assert failed and "larger than 50 MB" in content.text


def test_codes_go_in_and_a_picture_comes_out(app_url):
    image = base64.b64encode(PICTURE).decode()
    _, [content] = asked(app_url, "encode", {**GIVEN, "image": image})
    codes = json.loads(content.text)
    failed, [picture] = asked(app_url, "decode", {"model": MODEL, "codes": codes})
    assert not failed and picture.mimeType == "image/png"
    expected = to_bytes(explorer.load(MODEL, "cpu").decode(CodesFile.from_dict(codes).codes))[0]
    assert np.array_equal(read_picture(base64.b64decode(picture.data)).pixels, expected)
    edits = [{"kind": "write", "level": "codes", "cells": [[0, 1]], "codes": [7]}]
    failed, contents = asked(app_url, "edit", {"model": MODEL, "codes": codes, "edits": edits})
    assert not failed and [content.type for content in contents] == ["text", "image"]
    assert json.loads(contents[0].text)["levels"]["codes"]["codes"][0][0] == 7


def test_many_pictures_are_counted(app_url):
    images = [base64.b64encode(PICTURE).decode(), base64.b64encode(b"no picture").decode()]
    failed, [content] = asked(app_url, "usage", {"model": MODEL, "images": images, "size": 64})
    found = json.loads(content.text)
    assert not failed and found["pictures"] == 1 and found["unreadable"][0]["file"] == "picture 2"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"model": "nothing"}, "nothing"),
        ({"image": "http://127.0.0.1/a.png"}, "Addresses are not fetched"),
        ({"image": "/etc/passwd"}, "neither base64 nor a file that was uploaded from here"),
        ({"image": "app.py"}, "neither base64 nor a file"),
        ({"image": {"path": "/etc/passwd"}}, "no picture"),
        ({"image": ["a"]}, "no picture"),
        ({"image": None}, "no picture"),
        ({"image": base64.b64encode(b"no picture").decode()}, "not a picture"),
        ({"size": 7.5}, "size must be"),
        ({"unknown": 1}, "This tool takes model, image, size, how"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(app_url, arguments, words):
    failed, [content] = asked(app_url, "encode", {**GIVEN, "image": base64.b64encode(PICTURE).decode(), **arguments})
    assert failed and words in content.text, content.text
    assert "http://127.0.0.1:" not in content.text and "Traceback" not in content.text


def test_an_upload_of_another_visitor_is_not_taken(app_url):
    image = Intruder(app_url, "203.0.113.21").upload(PICTURE)
    failed, [content] = asked(app_url, "encode", {**GIVEN, "image": image})
    assert failed and "neither base64 nor a file that was uploaded from here" in content.text
    failed, _ = asked(app_url, "encode", {**GIVEN, "image": image}, address="203.0.113.21")
    assert not failed


def test_unknown_tools_and_missing_arguments(app_url):
    failed, [content] = asked(app_url, "nothing", {})
    assert failed and "There are: models" in content.text
    failed, [content] = asked(app_url, "encode", {"model": MODEL})
    assert failed and "needed are image" in content.text


def test_each_client_has_an_allowance_of_its_own(clock):
    tools = Tools(Limits(clock))
    for _ in range(int(PAGE.most)):
        tools._check_allowance("203.0.113.20", 1.0)
    with pytest.raises(NotDone, match="Try again in 1 s"):
        tools._check_allowance("203.0.113.20", 1.0)
    tools._check_allowance("203.0.113.21", 1.0)
    clock.now += 1
    tools._check_allowance("203.0.113.20", 1.0)


def test_a_browser_is_told_what_is_there(app_url):
    answer = httpx.get(f"{app_url}/gradio_api/mcp")
    assert answer.status_code == 405 and "MCP server" in answer.json()["detail"]
