"""Cubes shown plane by plane with a slider; without JavaScript the middle plane is shown."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.figures import COLOURS, DIVERGING, NAMES, SEQUENTIAL, png_of
from weakfield.report.page import data_uri, render

Reals = NDArray[np.float64]

PLANES, PIXELS = 48, 96  # at most, to keep the page small
SIZE = (3.7, 3.15)  # inches, of one panel
FIELD = (0.165, 0.165, 0.6, 0.7048)  # left, bottom, width, height of the square field, as fractions of the panel
LEVELS = 256
GREYS = "gray"
VEIL = 0.6  # the opacity follows |attribution| to this power, so that weak attributions are still visible


@dataclass(frozen=True)
class Panel:
    """One picture of a slider: a cube (N, N, N) [z, y, x] in colours from -limit to limit (default: its largest value).

    With ``overlay`` (N, N, N) the cube is drawn in greys, and the overlay lies over it in the colours of the panel,
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


@dataclass(frozen=True)
class Slider:
    """Panels of the same size side by side, moved through their planes together.

    ``name`` is the name of the slider's control on the page. To keep the page small, only every ``step``-th plane is
    shown, and ``block`` x ``block`` cells are averaged.
    """

    panels: Sequence[Panel]
    box_size_mpch: float
    name: str = "plane"

    @property
    def planes(self) -> list[int]:
        """Indices along z of the planes that are shown."""
        return list(range(self.step // 2, len(self.panels[0].cube), self.step))

    @property
    def step(self) -> int:
        return -(-len(self.panels[0].cube) // PLANES)

    @property
    def block(self) -> int:
        return _block(self.panels[0].cube.shape[1])

    @property
    def heights(self) -> list[float]:
        """z of the centres of the planes [Mpc/h]."""
        cell = self.box_size_mpch / self.panels[0].cube.shape[1]
        return [round((plane + 0.5) * cell, 1) for plane in self.planes]

    @property
    def note(self) -> str:
        """How the planes were thinned out; empty where they were not."""
        notes = [f"One plane in {self.step} is shown."] if self.step > 1 else []
        notes += [f"Pixels are means over {self.block} \N{MULTIPLICATION SIGN} {self.block} cells."] * (self.block > 1)
        return " ".join(notes)

    def __html__(self) -> str:
        left, bottom, width, height = (100 * value for value in FIELD)
        panels = [
            {
                "title": panel.title,
                "frame": data_uri(png_of(_frame(panel, self.box_size_mpch))),
                "strip": data_uri(_strip(panel, self.planes, self.block)),
            }
            for panel in self.panels
        ]
        return render(
            "slider.html",
            slider=self,
            panels=panels,
            field={"left": left, "top": 100 - bottom - height, "width": width, "height": height},
        )


def slider(cubes: dict[str, Reals], box_size_mpch: float) -> Slider:
    """Panels of the cubes "newton", "gr" and "difference" (N, N, N) [z, y, x].

    The mean of the difference is removed, because its structure would not be visible beside it.
    """
    shared = max(_largest(cubes[name]) for name in ("newton", "gr"))
    panels = []
    for name, cube in cubes.items():
        apart = name == "difference"
        symbol = r"\Delta\Phi - \langle\Delta\Phi\rangle" if apart else r"\Phi"
        colours, limit = (DIVERGING, None) if apart else (SEQUENTIAL, shared)
        panels.append(Panel(NAMES[name], cube, f"${symbol}$", colours, limit, COLOURS[name]))
    return Slider(panels, box_size_mpch)


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
    """All planes below one another as one PNG with a palette, with y upwards in each."""
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
    """Palette indices: 0 at -limit, the last one at limit."""
    scaled = (images / limit + 1) / 2 if limit > 0 else np.full(images.shape, 0.5)
    return np.clip(np.rint(scaled * (LEVELS - 1)), 0, LEVELS - 1).astype(np.uint8)


def _upright(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Planes (planes, n, n[, 3]) below one another, with the first row of each at its bottom."""
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
