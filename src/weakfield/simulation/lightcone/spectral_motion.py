"""From where a particle of the spectral mesh is in a cycle to where it crosses the light cone (EQUATIONS 19.6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor

from weakfield.mesh.kernels.reference.pcs import fall
from weakfield.mesh.packed import METRIC_PHI, METRIC_PSI
from weakfield.mesh.particles import Particles
from weakfield.simulation.clock import Clock
from weakfield.simulation.lightcone.geometry import Shells
from weakfield.simulation.lightcone.propagation import Crossing, dot
from weakfield.simulation.spectral import weights
from weakfield.simulation.spectral.universe import SpectralUniverse

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Newton's iterations of the crossing; each gains a factor of the speed of the particles
_ITERATIONS = 4
#: nodes in time of a step, at which growth is tabulated
_NODES = 8


class GrowthInTime:
    """D and a D' from a step before a cycle to a step after it, by the conformal time since the cycle."""

    def __init__(self, clock: Clock) -> None:
        self.now = weights.Growth(clock.background, clock.a)
        times = np.linspace(0.0, clock.step, _NODES + 1)
        if clock.previous_step > 0.0:
            times = np.concatenate([np.linspace(-clock.previous_step, 0.0, _NODES, endpoint=False), times])
        scale_factors = np.array([clock.background.rk4_step(clock.a, float(t)) for t in times])
        growth = [weights.Growth(clock.background, float(a)) for a in scale_factors]
        self.D = CubicSpline(times, [one.D - self.now.D for one in growth])
        #: weight of the kick that brings momenta from half a step before the cycle to a time
        before = weights.Growth(clock.background, clock.a_half_before).momentum
        self.kick = CubicSpline(times, [(one.momentum - before) / self.now.force for one in growth])
        self.a = CubicSpline(times, scale_factors)


@dataclass
class SpectralMotion:
    """How all particles of a species move about one cycle: (3, P) tensors.

    ``behind`` and ``ahead`` are dx/dD on the way to where they are and from there; ``pull`` is -dq/dtau now.
    """

    time: GrowthInTime
    q: Tensor
    pull: Tensor
    behind: Tensor
    ahead: Tensor

    @classmethod
    def of(cls, u: SpectralUniverse, clock: Clock, p: Particles) -> SpectralMotion:
        step = weights.step(clock)
        before, after = (weights.Growth(clock.background, a) for a in (clock.a_half_before, clock.a_half))
        q, at = p.momentum.double(), None
        if u.run.theory == "newton":
            pull = clock.a * u.kernels.read_pcs(p, u.vector)[:3].double()
        else:
            at = u.kernels.read_pcs(p, u.metric).double()
            pull = fall(q, at, clock.a)
        kicked = step.keep * q - step.kick * pull
        b = 0.0 if at is None else u.kernels.read_pcs(p, u.vector)[:3].double()
        return cls(
            time=GrowthInTime(clock),
            q=q,
            pull=pull,
            behind=_velocity(q, at, b, clock.a_half_before) / before.rate,
            ahead=_velocity(kicked, at, b, clock.a_half) / after.rate,
        )

    def crossing(self, index: Integers, separation: Array, distance: Array, shells: Shells) -> Crossing:
        """Where particles ``index``, now at ``separation`` (n, 3) from the vertex, cross the cone.

        Displacements go on in D, momenta fall with the weight of linear growth, so that both are exact in linear
        theory whatever the step. The time of the crossing solves |x(t) - vertex| = R - t.
        """
        q, pull, behind, ahead = (_some(values, index) for values in (self.q, self.pull, self.behind, self.ahead))
        R, time = shells.distance, self.time
        course = np.where((distance >= R)[:, None], behind, ahead)
        t = R - distance
        for _ in range(_ITERATIONS):
            place = separation + time.D(t)[:, None] * course
            length = np.sqrt(dot(place, place))
            outwards = dot(course, place) / np.where(length > 0.0, length, 1.0)
            t = t - (length - R + t) / (1.0 + outwards * time.D(t, 1))
        place = separation + time.D(t)[:, None] * course
        return Crossing(place, (q - time.kick(t)[:, None] * pull) / time.a(t)[:, None])


def _velocity(q: Tensor, at: Tensor | None, b: Tensor | float, a: float) -> Tensor:
    """dx/dtau with momentum q at scale factor ``a``; in GR in the metric ``at`` the particles and a^2 B there."""
    if at is None:
        return q / a
    stretched = torch.exp(2 * at[METRIC_PHI])
    return torch.exp(at[METRIC_PSI]) * stretched * q / torch.sqrt(a**2 + stretched * (q**2).sum(0)) + b / a**2


def _some(values: Tensor, index: Integers) -> Array:
    """(n, 3) of some of the particles."""
    at = torch.from_numpy(index).to(values.device)
    return np.ascontiguousarray(values[:, at].cpu().numpy().T)
