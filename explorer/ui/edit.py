"""The Edit tab: change codes, see the picture follow."""

from explorer.ui.components import EditView
from explorer.ui.context import AppContext
from explorer.ui.edit_calls import EditCalls

TITLE = "Edit"


def build(context: AppContext) -> EditView:
    """Lay out the tab; the view asks to open a saved edit by its event `open`."""
    calls = EditCalls(context)

    # Server functions have to be plain functions.
    def edit(text: str) -> str:
        return calls.edit(text)

    def stitch(text: str) -> str:
        return calls.stitch(text)

    def infer(text: str) -> str:
        return calls.infer(text)

    def neighbours(text: str) -> str:
        return calls.neighbours(text)

    def influence(text: str) -> str:
        return calls.influence(text)

    def replay(text: str) -> str:
        return calls.replay(text)

    return EditView([edit, stitch, infer, neighbours, influence, replay], elem_id="edit-view")
