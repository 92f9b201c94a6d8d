"""The Collapse lab tab: watch a codebook collapse while it is trained, and cure it."""

import json
import math

import gradio as gr

from explorer.core.strict import to_json
from explorer.lab.cures import TEXTS
from explorer.lab.plan import DIMS, DISTRIBUTIONS, LEVELS, LOW_DIM, Plan, Settings
from explorer.services.sweep import CLAIMED, records
from explorer.ui.components import LabView, SweepView
from explorer.ui.lab_calls import LabCalls

TITLE = "Collapse lab"
STARTS = {
    "points": (Plan(), Settings()),
    "pictures": (Plan(lab="pictures", data="examples", size=256, dim=32), Settings(learning_rate=2e-3)),
}
"""Per lab what a page opens with."""


def build() -> None:
    """Lay out the tab: a tab of its own for each lab, and one for the sweep."""
    function = LabCalls().function()
    with gr.Tabs(elem_id="lab"):
        with gr.Tab("In two dimensions"):
            LabView("points", _given("points"), function, elem_id="lab-points")
        with gr.Tab("On pictures"):
            LabView("pictures", _given("pictures"), function, elem_id="lab-pictures")
        with gr.Tab("The sweep"):
            SweepView(json.dumps({"runs": records(), "claimed": CLAIMED}), elem_id="lab-sweep")


def _given(lab: str) -> str:
    plan, settings = STARTS[lab]
    return json.dumps(
        {
            "plan": to_json(plan),
            "settings": to_json(settings),
            "datas": list(DISTRIBUTIONS) if lab == "points" else [],
            "sizes": list(LEVELS[lab]),
            "fsq": {size: math.prod(levels) for size, levels in LEVELS[lab].items()},
            "dims": list(DIMS[lab]),
            "low": LOW_DIM[lab],
            "cures": to_json(TEXTS),
        }
    )
