"""Steps that land exactly on the output redshifts while neighbouring steps keep a ratio between 0.5 and 2."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from scipy.optimize import brentq

from weakfield.config import CosmologySettings
from weakfield.cosmology import Background

#: how much longer a step may be than its neighbour next to a short interval between outputs; the unshortened step
#: grows as well
_RAMP = 1.6


@lru_cache(maxsize=64)
def landing_factors(
    cosmology: CosmologySettings,
    box_size_mpch: float,
    courant_step: float,
    hubble_limit: float,
    a_start: float,
    targets: tuple[float, ...],
) -> tuple[tuple[float, float | None], ...]:
    """For each step, the factor <= 1 that shortens min(courant_step, limit / H), and the target it lands on, if any.

    ``targets`` are ascending scale factors later than ``a_start``. All steps between two outputs are shortened by the
    same factor; next to an interval shorter than a step the factors ramp, so that no step differs much from its
    neighbours.
    """
    if not targets:
        return ()
    background = Background(cosmology, box_size_mpch)

    def advance(a: float, factor: float) -> float:
        step = factor * min(courant_step, hubble_limit / background.conformal_hubble(a))
        return background.rk4_step(background.rk4_step(a, 0.5 * step), 0.5 * step)

    starts = (a_start, *targets[:-1])
    free = [_free_steps(advance, a, b) for a, b in zip(starts, targets, strict=True)]
    caps = [min(1.0, steps) for steps in free]
    plan: list[tuple[float, float | None]] = []
    for i, (a, b) in enumerate(zip(starts, targets, strict=True)):
        left = caps[i - 1] if i > 0 else 1.0
        right = caps[i + 1] if i + 1 < len(caps) else 1.0
        plan += _segment(advance, a, b, left, right, max(1, math.floor(free[i])))
    return tuple(plan)


def _segment(
    advance: Callable[[float, float], float], a: float, b: float, left: float, right: float, count: int
) -> list[tuple[float, float | None]]:
    """The factors of the steps from ``a`` to ``b``, next to intervals whose factors are ``left`` and ``right``.

    There are at least ``count`` steps.
    """
    while True:
        shape = [min(1.0, left * _ramp(j + 1), right * _ramp(count - j)) for j in range(count)]
        if _end(advance, a, shape, 1.0) >= b:
            break
        count += 1
    scale = brentq(lambda s: math.log(_end(advance, a, shape, s) / b), 0.0, 1.0, xtol=1e-15, rtol=1e-14)
    factors: list[tuple[float, float | None]] = [(scale * w, None) for w in shape]
    factors[-1] = (factors[-1][0], b)
    return factors


def _ramp(steps: int) -> float:
    """How much longer a step may be than one that many steps away; enough for any two after some hundred."""
    return float(_RAMP ** min(steps, 500))


def _end(advance: Callable[[float, float], float], a: float, shape: list[float], scale: float) -> float:
    for w in shape:
        a = advance(a, scale * w)
    return a


def _free_steps(advance: Callable[[float, float], float], a: float, b: float) -> float:
    """How many unshortened steps fit between two scale factors."""
    count = 0.0
    while True:
        following = advance(a, 1.0)
        if following >= b:
            return count + math.log(b / a) / math.log(following / a)
        a, count = following, count + 1.0
