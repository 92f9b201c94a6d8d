"""Text from outside on its way into an error or a log: short, on one line, and without folders of this machine."""

import re
import reprlib
from collections.abc import Iterable
from itertools import islice
from typing import Any

MOST = 80
"""Characters that an error repeats of one value."""
LONGEST = 400
"""Characters of the longest error that a visitor is shown."""
FEW = 8
"""Names that an error lists."""
_PATH = re.compile(
    r"(?<=')/[^'\n]*(?=')|file:/[^\s'\"<>|;,]+|(?<![\w:/.&])(?:/(?!gradio_api/)[^\s/'\"<>|;,]+){2,}/?|\b[A-Za-z]:\\[^\s'\"<>|;,]+"
)
"""Absolute paths of files, but no address of this program."""

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = MOST
_short.maxlevel = _short.maxlist = _short.maxtuple = _short.maxdict = 3


def quoted(value: Any, most: int = MOST) -> str:
    """A value as Python writes it, cut to `most` characters; what cannot be printed stands as an escape."""
    try:
        text = _short.repr(value)
    except ValueError:  # Python does not write whole numbers of thousands of digits
        text = "a very large number"
    return _cut(text, most)


def listed(names: Iterable[Any]) -> str:
    """The first few names, each cut and printable, with commas between."""
    names = iter(names)
    shown = [_cut(one_line(str(name)[:MOST]), MOST // 2) for name in islice(names, FEW)]
    return ", ".join(shown) + (", …" if next(names, None) is not None else "")


def one_line(text: str) -> str:
    """A text whose control characters, direction marks and lone surrogates stand as escapes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def sentence(error: object) -> str:
    """The text of an error as a visitor may see it: on one line, of files only their names, at most LONGEST long."""
    text = _PATH.sub(lambda path: re.split(r"[/\\]", path[0].rstrip("/"))[-1], str(error)[: 4 * LONGEST])
    return _cut(one_line(text), LONGEST)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
