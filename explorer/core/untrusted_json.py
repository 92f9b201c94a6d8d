"""JSON from outside: read within bounds of size, count and depth, or refused with a sentence."""

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

from explorer.core.errors import JsonError
from explorer.core.quoting import quoted

LARGEST = 2**20
"""Characters, where a caller names no other bound. A model's config.json has some thousand."""
MOST = 2_000_000
"""Values. The codes of one picture are at most a million, one per pixel; a value takes up to 100 bytes of memory."""
DEEPEST = 32
"""Lists and objects within each other. The deepest that is read here, a training recipe, has 6 levels."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(text: str | bytes, what: str, *, largest: int = LARGEST, most: int = MOST, deepest: int = DEEPEST) -> Any:
    """The value of JSON text that somebody else wrote; a JsonError names `what` and says what is wrong with it.

    largest: characters or bytes; most: values; deepest: levels. Also refused are NaN and infinity, integers beyond 64
    bits, keys that stand twice in an object, and text that is not Unicode.
    """
    if not isinstance(text, str | bytes):
        raise JsonError(f"{what} is not JSON text.")
    if len(text) > largest:
        raise JsonError(f"{what} has {len(text):,} characters; at most {largest:,} are read.")
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise JsonError(f"{what} is not JSON: it is not UTF-8 text.") from error
    # Every value but the first stands behind one of these; counted before any of them is made.
    if text.count(",") + text.count("[") + text.count("{") > most:
        raise JsonError(f"{what} holds too many values; at most {most:,} are read.")

    def refuse(why: str) -> NoReturn:
        raise JsonError(f"{what} {why}.")

    def whole(digits: str) -> int:
        if len(digits) > 20 or not -(2**63) <= int(digits) < 2**64:
            refuse(f"holds the number {digits[:20]}..., which is beyond 64 bits")
        return int(digits)

    def fraction(digits: str) -> float:
        if not math.isfinite(float(digits)):
            refuse(f"holds the number {digits[:20]}, which is beyond what a float holds")
        return float(digits)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
            refuse(f"has the key {quoted(twice)} twice in one object")
        return found

    try:
        value = json.loads(
            text,
            parse_int=whole,
            parse_float=fraction,
            parse_constant=lambda name: refuse(f"holds {name}, which is no number in JSON"),
            object_pairs_hook=once,
        )
    except JsonError:
        raise
    except RecursionError as error:
        raise JsonError(f"{what} is nested deeper than {deepest} levels.") from error
    except MemoryError as error:
        raise JsonError(f"{what} takes more memory than there is.") from error
    except ValueError as error:
        raise JsonError(f"{what} is not JSON: {error}.") from error
    _check_depth(value, what, deepest)
    return value


def read_object(text: str, what: str) -> dict[str, Any]:
    """An object in JSON text that somebody else wrote, {} where there is no text."""
    value = read_json(text or "{}", what)
    if not isinstance(value, dict):
        raise JsonError(f"{what} must be a JSON object, not {quoted(value)}.")
    return value


def _check_depth(value: Any, what: str, deepest: int) -> None:
    """Level by level, without recursion; texts are looked at on the way."""
    level, depth = [value], 0
    while level:
        inner: list[Any] = []
        holds = False
        for item in level:
            kind = type(item)
            if kind is dict:
                holds = True
                inner.extend(item)
                inner.extend(item.values())
            elif kind is list:
                holds = True
                inner.extend(item)
            elif kind is str and not item.isascii() and _SURROGATE.search(item):
                raise JsonError(f"{what} holds half a character (a lone surrogate), which is no Unicode text.")
        level, depth = inner, depth + holds
        if depth > deepest:
            raise JsonError(f"{what} is nested deeper than {deepest} levels.")
