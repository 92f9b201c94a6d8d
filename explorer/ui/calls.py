"""How a view on the page asks the server: JSON strings both ways, errors in words, no state between calls."""

import functools
import json
import logging
from collections.abc import Callable
from typing import Any

from explorer.core.errors import CodesError, ExplorerError
from explorer.core.quoting import sentence
from explorer.core.untrusted_json import read_json

log = logging.getLogger(__name__)
LARGEST_REQUEST = 8 * 2**20
"""Bytes of JSON that a view sends at most: codes and edits, not pictures."""


def answered(call: Callable[..., dict[str, Any]]) -> Callable[[Any, str], str]:
    """A method from dict to dict as one from JSON to JSON; what can't be done is answered {"error": sentence}."""

    @functools.wraps(call)
    def from_json_to_json(self, text: str) -> str:
        try:
            if not isinstance(text, str):
                raise CodesError("A request is JSON text.")
            return json.dumps(call(self, read_json(text, "This request", largest=LARGEST_REQUEST)))
        except ExplorerError as error:
            return json.dumps({"error": sentence(error)})
        except Exception:
            log.exception("the call %s failed", call.__name__)
            return json.dumps({"error": "That did not work, and it is our fault. Nothing that was there is lost."})

    return from_json_to_json


def plain_function(call: Callable[[str], str]) -> Callable[[str], str]:
    """A bound method as a plain function of the same name, which is all that a component's server functions may be."""

    def function(text: str) -> str:
        return call(text)

    function.__name__ = call.__name__
    return function
