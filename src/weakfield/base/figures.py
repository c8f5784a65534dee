"""One look for all figures: colours with a meaning, plain axes, no global state.

Newton and GR each have their own colour everywhere (Okabe & Ito, also distinct to colour-blind readers).
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weakfield.base.files import replacing
from weakfield.base.wording import speak

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"newton": "#0072B2", "gr": "#D55E00", "difference": "#222222"}
NAMES = {"newton": "Newton", "gr": "GR", "difference": "GR \N{MINUS SIGN} Newton"}
GREY, LIGHT_GREY = "#777777", "#CCCCCC"
#: for further classifiers and curves, distinct from the two theories
OTHERS = ("#222222", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8B5A2B")
#: options of ``Axes.errorbar`` for measured points with their errors
POINTS: dict[str, Any] = {"fmt": "o", "markersize": 3.5, "elinewidth": 0.8}
SEQUENTIAL, DIVERGING = "cividis", "PuOr"
DPI = 160


def new_figure(rows: int = 1, columns: int = 1, size: tuple[float, float] = (5.2, 3.7), **options: Any) -> Any:
    """A figure of ``rows`` x ``columns`` panels of ``size`` inches each, and its axes as a 2-D array of objects."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for panel in axes.ravel():
        tidy(panel)
    return figure, axes


def panel(ax: Axes | None) -> Axes:
    """``ax``, or the axes of a new pyplot figure, which a notebook shows."""
    if ax is None:
        from matplotlib import pyplot

        _, ax = pyplot.subplots(figsize=(5.2, 3.7), layout="constrained")
        tidy(ax)
    return ax


def tidy(axes: Axes) -> None:
    """Two spines, ticks outward, a faint grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#444444")
    axes.tick_params(labelsize=9, colors="#222222", which="both")
    axes.grid(True, color="#E6E6E6", linewidth=0.6)
    axes.set_axisbelow(True)


def wavenumber_axis(axes: Axes) -> None:
    """A logarithmic k axis with plain decimal labels at 1, 2 and 5."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda k, _: f"{k:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("k  [h/Mpc]")


def save_png(path: Path, figure: Figure, dpi: int = DPI) -> None:
    """Write a figure, whole or not at all; the same content gives the same bytes."""
    with replacing(path) as scratch:
        scratch.write_bytes(png_of(figure, dpi))


def png_of(figure: Figure, dpi: int = DPI) -> bytes:
    """A figure as PNG; the same drawing gives the same bytes.

    ``Figure.savefig`` would draw it twice, the first time to find its layout, which drawing finds anyway.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    speak(figure)
    before, buffer = (figure.canvas, figure.dpi), io.BytesIO()
    figure.dpi = dpi
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]
    figure.canvas, figure.dpi = before
    return buffer.getvalue()
