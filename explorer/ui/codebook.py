"""The Codebook tab: the map of all codes, what each one means, which are dead and why."""

from explorer.services.maps import Maps
from explorer.ui.calls import plain_function
from explorer.ui.codebook_calls import CodebookCalls
from explorer.ui.components import CodebookView
from explorer.ui.context import AppContext

TITLE = "Codebook"


def build(context: AppContext) -> CodebookView:
    """Lay out the tab."""
    calls = CodebookCalls(context, Maps())
    asked = (calls.map, calls.stop, calls.facts, calls.code)
    return CodebookView([plain_function(call) for call in asked], elem_id="codebook-view")
