"""Where a light cone is in a cycle, and which periodic images of the box it can meet (EQUATIONS 19.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from weakfield.config import RunSettings
from weakfield.config.lightcone import LightCone
from weakfield.cosmology import Background
from weakfield.simulation.clock import Clock

Array = npt.NDArray[np.float64]

#: half the diagonal of the box
_HALF_DIAGONAL = 0.5 * math.sqrt(3.0)
#: how far rounding may put a particle beyond what is computed for its box
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Shells:
    """The shells of one cycle around a vertex, in units of the box.

    ``distance`` R is that of the cone at the time of the cycle; ``step`` is the coming step, ``before`` the previous
    one. Particles are taken from R - step/2 to R + before/2, the metric from ``metric_inner`` to ``metric_outer``.
    """

    distance: float
    step: float
    before: float
    metric_inner: float
    metric_outer: float

    @property
    def inner(self) -> float:
        return self.distance - 0.5 * self.step

    @property
    def outer(self) -> float:
        return self.distance + 0.5 * self.before

    @property
    def late_outer(self) -> float:
        """Beyond ``outer``: particles that have fallen towards the vertex since the last cycle are found here."""
        return self.distance + 0.55 * self.before


@dataclass(frozen=True)
class Cone:
    """One light cone of a run in code units: lengths in boxes, the axis of length 1; ``number`` counts from 0."""

    number: int
    settings: LightCone
    vertex: tuple[float, float, float]
    event: float  # conformal time of the observation
    near: float
    far: float
    cosine: float  # of the opening half-angle; -1: full sky
    axis: tuple[float, float, float]
    covering: float
    nside: tuple[int, int]

    @classmethod
    def of(cls, run: RunSettings, number: int, background: Background) -> Cone:
        settings = run.lightcone.cones[number]
        box = run.simulation.box_size_mpch
        near, far = settings.distance_mpch or (0.0, 0.5 * box)
        x, y, z = settings.direction
        length = math.sqrt(x * x + y * y + z * z)
        covering = settings.covering
        if covering is None:
            covering = 2.0 + 4.0 / (run.simulation.courant_factor * settings.shell_factor)
        vx, vy, vz = settings.vertex_mpch
        return cls(
            number=number,
            settings=settings,
            vertex=(vx / box, vy / box, vz / box),
            event=background.particle_horizon(1.0 / (1.0 + settings.redshift)),
            near=near / box,
            far=far / box,
            cosine=-1.0 if settings.half_angle_deg >= 180.0 else math.cos(math.radians(settings.half_angle_deg)),
            axis=(x / length, y / length, z / length),
            covering=covering,
            nside=settings.nside or (2, max(2, 1 << (run.simulation.grid - 1).bit_length())),
        )

    @cached_property
    def particles(self) -> bool:
        """Whether particles are written."""
        return "Gadget2" in self.settings.outputs

    @property
    def full_sky(self) -> bool:
        return self.cosine <= -1.0

    def shells(self, clock: Clock) -> Shells:
        """Where this cone is now."""
        distance, half = self.event - clock.tau, 0.5 * self.covering
        step, before = clock.step, clock.previous_step
        return Shells(distance, step, before, distance - half * step, distance + half * before)

    def passed(self, clock: Clock) -> bool:
        """Whether the observation lies in the past, or is now."""
        return 1.0 / clock.a <= 1.0 + self.settings.redshift

    def maps(self, shells: Shells) -> bool:
        """Whether the cone has a metric window in this cycle."""
        return self.far > shells.metric_inner and self.near <= shells.metric_outer and shells.metric_outer > 0.0

    def takes_particles(self, shells: Shells, clip: bool) -> bool:
        """Whether particles are written in this cycle: the limits act on whole cycles, unless particles are clipped."""
        if clip:
            return self.far > shells.inner and self.near <= shells.late_outer and shells.outer > 0.0
        return self.far > shells.outer and self.near <= shells.outer and shells.outer > 0.0

    def images(self, shells: Shells) -> npt.NDArray[np.int64]:
        """(I, 3) shifts (u, v, w) of the vertex whose shell can meet the box, u slowest and w fastest."""
        reach = math.ceil(shells.late_outer) + 1
        along = np.arange(-reach, reach + 1, dtype=np.int64)
        found = [self._meeting(u, along, shells) for u in along]
        return np.concatenate(found)

    def _meeting(self, u: np.int64, along: npt.NDArray[np.int64], shells: Shells) -> npt.NDArray[np.int64]:
        """The same for one u."""
        v, w = np.meshgrid(along, along, indexing="ij")
        shifts = np.stack([np.full(v.size, u), v.ravel(), w.ravel()], axis=1)
        vertex: Array = np.array(self.vertex) + shifts.astype(np.float64)
        nearest = np.maximum(np.maximum(-vertex, vertex - 1.0), 0.0)
        farthest = np.maximum(np.abs(vertex), np.abs(1.0 - vertex))
        least = np.sqrt((nearest**2).sum(axis=1))
        largest = np.sqrt((farthest**2).sum(axis=1))
        keep = (largest > shells.inner - _ROUNDING) & (least < shells.late_outer + _ROUNDING)
        if not self.full_sky:
            keep &= self._may_see(np.asarray(0.5 - vertex, dtype=np.float64))
        kept: npt.NDArray[np.int64] = shifts[keep]
        return kept

    def _may_see(self, centre: Array) -> npt.NDArray[np.bool_]:
        """Whether a box around ``centre`` (I, 3), relative to the vertex, can have a part inside the opening."""
        distance = np.sqrt((centre**2).sum(axis=1))
        along = centre[:, 0] * self.axis[0] + centre[:, 1] * self.axis[1] + centre[:, 2] * self.axis[2]
        far = np.maximum(distance, _HALF_DIAGONAL)
        angle = np.arccos(np.clip(along / far, -1.0, 1.0))
        seen: npt.NDArray[np.bool_] = angle - np.arcsin(_HALF_DIAGONAL / far) < math.acos(self.cosine) + _ROUNDING
        around: npt.NDArray[np.bool_] = distance <= _HALF_DIAGONAL
        return seen | around
