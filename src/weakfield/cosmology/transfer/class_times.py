"""Transfer functions as a program linked to CLASS sees them: through the few times at which CLASS keeps them.

CLASS (arXiv:1104.2932, arXiv:1104.2933) integrates perturbations accurately but keeps them at conformal times tau that
are a tenth of the Hubble time 1/(aH) apart, and gives everything between these by a cubic spline in ln tau. Potentials
on that spline are good to 1e-5, but derivatives are not, least of all in the first interval, where initial conditions
are made: the velocity between N-body and Poisson gauge (EQUATIONS 3.2) is a few per cent off there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

Array = npt.NDArray[np.float64]

#: time between two samples over the Hubble time 1/(aH), the default of CLASS 3 (perturbations_sampling_stepsize)
STEP = 0.1
#: nodes in ln a of the tables returned, many to follow the spline through a few dozen times
_NODES = 1000


def through_class_times(
    columns: Mapping[str, Array], a: Array, tau: Array, initial_redshift: float
) -> tuple[Array, dict[str, Array]]:
    """Accurate ``columns`` (m, n) at the scale factors ``a`` (m,) as they look through CLASS's times.

    Returned are new scale factors and the columns there. ``tau`` (m,) is the conformal time at ``a``, in any unit. A
    simulation that begins at ``initial_redshift`` z asks CLASS for redshifts up to 1.015 z + 0.01. CLASS begins to
    sample at that redshift plus one, and so do the new tables.
    """
    ln_a, ln_tau = np.log(a), np.log(tau)
    first = -math.log(1.015 * initial_redshift + 0.01 + 2.0)
    nodes = np.linspace(first, ln_a[-1], _NODES)
    time_of = CubicSpline(ln_a, ln_tau)
    sampled = np.log(sampling_times(math.exp(float(time_of(first))), a, tau))
    asked = np.clip(time_of(nodes), sampled[0], sampled[-1])
    seen = {
        name: sampled_spline(sampled, CubicSpline(ln_tau, column)(sampled))(asked) for name, column in columns.items()
    }
    return np.exp(nodes), seen


def sampling_times(first: float, a: Array, tau: Array) -> Array:
    """Conformal times of CLASS's samples from ``first`` to ``tau[-1]``, where ``a`` (m,) is known at ``tau`` (m,).

    Each is ``STEP`` Hubble times 1/(aH) after the one before, as of that one; the last is today.
    """
    ln_a = CubicSpline(np.log(tau), np.log(a))
    times = [first]
    while times[-1] < tau[-1]:
        t = times[-1]
        rate = float(ln_a(math.log(t), 1)) / t  # aH = d ln a / d tau
        times.append(t + STEP / rate)
    return np.array([*times[:-1], tau[-1]])


def sampled_spline(x: Array, y: Array) -> CubicSpline:
    """The cubic spline through ``y`` (m, n) at ``x`` (m,) whose slopes at both ends are those of parabolas through the
    three points there, which is how CLASS closes its splines in time.
    """
    ends = tuple((1, _slope_of_parabola(x[order], y[order])) for order in ([0, 1, 2], [-1, -2, -3]))
    return CubicSpline(x, y, bc_type=ends)


def _slope_of_parabola(x: Array, y: Array) -> Array:
    """The slope at ``x[0]`` of the parabola through three points."""
    near, far = x[1] - x[0], x[2] - x[0]
    slope: Array = (far**2 * (y[1] - y[0]) - near**2 * (y[2] - y[0])) / (near * far * (far - near))
    return slope
