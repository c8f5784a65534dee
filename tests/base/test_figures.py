"""Figures as files."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from weakfield.base.figures import new_figure, png_of, wavenumber_axis


def drawing() -> Any:
    figure, axes = new_figure(1, 2)
    axes[0, 0].plot([0.01, 1.0], [1.0, 30.0], label=r"$P(k)$")
    wavenumber_axis(axes[0, 0])
    axes[0, 0].legend()
    figure.colorbar(axes[0, 1].imshow(np.eye(4)), ax=axes[0, 1], label="counts")
    return figure


def test_a_figure_is_drawn_once_and_looks_as_matplotlib_saves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    drawing().savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    figure, draw, drawn = drawing(), Figure.draw, []
    before = figure.canvas, figure.dpi
    monkeypatch.setattr(Figure, "draw", lambda self, renderer: (drawn.append(self), draw(self, renderer)))
    assert png_of(figure, 110) == buffer.getvalue()
    assert drawn == [figure]
    assert (figure.canvas, figure.dpi) == before
