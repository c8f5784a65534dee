"""The sky of an observer: phi on a shell of a light cone under both theories, and their difference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from weakfield.base.figures import DIVERGING, NAMES
from weakfield.config import THEORIES, Draw, RunFolder, StudyConfig
from weakfield.formats.cone_info import read_info
from weakfield.formats.cone_maps import MapShell, load_maps
from weakfield.mesh.healpix import directions, file_order
from weakfield.report.page import Picture, absent, render
from weakfield.report.run_results import RunResults

Array = npt.NDArray[np.float64]

#: points of the picture from pole to pole
_ROWS = 180


@dataclass(frozen=True)
class SkyMap:
    """phi on one shell under each theory, with the redshift of the cycle in which the shell was mapped."""

    shells: dict[str, MapShell]
    redshift: float

    @property
    def values(self) -> dict[str, Array]:
        """Both theories, and GR - Newton without its mean, by name."""
        found = {theory: shell.values for theory, shell in self.shells.items()}
        difference = found["gr"] - found["newton"]
        return {**found, "difference": difference - difference.mean()}


def is_mapped(study: StudyConfig) -> bool:
    """Whether a light cone of the study has maps of phi."""
    return _mapped(study) is not None


def _mapped(study: StudyConfig) -> int | None:
    """The first cone with maps of phi."""
    cones = study.lightcone.cones
    return next((i for i, cone in enumerate(cones) if "phi" in cone.outputs), None)


def sky_of(study: StudyConfig, folder: RunFolder, draw: Draw) -> SkyMap | None:
    """The outermost shell of a pair's first cone that was mapped in the cycle in which the observer sees it.

    ``None`` where no cycle has such a shell. Raises ``BadInput`` for a damaged file.
    """
    number = _mapped(study)
    if number is None:
        return None
    numbered = len(study.lightcone.cones) > 1
    stem = f"{study.lightcone.base}{number}" if numbered else study.lightcone.base
    members: dict[str, Path] = {theory: folder.member(draw, theory) for theory in THEORIES}
    for record in read_info(members["newton"] / f"{stem}_info.bin"):
        name = f"{stem}_{int(record['cycle']):04d}_phi.map"
        if not all((path / name).exists() for path in members.values()):
            continue
        maps = {theory: load_maps(path / name) for theory, path in members.items()}
        inside = [
            k
            for k, shell in enumerate(maps["newton"])
            if record["inner"] <= shell.distance < record["outer"] and shell.distance > 0
        ]
        if inside:
            return SkyMap({theory: found[inside[-1]] for theory, found in maps.items()}, 1.0 / float(record["a"]) - 1.0)
    return None


def sky(results: RunResults) -> Markup:
    """The section of the page."""
    draw = next(iter(results.pairs), None)
    found = None if draw is None else sky_of(results.study, results.folder, draw)
    if found is None:
        return absent("maps on a light cone", "simulate")
    shell, values = found.shells["newton"], found.values
    return render(
        "sky.html",
        picture=Picture.of(sky_figure(found), "The potential on the sky of an observer", True),
        seed=draw,
        distance=shell.distance_mpch,
        redshift=found.redshift,
        pixels=shell.values.size,
        mean=float((found.shells["gr"].values - shell.values).mean()),
        scatter=float(values["difference"].std() / values["newton"].std()),
        staggered=results.study.simulation.mesh == "staggered",
        partial=shell.values.size < 12 * shell.nside**2,
    )


def sky_figure(found: SkyMap) -> Any:
    """Three skies in the equal-area projection of Mollweide; the pole is the axis of the cone."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 3.2), facecolor="white")
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.12, top=0.92, wspace=0.06)
    longitude = np.linspace(-np.pi, np.pi, 2 * _ROWS + 1)
    latitude = np.linspace(-0.5 * np.pi, 0.5 * np.pi, _ROWS + 1)
    shell, values = found.shells["newton"], found.values
    pixel, seen = _nearest(shell, 0.5 * (longitude[1:] + longitude[:-1]), 0.5 * (latitude[1:] + latitude[:-1]))
    common = max(float(np.abs(values[theory]).max()) for theory in THEORIES)
    for place, name in enumerate((*THEORIES, "difference")):
        axes = figure.add_subplot(1, 3, place + 1, projection="mollweide")
        largest = (common if name in THEORIES else float(np.abs(values[name]).max())) or 1.0
        picture = np.where(seen, values[name][pixel], np.nan)
        drawn = axes.pcolormesh(
            longitude, latitude, picture, cmap=DIVERGING, vmin=-largest, vmax=largest, rasterized=True
        )
        axes.set_title(NAMES[name], fontsize=11)
        axes.set_xticks([])
        axes.set_yticks([])
        figure.colorbar(
            drawn, ax=axes, orientation="horizontal", shrink=0.7, aspect=30, label="\N{GREEK CAPITAL LETTER PHI}"
        )
    return figure


def _nearest(shell: MapShell, longitude: Array, latitude: Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The pixel whose centre is nearest to each point, by its place in the map, and whether it is seen.

    Both are (rows, columns). Points whose nearest pixel of the whole sphere is not in the map are not seen.
    """
    from scipy.spatial import cKDTree

    everywhere = file_order(shell.nside, shell.nside_ring, 12 * shell.nside**2)
    flat, upward = np.meshgrid(longitude, latitude)
    points = np.stack([np.cos(upward) * np.cos(flat), np.cos(upward) * np.sin(flat), np.sin(upward)], axis=-1)
    _, found = cKDTree(directions(shell.nside, everywhere)).query(points.reshape(-1, 3))
    place = np.full(12 * shell.nside**2, -1)
    place[file_order(shell.nside, shell.nside_ring, shell.values.size)] = np.arange(shell.values.size)
    index = place[everywhere[found]].reshape(flat.shape)
    return np.maximum(index, 0), index >= 0
