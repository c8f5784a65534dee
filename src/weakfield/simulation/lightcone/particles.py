"""The particles of a cycle on every light cone, and the backlog that keeps them from being written twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from weakfield.config.lightcone import LightConeSettings
from weakfield.formats.cone_particles import ConeHeader, ConeParticles, cone_particles
from weakfield.mesh.particles import Particles
from weakfield.simulation.clock import Clock
from weakfield.simulation.lightcone.geometry import Cone, Shells
from weakfield.simulation.lightcone.propagation import Crossing, crossing, dot
from weakfield.simulation.lightcone.selection import image_keys, left_for_next, on_the_cone, overlapping
from weakfield.simulation.lightcone.spectral_motion import SpectralMotion
from weakfield.simulation.spectral.universe import SpectralUniverse
from weakfield.simulation.universe import Universe

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Motion(Protocol):
    """How the particles of a species move about the cycle."""

    def crossing(self, index: Integers, separation: Array, distance: Array, shells: Shells) -> Crossing:
        """Where particles ``index``, now at ``separation`` (n, 3) from the vertex, cross the cone."""


@dataclass
class StaggeredMotion:
    """Straight lines, as in the reference program (EQUATIONS 19.3); ``slopes`` times N is grad(phi), (3, P)."""

    particles: Particles
    slopes: torch.Tensor
    a: float
    rate: float

    @classmethod
    def of(cls, u: Universe, clock: Clock, p: Particles) -> StaggeredMotion:
        return cls(p, u.kernels.gradient(p, u.phi), clock.a, clock.a * clock.hubble)

    def crossing(self, index: Integers, separation: Array, distance: Array, shells: Shells) -> Crossing:
        """See ``Motion``."""
        q = _some(self.particles.momentum, index)
        slope = _some(self.slopes.double() * self.particles.grid, index)
        return crossing(separation, distance, q, slope, shells, self.a, self.rate)


def _some(values: torch.Tensor, index: Integers) -> Array:
    """(n, 3) of some of the particles."""
    at = torch.from_numpy(index).to(values.device)
    return np.ascontiguousarray(values[:, at].double().cpu().numpy().T)


@dataclass
class Observed:
    """A species on the cones: its particles whose ID ``tracer`` divides; ``density`` is the Omega of one of all."""

    name: str
    particles: Particles
    density: float
    tracer: int
    motion: Callable[[], Motion] = field(repr=False)

    @cached_property
    def ids(self) -> Integers:
        ids: Integers = self.particles.ids.cpu().numpy()
        return ids

    @cached_property
    def positions(self) -> Array:
        """(3, P) in units of the box, in [0, 1)."""
        return np.ascontiguousarray(self.particles.positions().cpu().numpy())

    @cached_property
    def moves(self) -> Motion:
        """How its particles move, worked out when the first of them are on a cone."""
        return self.motion()

    def wraps(self, index: Integers) -> Integers:
        """(n, 3) how often some of the particles have left the box, upwards."""
        p = self.particles
        at = torch.from_numpy(index).to(p.column.device)
        places = (p.rest_cells()[:, at] + p.displacement[:, at].double()) / p.grid
        whole: Integers = torch.floor(places).long().cpu().numpy().T
        return whole


def species_of(universe: Universe, clock: Clock) -> list[Observed]:
    """The species of a universe that are written."""
    u = universe

    def motion(particles: Particles) -> Motion:
        if isinstance(u, SpectralUniverse):
            return SpectralMotion.of(u, clock, particles)
        return StaggeredMotion.of(u, clock, particles)

    return [
        Observed(one.name, one.particles, one.particles.mass, one.tracer_factor, partial(motion, one.particles))
        for one in u.species
        if one.tracer_factor
    ]


class Backlog:
    """What the cycle before has written near its inner edge, by species.

    All cones share it, as in the reference program, so that one cone drops what only another has written; where every
    image is written, each cone has its own, of particles and images.
    """

    def __init__(self, settings: LightConeSettings) -> None:
        self._apart = settings.every_image
        self.now: dict[str, Integers] = {}
        self._next: dict[str, list[Integers]] = {}

    def name(self, species: str, cone: Cone) -> str:
        return f"{species}_{cone.number}" if self._apart else species

    def turn(self) -> None:
        """Begin a cycle: what the last one left is in force."""
        self.now = {name: np.unique(np.concatenate(parts)) for name, parts in self._next.items()}
        self._next = {}

    def held(self, name: str, keys: Integers) -> npt.NDArray[np.bool_]:
        """Which of these were written by the cycle before."""
        return np.isin(keys, self.now.get(name, np.empty(0, dtype=np.int64)))

    def leave(self, name: str, keys: Integers) -> None:
        """Keep for the next cycle."""
        if keys.size:
            self._next.setdefault(name, []).append(keys)

    def state(self) -> dict[str, Integers]:
        """What the coming cycle will find."""
        return {name: np.unique(np.concatenate(parts)) for name, parts in self._next.items()}

    def restore(self, state: dict[str, Integers]) -> None:
        """Go on from a ``state``."""
        self._next = {name: [keys] for name, keys in state.items()}


def written_particles(
    universe: Universe, clock: Clock, cones: list[tuple[Cone, Shells]], settings: LightConeSettings, backlog: Backlog
) -> Iterator[tuple[Cone, str, ConeParticles]]:
    """The particles that each cone takes in this cycle, by species and sorted by ID; none where there are none."""
    u = universe
    backlog.turn()
    if not cones:
        return
    cosmology = u.run.cosmology
    for species in species_of(u, clock):
        header = ConeHeader(
            species.density * species.tracer, clock.a, u.run.simulation.box_size_mpch, cosmology.Omega_m,
            cosmology.Omega_lambda, cosmology.h,
        )  # fmt: skip
        for cone, shells in cones:
            found = _taken(species, cone, shells, settings, backlog)
            if found is not None:
                yield cone, species.name, cone_particles(header, *found)


def _taken(
    species: Observed, cone: Cone, shells: Shells, settings: LightConeSettings, backlog: Backlog
) -> tuple[Array, Array, Integers] | None:
    """Positions [box], velocities [c] and IDs of one species on one cone, sorted by ID; ``None`` if there are none."""
    every = settings.every_image
    chosen = on_the_cone(species.positions, species.ids, species.tracer, cone, shells, every)
    if not chosen.index.size:
        return None
    ids = species.ids[chosen.index]
    # by ID, and by image within an ID: the order of the particles of a run depends on its start
    order = np.argsort(ids, kind="stable")
    index, image, ids = chosen.index[order], chosen.image[order], ids[order]
    keys = image_keys(ids, image, species.wraps(index)) if every else ids
    separation = species.positions[:, index].T - (np.array(cone.vertex) + image)
    distance = np.sqrt(dot(separation, separation))
    name = backlog.name(species.name, cone)
    kept = ~(overlapping(distance, shells) & backlog.held(name, keys))
    index, ids, keys = index[kept], ids[kept], keys[kept]
    separation, distance = separation[kept], distance[kept]
    backlog.leave(name, keys[left_for_next(distance, shells)])
    if not index.size:
        return None
    separation, velocity = species.moves.crossing(index, separation, distance, shells)
    if settings.clip_distance:
        reached = np.sqrt(dot(separation, separation))
        inside = (reached >= cone.near) & (reached < cone.far)
        separation, velocity, ids = separation[inside], velocity[inside], ids[inside]
        if not ids.size:
            return None
    return separation + np.array(cone.vertex), velocity, ids
