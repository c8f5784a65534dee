"""The cubes of one pair, plane by plane, under a slider; without JavaScript the middle plane is shown."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.figures import COLOURS, DIVERGING, NAMES, SEQUENTIAL
from weakfield.report.html import data_uri, render

PLANES, PIXELS = 48, 96  # at most, to keep the page small
SIZE = (3.7, 3.15)  # inches of one panel
FIELD = (0.165, 0.165, 0.6, 0.7048)  # left, bottom, width, height of the square field, as shares of the panel
LEVELS = 256

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


def slider(cubes: dict[str, NDArray[np.float64]], box_size_mpch: float) -> tuple[str, str]:
    """Panels of the cubes "newton", "gr" and "difference" (N, N, N) [z, y, x], and a note on how they were thinned.

    The difference comes with its mean removed: beside the mean its structure would not be seen.
    """
    n = next(iter(cubes.values())).shape[0]
    step, block = -(-n // PLANES), _block(n)
    planes = list(range(step // 2, n, step))
    shared = max(float(np.abs(cubes[name]).max()) for name in ("newton", "gr"))
    middle = len(planes) // 2
    panels = []
    for name, cube in cubes.items():
        limit = float(np.abs(cube).max()) if name == "difference" else shared
        images = _coarse(cube[planes], block)
        share = 100 * middle / max(len(planes) - 1, 1)
        left, bottom, width, height = (100 * value for value in FIELD)
        place = f"left:{left:.3f}%;top:{100 - bottom - height:.3f}%;width:{width:.3f}%;height:{height:.3f}%"
        stack = f"background-size:100% {100 * len(planes)}%;background-position:0 {share}%"
        uri = data_uri(_strip(images, limit, _map(name)))
        panels.append(
            f'<div class="panel"><img src="{data_uri(render(_frame(name, limit, box_size_mpch)))}"'
            f' alt="Axes of the potential, {NAMES[name]}">'
            f'<div class="field" style="{place};{stack};background-image:url({uri})"></div></div>'
        )
    cell = box_size_mpch / n
    heights = [round((plane + 0.5) * cell, 1) for plane in planes]
    control = (
        f'<div class="slide"><label for="plane">plane</label><input id="plane" type="range" min="0"'
        f' max="{len(planes) - 1}" value="{middle}"><output for="plane">z = {heights[middle]} Mpc/h</output></div>'
    )
    html = (
        f'<div class="slider" data-heights="{heights}"><div class="panels">{"".join(panels)}</div>{control}</div>'
        f"<script>{SCRIPT}</script>"
    )
    notes = [f"One plane in {step} is shown."] if step > 1 else []
    notes += [f"Pixels are means over {block} \N{MULTIPLICATION SIGN} {block} cells."] if block > 1 else []
    return html, " ".join(notes)


def _block(n: int) -> int:
    """The smallest divisor of ``n`` that brings an image down to ``PIXELS``."""
    return next(b for b in range(1, n + 1) if n % b == 0 and n // b <= PIXELS)


def _coarse(planes: NDArray[np.float64], block: int) -> NDArray[np.float64]:
    """Means over ``block`` x ``block`` cells of every plane (planes, n, n)."""
    count, n, _ = planes.shape
    return np.asarray(planes.reshape(count, n // block, block, n // block, block).mean(axis=(2, 4)))


def _map(name: str) -> str:
    return DIVERGING if name == "difference" else SEQUENTIAL


def _strip(images: NDArray[np.float64], limit: float, colours: str) -> bytes:
    """All planes below each other as one PNG with a palette, y upward in each, colours from -limit to limit."""
    from matplotlib import colormaps
    from PIL import Image

    scaled = (images / limit + 1) / 2 if limit > 0 else np.full(images.shape, 0.5)
    levels = np.clip(np.rint(scaled * (LEVELS - 1)), 0, LEVELS - 1).astype(np.uint8)
    picture = Image.fromarray(levels[:, ::-1].reshape(-1, images.shape[2]), mode="P")
    palette = (colormaps[colours](np.linspace(0, 1, LEVELS))[:, :3] * 255).round().astype(np.uint8)
    picture.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _frame(name: str, limit: float, box_size_mpch: float) -> Any:
    """Axes and colour bar of one panel, empty where the field goes."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=SIZE, facecolor="white")
    axes = figure.add_axes(FIELD)
    axes.set(xlim=(0, box_size_mpch), ylim=(0, box_size_mpch), xlabel="x  [Mpc/h]", ylabel="y  [Mpc/h]")
    axes.tick_params(labelsize=8.5)
    axes.set_title(NAMES[name], fontsize=11, color=COLOURS[name], fontweight="bold")
    power = int(np.floor(np.log10(limit))) if limit > 0 else 0
    scale = ScalarMappable(Normalize(-limit / 10.0**power, limit / 10.0**power), _map(name))
    left, bottom, width, height = FIELD
    bar = figure.colorbar(scale, cax=figure.add_axes((left + width + 0.025, bottom, 0.03, height)))
    symbol = r"\Delta\Phi - \langle\Delta\Phi\rangle" if name == "difference" else r"\Phi"
    bar.set_label(rf"${symbol}$  [$10^{{{power}}}$]", fontsize=9)
    bar.ax.tick_params(labelsize=8.5)
    bar.locator = MaxNLocator(5)
    bar.update_ticks()
    return figure
