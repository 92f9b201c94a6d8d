"""A shared page is read back whole, or refused in words."""

import pytest

from explorer.core.errors import ExplorerError
from explorer.services.shared_page import SharedPage

GIVEN = {
    "codebook_explorer_page": 1,
    "model": "vq.a",
    "revision": "0123",
    "name": "Cat",
    "size": 256,
    "how": "whole",
    "tab": "Compare",
}
CODES = {"model": "vq.a", "revision": "0123", "levels": {"codes": {"grid": [1, 2], "codes": [[3, 4]]}}}


def test_a_page_is_read():
    assert SharedPage.from_dict(GIVEN) == SharedPage("vq.a", "0123", "Cat", 256, "whole")
    assert SharedPage.from_dict({**GIVEN, "codes": CODES}).codes.codes["codes"].tolist() == [[[3, 4]]]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "no shared page"),
        ({}, "no shared page"),
        ({**GIVEN, "codebook_explorer_page": 2}, "format 2; this program reads 1"),
        ({**GIVEN, "how": "sideways"}, "damaged"),
        ({**GIVEN, "model": 7}, "damaged"),
        ({**GIVEN, "name": "x" * 300}, "damaged"),
        ({**GIVEN, "size": "256"}, "its size is '256'"),
        ({**GIVEN, "size": 2**40}, "its size is 1099511627776, not 1 to 1024 pixels"),
        ({**GIVEN, "codes": {}}, "an object with"),
    ],
)
def test_what_is_no_page_is_refused_in_words(value, words):
    with pytest.raises(ExplorerError, match=words):
        SharedPage.from_dict(value)
