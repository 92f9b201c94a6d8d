"""The Guide tab: ten short steps from a first token to collapse and generation, each with something live in it."""

from explorer.ui.calls import plain_function
from explorer.ui.components import GuideView
from explorer.ui.context import AppContext
from explorer.ui.guide_calls import GuideCalls

TITLE = "Guide"


def build(context: AppContext) -> GuideView:
    """Lay out the tab; by its event `go` the view asks for the model in its value."""
    calls = GuideCalls(context)
    asked = (
        calls.pages,
        calls.picture,
        calls.lookup,
        calls.gradient,
        calls.pulls,
        calls.gumbel,
        calls.rounded,
        calls.usage,
        calls.stages,
        calls.prior,
    )
    return GuideView([plain_function(call) for call in asked], elem_id="guide-view")
