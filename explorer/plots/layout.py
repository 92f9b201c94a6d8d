"""How figures are laid out: ink between light and dark, on no background, so that one serves both themes."""

from typing import Any

import plotly.graph_objects as go

from explorer.plots.palette import GREY

RULE = "rgba(138,133,128,0.25)"
BUTTONS = ("zoom", "pan", "select", "lasso", "zoomIn", "zoomOut", "autoScale", "resetScale", "toImage")
"""Of Plotly's bar; none is needed here, and the bar would cover the line."""


def laid_out(
    figure: go.Figure, x: str, y: str, y_axis: dict[str, Any], x_axis: dict[str, Any] | None = None, **more
) -> go.Figure:
    """The figure, with the titles of its axes and what is special about them; more: of the layout."""
    axis = {"gridcolor": RULE, "zerolinecolor": RULE, "linecolor": RULE, "showline": True}
    common = {
        "template": "none",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": GREY, "size": 12, "family": "system-ui, sans-serif"},
        "xaxis": {**axis, "title": {"text": x, "standoff": 6}, **(x_axis or {})},
        "yaxis": {**axis, "title": {"text": y, "standoff": 6}, **y_axis},
        "margin": {"l": 56, "r": 8, "t": 8, "b": 40},
        "height": 220,
        "showlegend": False,
        "hovermode": "x unified",
        "dragmode": False,
        "modebar": {"remove": list(BUTTONS)},
    }
    return figure.update_layout(**common | more)
