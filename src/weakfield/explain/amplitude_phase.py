"""How much of a logit difference lies in the amplitudes of modes, and how much in their phases.

A mode is A exp(i theta). Going from the Newton member of a pair (A0, theta0) to the GR member (A1, theta1), one may
change amplitudes first or phases first. The total change of the logit does not depend on the order, but the shares do:

    amplitude first:  F(A1, theta0) - F(A0, theta0)  and  F(A1, theta1) - F(A1, theta0),
    phase first:      F(A1, theta1) - F(A0, theta1)  and  F(A0, theta1) - F(A0, theta0).

The mean of the two is the Shapley value of the two players (Shapley 1953; Sundararajan & Najmi 2020, arXiv:1908.08474):
the only share that is symmetric in them and gives nothing to what changes nothing. Its parts sum to the logit
difference exactly. Amplitude legs are straight lines; on phase legs every phase turns along the shorter arc at constant
speed, dX/dt = i dtheta X, and the term of a mode is Re conj(G) i dtheta X / N^d.

The few modes that are their own mirror image (k = 0 and the corners of the Nyquist planes) are real: they count as
amplitude with a sign. Where one member has no amplitude, its phase is taken from the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from weakfield import fourier
from weakfield.base.errors import BadInput
from weakfield.explain.modes import ModeAttribution, change_of_logits, integrated_modes, joined
from weakfield.explain.paths import Path, PathOptions, integrate
from weakfield.explain.response import Response, checked_samples

Reals = NDArray[np.float64]
Order = Literal["shapley", "amplitude_first", "phase_first"]

#: amplitudes below this fraction of the largest one of the sample are rounding and have no phase
NO_AMPLITUDE = 1e-13


@dataclass(frozen=True)
class AmplitudePhase:
    """Attributions to the amplitudes and to the phases of modes; their ``change`` (B,) add up to that of the logit."""

    amplitude: ModeAttribution
    phase: ModeAttribution

    @property
    def change(self) -> Reals:
        """Difference of logits, (B,)."""
        return np.asarray(self.amplitude.change + self.phase.change)

    @property
    def residual(self) -> Reals:
        """Sum of all parts minus ``change``, (B,)."""
        return np.asarray(self.amplitude.residual + self.phase.residual)


@dataclass(frozen=True)
class Polar:
    """Amplitudes and phases (B, C, N[, N], N//2+1) of N^-d F(k) for two members, and the turn from one to the other."""

    n: int
    amplitude: tuple[Tensor, Tensor]
    phase: tuple[Tensor, Tensor]
    turn: Tensor

    @property
    def dimensions(self) -> int:
        return self.turn.ndim - 2

    def field(self, amplitude: int, phase: int) -> Tensor:
        """The sample with the amplitudes of one member and the phases of another (0 first, 1 second)."""
        return self.back(
            torch.polar(self.amplitude[amplitude].abs(), self.phase[phase]) * self.amplitude[amplitude].sign()
        )

    def back(self, modes: Tensor) -> Tensor:
        """The fields whose modes N^-d F(k) are given."""
        return fourier.backward(modes, self.n, self.dimensions) * float(self.n) ** self.dimensions


def polar(first: Tensor, second: Tensor) -> Polar:
    """Amplitudes and phases of samples (B, C, N, N[, N]); exact mirrors on the planes that hold both k and -k."""
    n, dimensions = first.shape[-1], first.ndim - 2
    modes = [fourier.forward(fields, dimensions) / float(n) ** dimensions for fields in (first, second)]
    plus, minus, own = (torch.from_numpy(places) for places in fourier.mirrored(n, dimensions))
    amplitudes, phases = [], []
    for part in modes:
        flat = part.flatten(2)
        flat[..., minus] = flat[..., plus].conj()
        amplitude, phase = flat.abs(), flat.angle()
        amplitude[..., own], phase[..., own] = flat[..., own].real, 0.0
        amplitudes.append(amplitude)
        phases.append(phase)
    empty = [a.abs() <= NO_AMPLITUDE * a.abs().flatten(1).amax(dim=1)[:, None, None] for a in amplitudes]
    phases[0] = torch.where(empty[0], phases[1], phases[0])
    phases[1] = torch.where(empty[1], phases[0], phases[1])
    turn = torch.remainder(phases[1] - phases[0] + torch.pi, 2 * torch.pi) - torch.pi
    turn[..., minus] = -turn[..., plus]  # half a turn has no shorter side, so mirror images have to agree on one
    turn[..., own] = 0.0
    shape = modes[0].shape
    a0, a1, p0, p1 = (array.reshape(shape) for array in (*amplitudes, *phases))
    return Polar(n, (a0, a1), (p0, p1), turn.reshape(shape))


def amplitude_phase(
    network: nn.Module, newton: Tensor, gr: Tensor, options: PathOptions | None = None, order: Order = "shapley"
) -> AmplitudePhase:
    """Split the logit difference of pairs (B, C, N, N[, N]) into amplitudes and phases, mode by mode.

    ``order`` names the path (see the start of this module's docstring); ``options`` are those of each integral.
    ``shapley`` takes four integrals, the other orders two. ``BadInput`` for an unknown order, and as
    ``modes.integrated_modes``.
    """
    if order not in ("shapley", "amplitude_first", "phase_first"):
        raise BadInput(f"order is '{order}', expected shapley, amplitude_first or phase_first")
    first, second = checked_samples(newton, "newton"), checked_samples(gr, "gr")
    if first.shape != second.shape:
        raise BadInput(f"newton and gr have shapes {tuple(first.shape)} and {tuple(second.shape)}, expected the same")
    options = options or PathOptions()
    room = Response(network, options.dtype, options.memory // 4).panels(first)  # polar forms take four times a sample
    parts = [
        _split(network, polar(*some), order, options)
        for some in zip(torch.split(first, room), torch.split(second, room), strict=True)
    ]
    return AmplitudePhase(joined([part[0] for part in parts]), joined([part[1] for part in parts]))


def _split(
    network: nn.Module, twins: Polar, order: Order, options: PathOptions
) -> tuple[ModeAttribution, ModeAttribution]:
    """Attributions to amplitudes and to phases of pairs that fit into memory together."""
    amplitude, phase = [], []
    if order != "phase_first":
        amplitude.append(integrated_modes(network, twins.field(1, 0), twins.field(0, 0), options))
        phase.append(_turned(network, twins, 1, options))
    if order != "amplitude_first":
        amplitude.append(integrated_modes(network, twins.field(1, 1), twins.field(0, 1), options))
        phase.append(_turned(network, twins, 0, options))
    return _mean(amplitude), _mean(phase)


def _mean(legs: list[ModeAttribution]) -> ModeAttribution:
    values, change = (np.mean([getattr(leg, name) for leg in legs], axis=0) for name in ("values", "change"))
    return ModeAttribution(values, change, np.sum([leg.steps for leg in legs], axis=0))


def _turned(network: nn.Module, twins: Polar, member: int, options: PathOptions) -> ModeAttribution:
    """Attribution to phases that turn from the first member's to the second's, at the amplitudes of ``member``."""
    response, dimensions = Response(network, options.dtype, options.memory), twins.dimensions
    start, end = twins.field(member, 0), twins.field(member, 1)
    change, scale = change_of_logits(response, start, end, options.tolerance)
    weight, amplitude = torch.from_numpy(fourier.half_axis_weights(twins.n)), twins.amplitude[member]

    def modes(which: NDArray[np.int64], t: Reals) -> Tensor:
        share = torch.from_numpy(t).reshape(-1, *[1] * (dimensions + 1))
        angle = twins.phase[0][which] + share * twins.turn[which]
        return amplitude[which] * torch.polar(torch.ones_like(angle), angle)

    def terms(which: NDArray[np.int64], t: Reals) -> Tensor:
        now = modes(which, t)
        g = fourier.forward(response.gradients(twins.back(now))[1], dimensions)
        return (g.imag * now.real - g.real * now.imag) * (weight * twins.turn[which])  # Re conj(G) i X dtheta

    path = Path(terms, lambda which, t: response.logits(twins.back(modes(which, t))).numpy())
    values, taken = integrate(path, change, scale, options, response.panels(start))
    return ModeAttribution(values.numpy(), change, taken)
