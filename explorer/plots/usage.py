"""Usage of a codebook as figures: codes found as tokens grow, and how often each code occurs, by rank.

Colours are in the middle between light and dark, on no background, so that one figure serves both themes.
"""

import numpy as np
import plotly.graph_objects as go

INK, LINE, OURS, EVEN = "#8a8580", "rgba(138,133,128,0.25)", "#6366f1", "#8a8580"

BUTTONS = ("zoom", "pan", "select", "lasso", "zoomIn", "zoomOut", "autoScale", "resetScale", "toImage")
"""Of Plotly's bar; none is needed here, and the bar would cover the line."""


def rarefaction_figure(tokens: np.ndarray, expected: np.ndarray, even: np.ndarray) -> go.Figure:
    """Expected distinct codes (n,) in so many tokens (n,), and what an evenly used codebook would show (n,)."""
    figure = go.Figure()
    figure.add_trace(_line(tokens, even, "evenly used codebook", EVEN, dash="dash"))
    figure.add_trace(_line(tokens, expected, "this model", OURS))
    figure.update_traces(hovertemplate="%{x:,} tokens: %{y:,.0f} codes")
    return _laid_out(figure, "tokens", "distinct codes", {"rangemode": "tozero"}, {"type": "log"})


def rank_figure(shares: np.ndarray) -> go.Figure:
    """Shares of tokens (K,), largest first; codes that never occurred have none and end the line. Log scale."""
    ranks = np.arange(1, len(shares) + 1)
    used = int((shares > 0).sum())
    shown = _thinned(used)
    figure = go.Figure()
    figure.add_hline(y=100 / len(shares), line={"color": EVEN, "dash": "dash", "width": 1.5})
    figure.add_trace(_line(ranks[shown], 100 * shares[shown], "this model", OURS))
    figure.update_traces(hovertemplate="rank %{x:,}: %{y:.3g} % of tokens")
    return _laid_out(figure, "code, by rank", "% of tokens", {"type": "log"}, {"range": [0, len(shares)]})


def position_figure(perplexity: np.ndarray) -> go.Figure:
    """Perplexity of the codes in each part of pictures, (rows, columns)."""
    rows, columns = perplexity.shape
    heat = go.Heatmap(
        z=perplexity,
        x=np.arange(1, columns + 1),
        y=np.arange(1, rows + 1),
        colorscale="Viridis",
        colorbar={"thickness": 10, "outlinewidth": 0},
        hovertemplate="row %{y}, column %{x}: perplexity %{z:,.0f}<extra></extra>",
    )
    figure = _laid_out(go.Figure(heat), "", "", {"autorange": "reversed", "scaleanchor": "x", "visible": False})
    return figure.update_layout(xaxis={"visible": False, "constrain": "domain"}, hovermode="closest")


def _thinned(count: int, most: int = 800) -> np.ndarray:
    return np.unique(np.linspace(0, max(0, count - 1), min(count, most)).round().astype(int))


def _line(x: np.ndarray, y: np.ndarray, name: str, colour: str, dash: str = "solid") -> go.Scatter:
    return go.Scatter(x=x, y=y, name=name, mode="lines", line={"color": colour, "width": 2, "dash": dash})


def _laid_out(figure: go.Figure, x: str, y: str, y_axis: dict, x_axis: dict | None = None) -> go.Figure:
    axis = {"gridcolor": LINE, "zerolinecolor": LINE, "linecolor": LINE, "showline": True}
    figure.update_layout(
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": INK, "size": 12, "family": "system-ui, sans-serif"},
        xaxis={**axis, "title": {"text": x, "standoff": 6}, **(x_axis or {})},
        yaxis={**axis, "title": {"text": y, "standoff": 6}, **y_axis},
        margin={"l": 56, "r": 8, "t": 8, "b": 40},
        height=220,
        showlegend=False,
        hovermode="x unified",
        dragmode=False,
        modebar={"remove": list(BUTTONS)},
    )
    return figure
