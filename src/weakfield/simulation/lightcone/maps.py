"""Metric maps on the shells of a light cone, of the fields of one cycle (EQUATIONS 19.4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor

from weakfield.formats.cone_maps import MapShell, map_file, write_shell
from weakfield.mesh import spectral
from weakfield.mesh.healpix import (
    coarse_resolution,
    directions,
    file_order,
    pixel_count,
    resolution,
    rotation,
)
from weakfield.mesh.kernels.cpu.lightcone import interpolated, splined
from weakfield.simulation.clock import Clock
from weakfield.simulation.lightcone.geometry import Cone, Shells
from weakfield.simulation.snapshots import snapshot_field
from weakfield.simulation.spectral.universe import SpectralUniverse
from weakfield.simulation.universe import Universe

Array = npt.NDArray[np.float64]

#: components of h_ij in the order of ``snapshot_field``, but for h33, which is not written: h is traceless
_TENSOR = (("h11", 0, 0), ("h12", 0, 1), ("h13", 0, 2), ("h22", 1, 1), ("h23", 1, 2))

Shift = tuple[float, float, float]
Grid = Callable[[str], Tensor]


def shell_numbers(cone: Cone, shells: Shells, grid: int) -> range:
    """The shells k, of radius k / (grid shell_factor), that the cone maps in this cycle."""
    per_box = grid * cone.settings.shell_factor
    first = math.ceil(per_box * max(shells.metric_inner, cone.near))
    if cone.far > shells.metric_outer:
        last = math.floor(per_box * shells.metric_outer)
    else:
        last = math.ceil(per_box * cone.far) - 1
    return range(first, max(first, last) + 1)


def write_maps(
    universe: Universe, clock: Clock, cone: Cone, shells: Shells, stem: Path, processes: tuple[int, int], field: Grid
) -> list[Path]:
    """Write the maps of a cone in this cycle, one file a component: ``<stem>_<component>.map``; returns the files.

    ``field`` gives the fields of this cycle by name, as ``mapped_fields`` does; ``processes`` as in the settings.
    """
    splines = isinstance(universe, SpectralUniverse)
    parts = _components_at_nodes if splines else _components
    components = [part for name in cone.settings.outputs if name != "Gadget2" for part in parts(name, field)]
    paths = [stem.with_name(f"{stem.name}_{name}.map") for name, _, _ in components]
    if not components:
        return paths
    n, box = universe.n, universe.run.simulation.box_size_mpch
    domain = (n / processes[0], n / processes[1])
    turned = rotation(cone.axis)
    with ExitStack() as stack:
        files = [stack.enter_context(map_file(path)) for path in paths]
        for k in shell_numbers(cone, shells, n):
            radius = k / (n * cone.settings.shell_factor)
            nside = resolution(cone.nside, cone.settings.pixel_factor, radius * n)
            coarse = coarse_resolution(nside, radius * n, domain)
            order = file_order(nside, coarse, pixel_count(nside, cone.cosine))
            points = _points(cone, radius, turned, directions(nside, order))
            for file, (_, values, shift) in zip(files, components, strict=True):
                out = np.empty(order.size)
                if splines:
                    splined(values, points, out)
                else:
                    interpolated(values, points, np.array(shift), out)
                write_shell(file, MapShell(nside, coarse, n, cone.axis, radius, box, out))
    return paths


def mapped_fields(universe: Universe, clock: Clock) -> Grid:
    """The fields of a cycle by name, each made once, in double precision.

    On the spectral mesh they are divided by the window of its splines, which then pass through the fields.
    """

    @cache
    def made(name: str) -> Tensor:
        field = snapshot_field(universe, clock, name).double()
        if isinstance(universe, SpectralUniverse):
            field = spectral.field_of(spectral.modes_of(field, windowed=True), universe.n)
        return field.cpu()

    return made


def _points(cone: Cone, radius: float, turned: Array, pixels: Array) -> Array:
    """(3, P) positions of pixels on a shell, in boxes, not wrapped; products are added in a fixed order."""
    x, y, z = pixels.T
    return np.stack(
        [cone.vertex[i] + radius * (turned[i, 0] * x + turned[i, 1] * y + turned[i, 2] * z) for i in range(3)]
    )


def _components(name: str, field: Grid) -> Iterator[tuple[str, Array, Shift]]:
    """The scalar maps of a field: name, values [z, y, x], and where sites lie within their cell (x, y, z)."""
    values: Array = field(name).numpy()
    if name == "B":
        for i in range(3):
            x, y, z = (0.5 * (axis == i) for axis in range(3))
            yield f"B{i + 1}", np.ascontiguousarray(values[i]), (x, y, z)
    elif name == "hij":
        for at, (component, i, j) in enumerate(_TENSOR):
            yield component, np.ascontiguousarray(_at_nodes(values[at], i, j)), (0.0, 0.0, 0.0)
    else:
        yield name, np.ascontiguousarray(values), (0.0, 0.0, 0.0)


def _components_at_nodes(name: str, field: Grid) -> Iterator[tuple[str, Array, Shift]]:
    """The same on the spectral mesh, where all components are at the nodes."""
    values: Array = field(name).numpy()
    parts: list[tuple[str, Array]] = [(name, values)]
    if name == "B":
        parts = [(f"B{i + 1}", values[i]) for i in range(3)]
    elif name == "hij":
        parts = [(component, values[at]) for at, (component, _, _) in enumerate(_TENSOR)]
    for component, one in parts:
        yield component, np.ascontiguousarray(one), (0.0, 0.0, 0.0)


def _at_nodes(values: Array, i: int, j: int) -> Array:
    """A component of h_ij at the nodes: off the diagonal, the mean of the four plaquettes around each."""
    if i == j:
        return values
    along = np.roll(values, 1, axis=2 - i) + values
    mean: Array = 0.25 * (np.roll(along, 1, axis=2 - j) + along)
    return mean
