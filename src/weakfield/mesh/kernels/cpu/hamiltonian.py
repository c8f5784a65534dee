"""The source of phi on the spectral mesh, and the metric a step ahead, point by point (EQUATIONS 16.2)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from weakfield.mesh.kernels import reference
from weakfield.mesh.kernels.contract import Extrapolation
from weakfield.mesh.kernels.cpu.pcs_cells import numbers
from weakfield.mesh.kernels.cpu.simd import INLINE, PARALLEL, WIDTH, exceeds, load, number, put, shuffler, store

#: which fields of the metric are of phi: the first, and its gradient; the others are of psi
_OF_PHI = np.array([1, 0, 1, 1, 1, 0, 0, 0], dtype=np.float64)
_for_psi = shuffler((8, 0, 8, 8, 8, 2, 3, 4), "Fields of phi where those of psi are, zero elsewhere.")
#: everything stays as it is now
STILL = Extrapolation(phi=(1.0, 0.0), chi=(1.0, 0.0), rate=(0.0, 0.0), memory=(0.0, 0.0))
#: how many sites a thread takes at a time
_TURN = 4096


@njit(**INLINE)
def exponential_less_one(x, spare):
    """e^x - 1 of eight numbers, to rounding: a short series for potentials, the function itself beyond."""
    real = spare.dtype.type
    if exceeds(x, real(0.01)):
        store(spare, 0, x)
        for i in range(WIDTH):
            put(spare, i, real(math.expm1(number(spare, i))))
        return load(spare, 0)
    a, b, c, d, e = real(1 / 2), real(1 / 6), real(1 / 24), real(1 / 120), real(1 / 720)
    return x + x * (x * (a + x * (b + x * (c + x * (d + x * e)))))  # the next term is below 2e-16 of the first


@njit(**INLINE)
def _at(now, past, i, p, q):
    return load(now, i) * p + load(past, i) * q


@njit(**PARALLEL)
def _source(contrast, phi, past_phi, chi, past_chi, gradient, past_gradient, weights, density, hubble, out):
    size, real = len(phi), phi.dtype.type
    turns = (size + _TURN - 1) // _TURN
    p, q, c, d = real(weights[0]), real(weights[1]), real(weights[2]), real(weights[3])
    r, s, m, o = real(weights[4]), real(weights[5]), real(weights[6]), real(weights[7])
    density, twice, thrice = real(density), real(2 * hubble), real(3 * hubble)
    squared, half, more, minus = real(hubble * hubble), real(0.5), real(1.5), real(-2)
    thrice_squared, one = real(3 * hubble * hubble), real(1)
    for turn in prange(turns):
        spare = np.zeros(WIDTH, phi.dtype)
        for i in range(turn * _TURN, min(size, (turn + 1) * _TURN), WIDTH):
            f, g = load(phi, i), load(past_phi, i)
            x, y = _at(gradient, past_gradient, i, p, q), _at(gradient, past_gradient, size + i, p, q)
            z = _at(gradient, past_gradient, 2 * size + i, p, q)
            potential, rate, memory = f * p + g * q, f * r + g * s, f * m + g * o
            psi = potential - _at(chi, past_chi, i, c, d)
            fall = exponential_less_one(psi * minus, spare)
            expansion = more * ((fall + one) * (rate * (twice - rate)) - squared * fall)
            lapse = exponential_less_one(potential * minus, spare)
            inner = density * load(contrast, i) + expansion
            curvature = half * (x * x + y * y + z * z) + (inner + lapse * inner)
            store(out, i, curvature - thrice * rate - thrice_squared * potential - memory)


@njit(**PARALLEL)
def _extrapolate(metric, past, own, now, before):
    """``own`` (2, 8) are the weights of every field now and before; ``now`` and ``before`` those of phi in psi."""
    size = len(metric) // 8
    turns = (size + _TURN - 1) // _TURN
    for turn in prange(turns):
        a, b = load(own, 0), load(own, WIDTH)
        for at in range(8 * turn * _TURN, 8 * min(size, (turn + 1) * _TURN), 8):
            f, g = load(metric, at), load(past, at)
            store(past, at, f * a + g * b + _for_psi(f * now + g * before))


def hamiltonian_source(
    contrast, phi, past_phi, chi, past_chi, gradient, past_gradient, ahead, density, hubble, out
):  # fmt: skip
    """See ``reference.hamiltonian.hamiltonian_source``."""
    if phi.numel() % WIDTH:
        return reference.hamiltonian_source(
            contrast, phi, past_phi, chi, past_chi, gradient, past_gradient, ahead, density, hubble, out
        )
    weights = np.array([*ahead.phi, *ahead.chi, *ahead.rate, *ahead.memory])
    _source(
        *(field.numpy().reshape(-1) for field in (contrast, phi, past_phi, chi, past_chi, gradient, past_gradient)),
        weights, float(density), float(hubble), out.numpy().reshape(-1),
    )  # fmt: skip
    return out


def extrapolate(metric, past, ahead):
    """See ``reference.hamiltonian.extrapolate``."""
    if metric.stride() != past.stride():
        return reference.extrapolate(metric, past, ahead)
    flat = numbers(metric)[0]  # with the gaps between rows, whose numbers do not matter
    own = np.stack([_OF_PHI * p + (1 - _OF_PHI) * c for p, c in zip(ahead.phi, ahead.chi, strict=True)])
    kind = flat.dtype.type
    now, before = (kind(p - c) for p, c in zip(ahead.phi, ahead.chi, strict=True))
    _extrapolate(flat, numbers(past)[0], own.astype(kind).reshape(-1), now, before)
    return past
