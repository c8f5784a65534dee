"""Compile the kernels of a run before it starts, so that the first run on a machine shows what it waits for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from weakfield.base.progress import bar
from weakfield.config import Theory
from weakfield.mesh import fft
from weakfield.mesh.kernels.contract import Dragging, Poisson, Step, WeightedStep
from weakfield.mesh.kernels.cpu import (
    assignment,
    hamiltonian,
    motion,
    pcs_deposit,
    pcs_motion,
    projection,
    shell_sums,
    solvers,
    sources,
    spectral,
    spectral_fields,
)
from weakfield.mesh.lattice import Lattice
from weakfield.mesh.noise import unit_modes
from weakfield.mesh.packed import PACKED, VECTOR
from weakfield.mesh.particles import Particles

_STILL = WeightedStep(1.0, 0.0, 0.0)
_GRID = 16  # the smallest mesh that uses the same code as large ones


def compile_kernels(
    dtype: torch.dtype, theory: Theory, needs_chi: bool = True, mesh: str = "staggered", spectra: bool = False
) -> None:
    """The kernels a run of a theory in this precision calls in its cycles, once on a tiny mesh.

    ``needs_chi``: whether a Newtonian run solves for chi too, for radiation or for an output; ``mesh`` as in settings;
    ``spectra``: whether any are written.

    Compiled code is kept on disk: later processes load it, which they would do anyway.
    """
    if mesh == "spectral":
        steps = [*_spectral(dtype, theory), *_spectral_steps(dtype, theory, needs_chi)]
    else:
        steps = _steps(dtype, theory, needs_chi)
    if spectra:
        kinds = (torch.complex128, fft.COMPLEX[dtype]) if mesh == "spectral" else (torch.complex128,)
        steps += [partial(_spectrum, kind) for kind in dict.fromkeys(kinds)]
    with bar("compiling kernels (first run only)", len(steps)) as progress:
        for step in steps:
            step()
            progress.advance()


def _spectrum(kind: torch.dtype) -> None:
    modes, one = np.zeros((1, 1, 1, 1), torch.zeros(0, dtype=kind).numpy().dtype), np.ones(1)
    shell_sums.shell_sums(modes, (1.0,), np.zeros((1, 1, 1), np.int32), (one, one), None, 1.0, 1)


def _particles(dtype: torch.dtype) -> Particles:
    n = _GRID
    corners = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) / n] * 3, indexing="ij"), -1).reshape(-1, 3)
    return Particles.at_rest(n, corners, np.arange(n**3), 1.0 / n**3, dtype)


def _spectral(dtype: torch.dtype, theory: Theory) -> list[Callable[[], object]]:
    """Call the kernels that act on the particles of the spectral mesh."""
    n, p, start = _GRID, _particles(dtype), _particles(torch.float64)
    unit = torch.zeros((n, n, n // 2 + 1), dtype=torch.complex128)
    strength = np.zeros(3 * (n // 2) ** 2 + 1)
    rho, momenta = torch.zeros((n, n, n), dtype=dtype), torch.zeros((3, n, n, n), dtype=dtype)
    packed, vector = torch.zeros((n, n, n, PACKED), dtype=dtype), torch.zeros((n, n, n, VECTOR), dtype=dtype)
    begin = torch.zeros((n, n, n, PACKED), dtype=torch.float64)
    steps: list[Callable[[], object]] = [  # a start is double whatever the run is
        lambda: unit_modes(n, 0),
        lambda: spectral.add_realisation(unit, strength, None, 1.0, unit),
        lambda: fft.backward(unit, n),
        lambda: fft.forward(begin[..., 0].contiguous(), out=unit),
        lambda: pcs_motion.read_pcs(start, begin),
        lambda: pcs_deposit.project_pcs(p, None if theory == "newton" else packed, 0.0, 1.0, packed.clone()),
    ]
    if theory == "newton":
        return [
            *steps,
            lambda: pcs_deposit.paint_pcs(p, None, 0.0, rho),
            lambda: pcs_motion.kick_drift_newton_pcs(p, vector, _STILL),
        ]
    return [
        *steps,
        lambda: pcs_deposit.project_pcs(start, begin, 0.0, 1.0, begin.clone()),
        lambda: pcs_deposit.project_t0i_pcs(p, packed, momenta),
        lambda: pcs_motion.kick_drift_pcs(p, packed, vector, _STILL),
    ]


def _spectral_steps(dtype: torch.dtype, theory: Theory, needs_chi: bool) -> list[Callable[[], object]]:
    """Call what solves for the fields of the spectral mesh: a start, in double precision, needs some, cycles all."""
    steps: list[Callable[[], object]] = []
    for kind in dict.fromkeys((torch.float64, dtype)):
        steps += _spectral_fields(kind, theory, needs_chi, start=kind != dtype)
    return steps


def _spectral_fields(dtype: torch.dtype, theory: Theory, needs_chi: bool, start: bool) -> list[Callable[[], object]]:
    n = _GRID
    phi, sums = torch.zeros((n, n, n), dtype=dtype), torch.zeros(n, dtype=torch.float64)
    gradient, modes = torch.zeros((3, n, n, n), dtype=dtype), torch.zeros((n, n, n // 2 + 1), dtype=fft.COMPLEX[dtype])
    packed, vector = torch.zeros((n, n, n, PACKED), dtype=dtype), torch.zeros((n, n, n, VECTOR), dtype=dtype)
    chi, b, b_now, past = modes.clone(), torch.stack([modes] * 3), torch.stack([modes] * 3), packed.clone()
    still, fields = hamiltonian.STILL, spectral_fields
    steps: list[Callable[[], object]] = [lambda: fields.pack_gradient(modes, vector)]
    if start:
        return steps
    steps.append(lambda: fields.potential(phi, 1.0, 1.0, gradient, None, modes))
    if theory == "gr" or needs_chi:
        steps.append(lambda: fields.solve_stress(packed, gradient, 0.0, None, chi, phi, Dragging(b, 0.0, 0.0, b_now)))
    if theory == "gr":
        steps += [
            lambda: fields.contrast(packed[..., 0], gradient, None, phi.clone(), sums),
            lambda: hamiltonian.hamiltonian_source(phi, phi, phi, phi, phi, gradient, gradient, still, 0.0, 0.0, phi),
            lambda: hamiltonian.extrapolate(packed, past, still),
        ]
    return steps


def _steps(dtype: torch.dtype, theory: Theory, needs_chi: bool) -> list[Callable[[], object]]:
    n, lattice, start, p = _GRID, Lattice(_GRID), _particles(torch.float64), _particles(dtype)
    unit = torch.zeros((n, n, n // 2 + 1), dtype=torch.complex128)
    momenta, curl = torch.zeros((3, n, n, n), dtype=torch.float64), torch.stack([unit] * 3)
    phi, chi = torch.zeros((2, n, n, n), dtype=dtype)
    four, packed = torch.zeros((4, n, n, n), dtype=dtype), torch.zeros((n, n, n, PACKED), dtype=dtype)
    modes = torch.zeros((4, n, n, n // 2 + 1), dtype=fft.COMPLEX[dtype])
    b_modes, sums = modes[1:].clone(), torch.zeros(n, dtype=torch.float64)
    strength = np.zeros(3 * (n // 2) ** 2 + 1)
    steps: list[Callable[[], object]] = [  # a start is double whatever the run is
        lambda: unit_modes(n, 0),
        lambda: spectral.add_realisation(unit, strength, None, 1.0, unit),
        lambda: fft.backward(unit, n),
        lambda: assignment.gradient(start, momenta[0]),
        lambda: projection.project_t0i(start, momenta[0], momenta),
        lambda: fft.forward(momenta, out=curl),
        lambda: spectral.transverse_part(curl, lattice, 0.0),
        lambda: solvers.solve_potential(phi, modes[0], lattice, Poisson(1.0, 0.0, True), phi),
        lambda: spectral.add_realisation(unit, strength, None, 1.0, modes[0]),
        lambda: fft.backward(modes[0], n),
    ]
    newton: list[Callable[[], object]] = [
        lambda: assignment.paint(p, None, 0.0, phi),
        lambda: motion.kick_drift_newton(p, phi, 0.0, 0.0),
    ]
    chi_and_b: list[Callable[[], object]] = [
        lambda: projection.project_stress_energy(p, phi, None, 0.0, 1.0, True, packed),
        lambda: sources.stress_divergence(packed, phi, 0.0, four),
        lambda: solvers.solve_chi_and_b(four, modes, lattice, None, chi, Dragging(b_modes, 0.0, 0.0, four[1:])),
    ]
    if theory == "newton":
        return [*steps, *newton, *(chi_and_b if needs_chi else [])]
    return [
        *steps,
        *chi_and_b,
        lambda: sources.phi_source(packed, None, phi, chi, phi, 0.0, 0.0, 0.0, True, True, four[0], sums),
        lambda: sources.pack_metric(phi, chi, four[1:], packed),
        lambda: motion.kick_drift_fields(p, phi, chi, four[1:], packed, Step(1.0, 1.0, 0.0, 0.0, True, True, True)),
    ]
