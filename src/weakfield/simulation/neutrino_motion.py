"""Massive neutrinos move in sub-steps that keep them within some cells, before cold matter does (EQUATIONS 18.5)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from weakfield.mesh.particles import Particles
from weakfield.simulation.clock import Clock
from weakfield.simulation.universe import Universe

#: kicks at a scale factor and drifts at another, half a sub-step later: (particles, a, a_half, kick, drift)
SubStep = Callable[[Particles, float, float, float, float], None]


def move_neutrinos(u: Universe, clock: Clock, move: SubStep) -> None:
    """Kick and drift every species of neutrinos in the fields of this cycle, which stay as they are meanwhile.

    Of m sub-steps each kicks for the m-th part of the kick and drifts for that of the step; the scale factor of the
    first is that of the cycle.
    """
    for one in u.neutrinos:
        assert one.neutrinos is not None
        m = sub_steps(u, clock, float(one.neutrinos.speed))
        part, a = 0.5 * clock.step / m, clock.a
        for _ in range(m):
            kicked_at, a = a, clock.background.rk4_step(a, part)
            move(one.particles, kicked_at, a, clock.kick / m, clock.step / m)
            a = clock.background.rk4_step(a, part)
        one.neutrinos.speed.copy_(largest_speed(one.particles, kicked_at))


def sub_steps(u: Universe, clock: Clock, speed: float) -> int:
    """How many sub-steps keep what moves with |q| / a = ``speed`` within the limit of cells."""
    settings = u.run.simulation
    limit = settings.grid - 1.0 if settings.move_limit is None else min(settings.move_limit, settings.grid - 1.0)
    if u.run.theory == "gr":
        speed /= math.sqrt(1.0 + speed**2)
    return max(1, math.ceil(clock.step * speed * settings.grid / limit))


def largest_speed(particles: Particles, a: float) -> Tensor:
    """The largest |q| / a, a float64 number on the device."""
    return torch.sqrt((particles.momentum**2).sum(0).max().double()) / a
