"""The collapse sweep as figures: used codes and PSNR against the size of the codebook, ours beside the paper's.

What the paper says is read off Figure 3 of Mentzer, Minnen, Agustsson, Tschannen 2023, arXiv 2309.15505.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

FAMILIES = {"vq": "VQ", "vq_ema": "VQ, EMA + restarts", "fsq": "FSQ"}
COLOURS = {"vq": "#d55e00", "vq_ema": "#0072b2", "fsq": "#009e73"}
"""Of Okabe and Ito's palette, which colour-blind people can tell apart."""

PAPER = {
    "FSQ": ((2**10, 2**12, 2**14, 2**16), (2**10, 2**12, 2**13.8, 2**15.3)),
    "VQ": ((2**10, 2**12, 2**14, 2**16), (2**9.8, 2**10, 2**8.1, 2**7.8)),
}
"""Codebook size and used codes over 50,000 validation pictures of ImageNet, approximate readings."""


def sweep_figure(records: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Left: used codes; right: PSNR in dB on held-out pictures. Lines through the means of the seeds, bars from the
    lowest to the highest; grey dotted lines: what the FSQ paper reports for its own networks on ImageNet."""
    figure = make_subplots(cols=2, column_titles=["Codes in use", "PSNR on held-out pictures, dB"])
    _diagonal(figure)
    for family, name in FAMILIES.items():
        points = _by_size([record for record in records if record["family"] == family])
        for column, key in ((1, "used"), (2, "psnr")):
            figure.add_trace(
                _line(name, COLOURS[family], [(size, values[key]) for size, values in points.items()], column == 1),
                row=1,
                col=column,
            )
    for name, (sizes, used) in PAPER.items():
        style = {"color": "#888888", "dash": "dot", "width": 1.5}
        symbol = "diamond-open" if name == "FSQ" else "x-thin-open"
        figure.add_trace(
            go.Scatter(
                x=sizes,
                y=used,
                name=f"{name} in the FSQ paper (ImageNet, read off Figure 3)",
                mode="lines+markers",
                line=style,
                marker={"symbol": symbol, "size": 8},
                hovertemplate="%{x:,} codes: about %{y:,.0f} used<extra></extra>",
            ),
            row=1,
            col=1,
        )
    tokens = records[0]["held_out"]["tokens"] if records else 0
    sizes = sorted({_nominal(record["size"]) for record in records} | set(PAPER["VQ"][0]))
    ticks = {"type": "log", "tickvals": sizes, "ticktext": [f"{size:,}" for size in sizes]}
    figure.update_xaxes(**ticks, title_text="size of the codebook", tickangle=-40)
    figure.update_yaxes(type="log", title_text=f"used at least once in {tokens:,} tokens", row=1, col=1)
    figure.update_layout(
        template="plotly_white",
        legend={"orientation": "h", "y": -0.35, "x": 0},
        margin={"l": 60, "r": 20, "t": 40, "b": 40},
        height=460,
    )
    return figure


def _by_size(records: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, list[float]]]:
    sizes = sorted({record["size"] for record in records})
    return {
        size: {
            key: [record["held_out"][key] for record in records if record["size"] == size] for key in ("used", "psnr")
        }
        for size in sizes
    }


def _line(name: str, colour: str, points: Sequence[tuple[int, Sequence[float]]], legend: bool) -> go.Scatter:
    means = np.array([np.mean(values) for _, values in points])
    above = np.array([max(values) for _, values in points]) - means
    below = means - np.array([min(values) for _, values in points])
    return go.Scatter(
        x=[size for size, _ in points],
        y=means,
        name=name,
        legendgroup=name,
        showlegend=legend,
        mode="lines+markers",
        line={"color": colour, "width": 2.5},
        marker={"size": 8},
        error_y={"array": above, "arrayminus": below, "thickness": 1.5, "width": 4},
        customdata=[len(values) for _, values in points],
        hovertemplate="%{x:,} codes: %{y:,.4~g} (%{customdata} seeds)<extra>" + name + "</extra>",
    )


def _diagonal(figure: go.Figure) -> None:
    """Every code in use."""
    ends = [16, 2**16]
    figure.add_trace(
        go.Scatter(
            x=ends,
            y=ends,
            name="every code in use",
            mode="lines",
            line={"color": "#bbbbbb", "width": 1},
            hoverinfo="skip",
        ),
        row=1,
        col=1,
    )


def _nominal(size: int) -> int:
    """The power of two that a codebook size stands for: FSQ's products come near it."""
    return 2 ** round(np.log2(size))
