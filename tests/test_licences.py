"""The table of licences is whole: every package that requirements.txt installs stands in it, as it is pinned."""

from tests.licences import TABLE, installed, licence, normal, pinned


def _cells(line: str) -> list[str]:
    return [part.strip() for part in line.strip("| \n").split("|")]


ROWS = {cells[0]: cells[1:] for cells in map(_cells, TABLE.read_text().split("\n"))}


def test_every_installed_package_stands_in_the_table_with_a_licence():
    whole = {name for name, one in installed().items() if name in ROWS and licence(name, one) and ROWS[name][2]}
    missing = sorted(set(installed()) - whole)
    assert missing == [], "run python -m tests.licences"


def test_the_table_gives_the_pinned_versions():
    for wanted in pinned():
        version, pin = ROWS[normal(wanted.name)][:2]
        assert pin == str(wanted.specifier) and version in wanted.specifier, "run python -m tests.licences"


def test_what_answers_requests_is_pinned():
    exact = {wanted.name for wanted in pinned() if str(wanted.specifier).startswith("==")}
    assert {"gradio", "starlette", "uvicorn", "fastapi", "python-multipart", "mcp", "pillow"} <= exact
