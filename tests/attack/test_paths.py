"""No path of the machine reaches a handler: asked of every endpoint, event and view that the running app has."""

import os
from pathlib import Path

import pytest

from tests.asynchronous import run
from tests.attack.intruder import NAMES_A_PATH, Intruder, shapes
from tests.bad_pictures import encoded, photo
from tests.ui.server.test_mcp import connected


@pytest.fixture(scope="module")
def paths(tmp_path_factory, app_url, intruder):
    """What a path leads to -> a path that is not the intruder's."""
    folder = tmp_path_factory.mktemp("machine")
    picture = folder / "1" / "photos" / "picture.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(encoded(photo(), "PNG"))
    mine = intruder.upload(encoded(photo(), "PNG"))
    link = Path(mine).parent / "link.png"
    os.symlink(picture, link)
    others = Intruder(app_url, "203.0.113.7").upload(encoded(photo(), "PNG"))
    return {
        "a picture": str(picture),
        "nothing": str(folder / "2" / "photos" / "picture.png"),
        "an upload of another visitor": others,
        "a link in one's own folder": str(link),
        "a way out of one's own folder": f"{Path(mine).parent}/../../../../../../../../../../{picture}",
        "a file of the program": str(Path("app.py").resolve()),
        "a relative path": "app.py",
        "a folder": str(folder),
        "a null": f"{mine}\0.png",
    }


VALID = {"model": "fsq.caltech_f8_1000", "models": ["fsq.caltech_f8_1000", "vq.caltech_f8_1024"], "size": 64}
"""Of the parameters of endpoints, so that nothing but the path is wrong with a call."""


FILES = ("file", "image", "uploadbutton")
"""Components that take files."""


def usual_arguments(parameters):
    return [VALID.get(one["parameter_name"], one.get("parameter_default")) for one in parameters]


def refused(answer: str) -> bool:
    return answer.startswith(("403", "422")) or "event: error" in answer


def test_ones_own_upload_is_taken(intruder):
    """Else the tests below would hold of an app that takes nothing."""
    mine = intruder.upload(encoded(photo(), "PNG"))
    for shape in ("bare", "marked", "complete"):
        answer = intruder.call("encode", ["fsq.caltech_f8_1000", shapes(mine)[shape], 64, "whole"])
        assert "event: complete" in answer, answer


def test_no_endpoint_takes_a_path(intruder, paths):
    for name, parameters in intruder.endpoints.items():
        usual = usual_arguments(parameters)
        for place, parameter in enumerate(parameters):
            for what, path in paths.items():
                for shape, value in shapes(path).items():
                    if what != "a picture" and shape != "bare":
                        continue
                    if shape not in NAMES_A_PATH and parameter["component"].lower() not in FILES:
                        continue  # a text, which is none of a file's; the next test asks what becomes of it
                    data = [*usual[:place], value, *usual[place + 1 :]]
                    where = f"{name}, {parameter['parameter_name']}, {shape}, {what}"
                    assert refused(intruder.call(name, data)), where
                    if what == "a picture":
                        named = dict(zip((one["parameter_name"] for one in parameters), data, strict=True))
                        assert refused(intruder.call_by_name(name, named)), where
                        direct = intruder.post(f"/run/{name}", {"data": data})
                        assert direct.status_code in (403, 404), where


def test_answers_do_not_tell_what_is_there(intruder, paths):
    """The same requests, while the file is there and while it is not."""
    picture = Path(paths["a picture"])

    def answers() -> list[str]:
        found = []
        for name, parameters in intruder.endpoints.items():
            usual = usual_arguments(parameters)
            for place in range(len(parameters)):
                for value in shapes(str(picture)).values():
                    found.append(intruder.call(name, [*usual[:place], value, *usual[place + 1 :]]))
        return found

    there = answers()
    contents = picture.read_bytes()
    picture.unlink()
    try:
        assert answers() == there
    finally:
        picture.write_bytes(contents)
    for path in (paths["a picture"], paths["nothing"], paths["an upload of another visitor"]):
        assert intruder.http.get(f"/gradio_api/file={path}").status_code == 403, path


def test_no_event_of_the_page_takes_a_path(intruder, paths):
    asked = 0
    for event in intruder.events:
        usual = [intruder.usual(id) for id in event["inputs"]]
        for place in range(len(usual)):
            for what, path in paths.items():
                for shape in NAMES_A_PATH if what == "a picture" else ("marked",):
                    data = [*usual[:place], shapes(path)[shape], *usual[place + 1 :]]
                    answer = intruder.fire(event["id"], data)
                    assert answer.status_code == 403, (event["id"], place, shape, what, answer.text)
                    asked += 1
    assert asked > 500


def test_no_event_takes_a_path_beside_its_inputs(intruder, paths):
    body = {"data": [], "fn_index": intruder.events[0]["id"], "session_hash": intruder.page}
    for name in ("event_data", "trigger_id", "request", "batched", "unknown"):
        answer = intruder.post("/queue/join", {**body, name: {"path": paths["a picture"]}})
        assert answer.status_code == 403, (name, answer.text)


def test_no_view_takes_a_path(intruder, paths):
    assert intruder.views
    for component, function in intruder.views:
        for shape in NAMES_A_PATH:
            answer = intruder.view(component, function, shapes(paths["a picture"])[shape])
            assert answer.status_code == 403, (component, function, shape)


def test_no_tool_takes_a_path(intruder, paths):
    async def walk():
        answers = []
        async with connected(intruder.url, "203.0.113.66") as session:
            for tool in (await session.list_tools()).tools:
                properties = tool.inputSchema["properties"]
                valid = {name: VALID[name] for name in properties if name in VALID}
                for name in properties:
                    for what in ("a picture", "nothing", "an upload of another visitor", "a link in one's own folder"):
                        for value in (paths[what], [paths[what]], *shapes(paths[what]).values()):
                            found = await session.call_tool(tool.name, {**valid, name: value})
                            answers.append((tool.name, name, what, found.isError, found.content[0].text))
        return answers

    answers = run(walk())
    assert len(answers) > 500
    for tool, name, what, failed, told in answers:
        # without pictures, /usage answers with what comes with the model, and looks at nothing else
        assert failed or (tool == "usage" and name != "images" and "held-out" in told), (tool, name, what, told)
        assert "not a picture" not in told, (tool, name, what)


def test_components_for_files_take_no_text(intruder, paths):
    files = {part["id"] for part in intruder.config["components"] if part["type"] in FILES}
    places = [(event, place) for event in intruder.events for place, id in enumerate(event["inputs"]) if id in files]
    assert len(places) >= 4
    for event, place in places:
        for value in (paths["a picture"], [paths["a picture"]], [[paths["a picture"]]], 7, True):
            data = [intruder.usual(id) for id in event["inputs"]]
            answer = intruder.fire(event["id"], [*data[:place], value, *data[place + 1 :]])
            assert answer.status_code == 403, (event["id"], place, value)
