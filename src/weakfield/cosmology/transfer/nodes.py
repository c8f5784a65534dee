"""Wavenumbers at which transfer functions are tabulated."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_PER_DECADE = 60  # logarithmic nodes
_PER_ACOUSTIC_PERIOD = 24  # linear nodes, where baryons oscillate
_RINGING = (0.005, 0.6)  # h/Mpc
_MARGIN = 2.0  # factor beyond the wavenumbers needed, so that a spline's natural ends do not affect them

#: what determines the fine nodes, for the keys of caches
FINE_RULE = (_PER_DECADE, _PER_ACOUSTIC_PERIOD, *_RINGING, _MARGIN)


def fine_nodes(k_min: float, k_max: float, sound_horizon: float) -> Array:
    """Nodes for converged splines from ``k_min`` / 2 to 2 ``k_max`` [h/Mpc]; ``sound_horizon`` in Mpc/h.

    They are logarithmic, but never further apart than 1/24 of the acoustic period 2 pi / r_s where baryon oscillations
    matter.
    """
    widest = 2.0 * math.pi / (sound_horizon * _PER_ACOUSTIC_PERIOD)
    ratio = 10.0 ** (1.0 / _PER_DECADE)
    nodes = [k_min / _MARGIN]
    while nodes[-1] < _MARGIN * k_max:
        k = nodes[-1]
        step = k * (ratio - 1.0)
        nodes.append(k + (min(step, widest) if _RINGING[0] < k < _RINGING[1] else step))
    return np.array(nodes)


def class_nodes(conformal_age: float, sound_horizon: float, k_max: float) -> Array:
    """CLASS's own nodes up to ``k_max`` (EQUATIONS 3.2); k in 1/Mpc, conformal age and sound horizon r_s in Mpc."""
    scale = 2.0 * math.pi / sound_horizon
    nodes = [0.1 / conformal_age]
    while nodes[-1] < k_max:
        u = math.log(nodes[-1] / (3.0 * scale)) / math.log(4.0)
        per_decade = 10.0 + 60.0 * (1.0 - math.tanh(u**4))
        nodes.append(nodes[-1] * 10.0 ** (1.0 / per_decade))
    return np.array(nodes)
