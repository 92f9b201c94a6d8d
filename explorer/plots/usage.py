"""Usage of a codebook as figures: codes found as tokens grow, and how often each code occurs, by rank."""

import numpy as np
import plotly.graph_objects as go

from explorer.plots.layout import laid_out
from explorer.plots.palette import GREY

OURS = "#6366f1"


def rarefaction_figure(tokens: np.ndarray, expected: np.ndarray, even: np.ndarray) -> go.Figure:
    """Expected distinct codes (n,) in so many tokens (n,), and what an evenly used codebook would show (n,)."""
    figure = go.Figure()
    figure.add_trace(_line(tokens, even, "evenly used codebook", GREY, dash="dash"))
    figure.add_trace(_line(tokens, expected, "this model", OURS))
    figure.update_traces(hovertemplate="%{x:,} tokens: %{y:,.0f} codes")
    return laid_out(figure, "tokens", "distinct codes", {"rangemode": "tozero"}, {"type": "log"})


def rank_figure(shares: np.ndarray) -> go.Figure:
    """Shares of tokens (K,), largest first; codes that never occurred have none and end the line. Log scale."""
    ranks = np.arange(1, len(shares) + 1)
    used = int((shares > 0).sum())
    shown = _thinned(used)
    figure = go.Figure()
    figure.add_hline(y=100 / len(shares), line={"color": GREY, "dash": "dash", "width": 1.5})
    figure.add_trace(_line(ranks[shown], 100 * shares[shown], "this model", OURS))
    figure.update_traces(hovertemplate="rank %{x:,}: %{y:.3g} % of tokens")
    return laid_out(figure, "code, by rank", "% of tokens", {"type": "log"}, {"range": [0, len(shares)]})


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
    figure = laid_out(go.Figure(heat), "", "", {"autorange": "reversed", "scaleanchor": "x", "visible": False})
    return figure.update_layout(xaxis={"visible": False, "constrain": "domain"}, hovermode="closest")


def _thinned(count: int, most: int = 800) -> np.ndarray:
    return np.unique(np.linspace(0, max(0, count - 1), min(count, most)).round().astype(int))


def _line(x: np.ndarray, y: np.ndarray, name: str, colour: str, dash: str = "solid") -> go.Scatter:
    return go.Scatter(x=x, y=y, name=name, mode="lines", line={"color": colour, "width": 2, "dash": dash})
