"""Rate and distortion as a figure: what each model and each picture format makes of so many bits."""

import html
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from explorer.plots.layout import laid_out
from explorer.plots.palette import GREY, SERIES

TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
FORMATS = {"JPEG": "dot", "WebP": "dash"}
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "star", "hexagon")
"""Outlines of different shapes: models of as many bits lie nearly on top of each other, and each is still seen."""

Point = tuple[float, float]


def rate_figure(
    models: Sequence[tuple[str, Point]], formats: Mapping[str, Sequence[Point]], above: Sequence[tuple[str, float]]
) -> go.Figure:
    """Points are (bits per pixel, PSNR in dB): of each model one, of each picture format a curve.

    above: models without codes, which have a PSNR but no bits; a line each.
    """
    figure = go.Figure()
    for name, points in formats.items():
        x, y = zip(*points, strict=True)
        line = {"color": GREY, "width": 2, "dash": FORMATS.get(name, "solid")}
        figure.add_trace(go.Scatter(x=x, y=y, name=name, mode="lines", line=line))
    for i, (name, (bits, psnr)) in enumerate(models):
        symbol, colour = SYMBOLS[i % len(SYMBOLS)], SERIES[i % len(SERIES)]
        marker = {"size": 13, "symbol": f"{symbol}-open", "color": colour, "line": {"width": 2.5}}
        figure.add_trace(go.Scatter(x=[bits], y=[psnr], name=_plain(name), mode="markers", marker=marker))
    figure.update_traces(hovertemplate="%{x:.3f} bits per pixel: %{y:.2f} dB")
    bits = [x for trace in figure.data for x in trace.x] or TICKS
    for i, (name, psnr) in enumerate(above, len(models)):
        line = {"color": SERIES[i % len(SERIES)], "width": 2}
        ends = {"x": [min(bits), max(bits)], "y": [psnr, psnr], "hovertemplate": "%{y:.2f} dB, from floats"}
        figure.add_trace(go.Scatter(**ends, name=_plain(name), mode="lines", line=line))
    return laid_out(
        figure,
        "bits per pixel, log scale",
        "PSNR, dB",
        {"zeroline": False},
        {"zeroline": False, "type": "log", "tickvals": TICKS},
        legend={"orientation": "h", "y": -0.28, "x": 0},
        showlegend=True,
        hovermode="closest",
        height=340,
    )


def _plain(name: str) -> str:
    """A model's name for Plotly, which takes names for HTML and would make links of them."""
    return html.escape(name, quote=False)
