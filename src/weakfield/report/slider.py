"""Cubes plane by plane under a slider; without JavaScript the middle plane is shown."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.figures import COLOURS, DIVERGING, NAMES, SEQUENTIAL
from weakfield.report.html import data_uri, render

Reals = NDArray[np.float64]

PLANES, PIXELS = 48, 96  # at most, to keep the page small
SIZE = (3.7, 3.15)  # inches of one panel
FIELD = (0.165, 0.165, 0.6, 0.7048)  # left, bottom, width, height of the square field, as shares of the panel
LEVELS = 256
GREYS = "gray"
VEIL = 0.6  # power of |attribution| that its opacity follows: what is weak is still seen

SCRIPT = """
document.querySelectorAll('.slider').forEach(function (box) {
  var input = box.querySelector('input'), label = box.querySelector('output');
  var heights = JSON.parse(box.dataset.heights);
  function show() {
    var i = Number(input.value), share = heights.length > 1 ? 100 * i / (heights.length - 1) : 0;
    box.querySelectorAll('.field').forEach(function (f) { f.style.backgroundPosition = '0 ' + share + '%'; });
    label.value = 'z = ' + heights[i] + ' Mpc/h';
  }
  input.addEventListener('input', show);
  show();
});
"""


@dataclass(frozen=True)
class Panel:
    """One picture of a slider: a cube (N, N, N) [z, y, x] in colours from -limit to limit (default: its largest value).

    With ``overlay`` (N, N, N) the cube is drawn in greys and the overlay lies over it in the colours of the panel,
    opaque where it is strongest; limit and label are then those of the overlay.
    """

    title: str
    cube: Reals
    label: str
    colours: str = DIVERGING
    limit: float | None = None
    ink: str = "#222222"
    overlay: Reals | None = None

    @property
    def reach(self) -> float:
        """Half of the range of the colour bar."""
        return self.limit if self.limit is not None else _largest(self.cube if self.overlay is None else self.overlay)


def slider(cubes: dict[str, Reals], box_size_mpch: float) -> tuple[str, str]:
    """Panels of the cubes "newton", "gr" and "difference" (N, N, N) [z, y, x], and a note on how they were thinned.

    The difference comes with its mean removed: beside the mean its structure would not be seen.
    """
    shared = max(_largest(cubes[name]) for name in ("newton", "gr"))
    panels = []
    for name, cube in cubes.items():
        apart = name == "difference"
        symbol = r"\Delta\Phi - \langle\Delta\Phi\rangle" if apart else r"\Phi"
        colours, limit = (DIVERGING, None) if apart else (SEQUENTIAL, shared)
        panels.append(Panel(NAMES[name], cube, f"${symbol}$", colours, limit, COLOURS[name]))
    return stack(panels, box_size_mpch)


def stack(panels: Sequence[Panel], box_size_mpch: float, name: str = "plane") -> tuple[str, str]:
    """Panels side by side under one slider, ``name`` being its own on the page; and a note on how they were thinned."""
    n, depth = panels[0].cube.shape[1], panels[0].cube.shape[0]
    step, block = -(-depth // PLANES), _block(n)
    planes = list(range(step // 2, depth, step))
    middle = len(planes) // 2
    share = 100 * middle / max(len(planes) - 1, 1)
    left, bottom, width, height = (100 * value for value in FIELD)
    place = f"left:{left:.3f}%;top:{100 - bottom - height:.3f}%;width:{width:.3f}%;height:{height:.3f}%"
    pictures = []
    for panel in panels:
        position = f"background-size:100% {100 * len(planes)}%;background-position:0 {share}%"
        uri = data_uri(_strip(panel, planes, block))
        pictures.append(
            f'<div class="panel"><img src="{data_uri(render(_frame(panel, box_size_mpch)))}"'
            f' alt="Axes: {panel.title}">'
            f'<div class="field" style="{place};{position};background-image:url({uri})"></div></div>'
        )
    cell = box_size_mpch / n
    heights = [round((plane + 0.5) * cell, 1) for plane in planes]
    control = (
        f'<div class="slide"><label for="{name}">plane</label><input id="{name}" type="range" min="0"'
        f' max="{len(planes) - 1}" value="{middle}"><output for="{name}">z = {heights[middle]} Mpc/h</output></div>'
    )
    html = f'<div class="slider" data-heights="{heights}"><div class="panels">{"".join(pictures)}</div>{control}</div>'
    notes = [f"One plane in {step} is shown."] if step > 1 else []
    notes += [f"Pixels are means over {block} \N{MULTIPLICATION SIGN} {block} cells."] if block > 1 else []
    return html, " ".join(notes)


def script() -> str:
    """What moves every slider of a page: once, after all of them."""
    return f"<script>{SCRIPT}</script>"


def _largest(cube: Reals) -> float:
    return float(np.abs(cube).max())


def _block(n: int) -> int:
    """The smallest divisor of ``n`` that brings an image down to ``PIXELS``."""
    return next(b for b in range(1, n + 1) if n % b == 0 and n // b <= PIXELS)


def _coarse(planes: Reals, block: int) -> Reals:
    """Means over ``block`` x ``block`` cells of every plane (planes, n, n)."""
    count, n, _ = planes.shape
    return np.asarray(planes.reshape(count, n // block, block, n // block, block).mean(axis=(2, 4)))


def _strip(panel: Panel, planes: list[int], block: int) -> bytes:
    """All planes below each other as one PNG with a palette, y upward in each."""
    from matplotlib import colormaps
    from PIL import Image

    cube = _coarse(panel.cube[planes], block)
    if panel.overlay is None:
        levels = _levels(cube, panel.reach)
        picture = Image.fromarray(_upright(levels), mode="P")
        palette = (colormaps[panel.colours](np.linspace(0, 1, LEVELS))[:, :3] * 255).round().astype(np.uint8)
        picture.putpalette(palette.tobytes())
    else:
        over = _coarse(panel.overlay[planes], block)
        veil = np.clip(np.abs(over) / panel.reach, 0, 1)[..., None] ** VEIL if panel.reach > 0 else 0.0
        under = colormaps[GREYS](_levels(cube, _largest(cube)))[..., :3]
        mixed = (1 - veil) * under + veil * colormaps[panel.colours](_levels(over, panel.reach))[..., :3]
        picture = Image.fromarray(_upright((mixed * 255).round().astype(np.uint8))).quantize(
            LEVELS, dither=Image.Dither.NONE
        )
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _levels(images: Reals, limit: float) -> NDArray[np.uint8]:
    """Numbers of colours, 0 at -limit, the last at limit."""
    scaled = (images / limit + 1) / 2 if limit > 0 else np.full(images.shape, 0.5)
    return np.clip(np.rint(scaled * (LEVELS - 1)), 0, LEVELS - 1).astype(np.uint8)


def _upright(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Planes (planes, n, n[, 3]) below each other, the first row of each at its bottom."""
    flipped = images[:, ::-1]
    return np.ascontiguousarray(flipped.reshape(-1, *images.shape[2:]))


def _frame(panel: Panel, box_size_mpch: float) -> Any:
    """Axes and colour bar of one panel, empty where the field goes."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    limit = panel.reach
    figure = Figure(figsize=SIZE, facecolor="white")
    axes = figure.add_axes(FIELD)
    axes.set(xlim=(0, box_size_mpch), ylim=(0, box_size_mpch), xlabel="x  [Mpc/h]", ylabel="y  [Mpc/h]")
    axes.tick_params(labelsize=8.5)
    axes.set_title(panel.title, fontsize=11, color=panel.ink, fontweight="bold")
    power = int(np.floor(np.log10(limit))) if limit > 0 else 0
    scale = ScalarMappable(Normalize(-limit / 10.0**power, limit / 10.0**power), panel.colours)
    left, bottom, width, height = FIELD
    bar = figure.colorbar(scale, cax=figure.add_axes((left + width + 0.025, bottom, 0.03, height)))
    bar.set_label(rf"{panel.label}  [$10^{{{power}}}$]", fontsize=9)
    bar.ax.tick_params(labelsize=8.5)
    bar.locator = MaxNLocator(5)
    bar.update_ticks()
    return figure
