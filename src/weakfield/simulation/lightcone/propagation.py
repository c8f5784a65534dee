"""From where a particle is in a cycle to where it crosses the light cone (EQUATIONS 19.3)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from weakfield.simulation.lightcone.geometry import Shells

Array = npt.NDArray[np.float64]


class Crossing(NamedTuple):
    """Where particles cross the cone: (n, 3) positions from the vertex [box], and peculiar velocities [c]."""

    separation: Array
    velocity: Array


def dot(first: Array, second: Array) -> Array:
    """Product of vectors (n, 3), added in a fixed order."""
    return first[:, 0] * second[:, 0] + first[:, 1] * second[:, 1] + first[:, 2] * second[:, 2]


def crossing(
    separation: Array, distance: Array, q: Array, slope: Array, shells: Shells, a: float, rate: float
) -> Crossing:
    """Positions and velocities on the cone, of particles at ``separation`` (n, 3) from the vertex now.

    ``q`` (n, 3) are momenta half a step ago, ``slope`` (n, 3) is grad(phi) at the particles, ``rate`` da/dtau. They
    move straight on with the momentum of their half of the step, to where the light that reaches the observer leaves.
    """
    R, step, before = shells.distance, shells.step, shells.before
    q2 = dot(q, q)
    e2 = q2 + a * (a + (R - distance - 0.5 * before) * rate)
    g = slope * ((q2 + e2) / e2)[:, None]
    outside = distance >= R
    energy = np.sqrt(q2 + a * (a + np.where(outside, -before, step) * rate))
    w = np.where(outside[:, None], q, q - (step * np.sqrt(q2 + a * a))[:, None] * g)
    towards = np.where(distance > 0.0, dot(w, separation) / np.where(distance > 0.0, distance, 1.0), 0.0) / energy
    delay = (R - distance) / (1.0 + towards)
    fall = (delay + 0.5 * before) * np.sqrt(e2)
    return Crossing(separation + (delay / energy)[:, None] * w, (q - fall[:, None] * g) / (a + delay * rate)[:, None])
