"""The Edit tab: change codes, see the picture follow."""

from explorer.ui.calls import plain_function
from explorer.ui.components import EditView
from explorer.ui.context import AppContext
from explorer.ui.edit_calls import EditCalls

TITLE = "Edit"


def build(context: AppContext) -> EditView:
    """Lay out the tab; the view asks to open a saved edit by its event `open`."""
    calls = EditCalls(context)

    asked = (calls.edit, calls.replay, calls.stitch, calls.neighbours, calls.influence)
    return EditView([plain_function(call) for call in asked], elem_id="edit-view")
