"""Rate and distortion as a figure: what each model and each picture format makes of so many bits.

Colours are in the middle between light and dark, on no background, so that one figure serves both themes.
"""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from explorer.plots.usage import BUTTONS, INK, LINE

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of Okabe and Ito's palette, which colour-blind people can tell apart."""
TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
FORMATS = {"JPEG": "dot", "WebP": "dash"}

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
        line = {"color": INK, "width": 2, "dash": FORMATS.get(name, "solid")}
        figure.add_trace(go.Scatter(x=x, y=y, name=name, mode="lines", line=line))
    for i, (name, (bits, psnr)) in enumerate(models):
        marker = {"size": 12, "color": COLOURS[i % len(COLOURS)], "line": {"width": 1, "color": "white"}}
        figure.add_trace(go.Scatter(x=[bits], y=[psnr], name=name, mode="markers", marker=marker))
    figure.update_traces(hovertemplate="%{x:.3f} bits per pixel: %{y:.2f} dB")
    for name, psnr in above:
        figure.add_hline(
            y=psnr, line={"color": LINE, "width": 2}, annotation={"text": f"{name}, floats", "font": {"color": INK}}
        )
    axis = {"gridcolor": LINE, "zeroline": False, "linecolor": LINE, "showline": True}
    return figure.update_layout(
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": INK, "size": 12, "family": "system-ui, sans-serif"},
        xaxis={**axis, "title": {"text": "bits per pixel, log scale", "standoff": 6}, "type": "log", "tickvals": TICKS},
        yaxis={**axis, "title": {"text": "PSNR, dB", "standoff": 6}},
        legend={"orientation": "h", "y": -0.28, "x": 0},
        margin={"l": 56, "r": 8, "t": 8, "b": 40},
        height=340,
        dragmode=False,
        modebar={"remove": list(BUTTONS)},
    )
