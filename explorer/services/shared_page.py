"""A page as a link or a small file holds it: model, picture, size, and what was looked at."""

from dataclasses import dataclass
from typing import Any

from explorer.core.codes_file import CodesFile
from explorer.core.errors import CodesError
from explorer.core.images import Fit
from explorer.core.quoting import quoted
from explorer.services.tokenization import MAX_SIDE

FORMAT_VERSION = 1
MARK = "codebook_explorer_page"


@dataclass(frozen=True)
class SharedPage:
    """model at a revision; the example picture of a name, at a size and fit, or the codes of another picture."""

    model: str
    revision: str
    name: str
    size: int
    how: Fit
    codes: CodesFile | None = None

    @classmethod
    def from_dict(cls, value: Any) -> "SharedPage":
        """Of plain JSON values; a CodesError says what does not fit. What the page itself restores is not looked at."""
        if not isinstance(value, dict) or MARK not in value:
            raise CodesError(f'This is no shared page: expected a JSON object with "{MARK}".')
        if value[MARK] != FORMAT_VERSION:
            raise CodesError(f"This page has format {quoted(value[MARK])}; this program reads {FORMAT_VERSION}.")
        texts = [value.get(key) for key in ("model", "revision", "name", "how")]
        if not all(isinstance(text, str) and len(text) <= 200 for text in texts) or texts[3] not in ("whole", "square"):
            raise CodesError("This page is damaged: its model, revision, name or fit is missing.")
        size = value.get("size")
        if type(size) is not int or not 1 <= size <= MAX_SIDE:
            raise CodesError(f"This page is damaged: its size is {quoted(size)}, not 1 to {MAX_SIDE} pixels.")
        codes = CodesFile.from_dict(value["codes"]) if "codes" in value else None
        return cls(*texts[:3], size, texts[3], codes)
