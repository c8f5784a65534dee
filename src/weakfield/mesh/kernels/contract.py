"""What a backend of kernels has to offer; mypy checks every backend against it.

Shapes and equations are given with the definitions in ``reference``. Kernels described as "into ``out``" return it.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from torch import Tensor

from weakfield.mesh.lattice import Lattice
from weakfield.mesh.particles import Particles

#: linear theory added in Fourier space (EQUATIONS 9), as ``Kernels.add_realisation`` takes it: unit modes, strength
#: tabulated by n^2, window or None, factor
Addition = tuple[Tensor, np.ndarray | Tensor, np.ndarray | Tensor | None, float]


class Extrapolation(NamedTuple):
    """A field at a new time as a sum of its values one and two steps earlier: (coefficient, coefficient)."""

    phi: tuple[float, float]  # phi and its gradient
    chi: tuple[float, float]
    rate: tuple[float, float]  # phi', in terms of phi
    memory: tuple[float, float]  # 3 H / h times the past part of phi', in terms of phi


class StaggeredSolvers(Protocol):
    """The solutions of ``mesh.solvers``, in fewer passes over memory."""

    def takes(self, n: int) -> bool:
        """Whether meshes of side ``n`` are solved here."""

    def solve_potential(
        self, source: Tensor, modes: Tensor, lattice: Lattice, factor: float, shift: float, clear_zero_mode: bool,
        addition: Addition | None, out: Tensor,
    ) -> float: ...  # fmt: skip

    def solve_chi_and_b(
        self, divergence: Tensor, modes: Tensor, lattice: Lattice, b_modes: Tensor, now: float, ahead: float,
        addition: Addition | None, chi: Tensor, b: Tensor | None,
    ) -> None: ...  # fmt: skip


class SpectralSolvers(Protocol):
    """The fields of ``mesh.spectral``, in fewer passes over memory."""

    def takes(self, n: int) -> bool:
        """Whether meshes of side ``n`` are solved here."""

    def contrast(
        self, deposit: Tensor, shifted: Tensor, addition: Addition | None, out: Tensor, sums: Tensor
    ) -> None: ...

    def potential(
        self, source: Tensor, factor: float, shift: float, shifted: Tensor | None, addition: Addition | None,
        out: Tensor,
    ) -> None: ...  # fmt: skip

    def potential_fields(self, modes: Tensor, field: Tensor, gradient: Tensor) -> None: ...

    def pack_metric(self, phi: Tensor, chi: Tensor, out: Tensor) -> None: ...

    def pack_gradient(self, modes: Tensor, out: Tensor) -> None: ...

    def pack_vector(self, modes: Tensor, out: Tensor) -> None: ...

    def solve_stress(
        self, packed: Tensor, gradient: Tensor, factor: float, addition: Addition | None, now: float, ahead: float,
        chi: Tensor, field: Tensor, b: Tensor | None, b_now: Tensor | None,
    ) -> None: ...  # fmt: skip


class KickDriftFields(Protocol):
    """``kick_drift_gr`` in the metric that ``pack_metric`` makes of phi, chi and B, without storing all of it."""

    def __call__(
        self, particles: Particles, phi: Tensor, chi: Tensor, b: Tensor, space: Tensor, a: float, a_half: float,
        kick: float, drift: float, second_order: bool, kick_dragging: bool, drift_metric: bool,
    ) -> None: ...  # fmt: skip


class Kernels(Protocol):
    """A backend: a module with these functions. An optional member is None if the backend has nothing better."""

    @property
    def staggered_solvers(self) -> StaggeredSolvers | None: ...

    @property
    def spectral_solvers(self) -> SpectralSolvers | None: ...

    @property
    def kick_drift_fields(self) -> KickDriftFields | None: ...

    # particles and the staggered mesh: clouds in cell

    def paint(
        self, particles: Particles, weight: Tensor | None = None, scale: float = 1.0, out: Tensor | None = None,
        start: float = 0.0,
    ) -> Tensor: ...  # fmt: skip

    def read(self, particles: Particles, field: Tensor) -> Tensor: ...

    def gradient(self, particles: Particles, field: Tensor) -> Tensor: ...

    def project_stress_energy(
        self, particles: Particles, phi: Tensor, potential: Tensor | None, weight: float, a: float, second_order: bool,
        out: Tensor, start: float = 0.0,
    ) -> Tensor: ...  # fmt: skip

    def project_t0i(self, particles: Particles, phi: Tensor, out: Tensor) -> Tensor: ...

    def kick_drift_newton(self, particles: Particles, potential: Tensor, kick: float, drift: float) -> None: ...

    def kick_drift_gr(
        self, particles: Particles, metric: Tensor, a: float, a_half: float, kick: float, drift: float,
        second_order: bool, kick_dragging: bool, drift_metric: bool,
    ) -> None: ...  # fmt: skip

    # particles and the spectral mesh: piecewise cubic splines

    def paint_pcs(
        self, particles: Particles, weight: Tensor | None = None, scale: float = 1.0, out: Tensor | None = None,
        start: float = 0.0, shift: float = 0.0,
    ) -> Tensor: ...  # fmt: skip

    def read_pcs(self, particles: Particles, fields: Tensor) -> Tensor: ...

    def project_pcs(
        self, particles: Particles, metric: Tensor | None, weight: float, a: float, out: Tensor, start: float = 0.0,
        energies: Tensor | None = None,
    ) -> Tensor: ...  # fmt: skip

    def project_t0i_pcs(self, particles: Particles, metric: Tensor | None, out: Tensor) -> Tensor: ...

    def kick_drift_newton_pcs(self, particles: Particles, slopes: Tensor, kick: float, drift: float) -> None: ...

    def kick_drift_pcs(
        self, particles: Particles, metric: Tensor, dragging: Tensor, a: float, a_half: float, kick: float, drift: float
    ) -> None: ...

    # sources in real space

    def phi_source(
        self, stress_energy: Tensor, extra: Tensor | None, phi: Tensor, chi: Tensor, past: Tensor, density: float,
        expansion: float, memory: float, implicit: bool, second_order: bool, out: Tensor, sums: Tensor,
    ) -> Tensor: ...  # fmt: skip

    def stress_tensor(self, stress_energy: Tensor, phi: Tensor, factor: float) -> Tensor: ...

    def stress_divergence(self, stress_energy: Tensor, phi: Tensor, factor: float, out: Tensor) -> Tensor: ...

    def pack_metric(self, phi: Tensor, chi: Tensor, b: Tensor, out: Tensor) -> Tensor: ...

    def hamiltonian_source(
        self, contrast: Tensor, phi: Tensor, past_phi: Tensor, chi: Tensor, past_chi: Tensor, gradient: Tensor,
        past_gradient: Tensor, ahead: Extrapolation, density: float, hubble: float, out: Tensor,
    ) -> Tensor: ...  # fmt: skip

    def extrapolate(self, metric: Tensor, past: Tensor, ahead: Extrapolation) -> Tensor: ...

    # modes on the half axis

    def divide_by_laplacian(
        self, modes: Tensor, lattice: Lattice, factor: float, shift: float = 0.0, clear_zero_mode: bool = False
    ) -> Tensor: ...

    def solve_chi(self, divergence: Tensor, lattice: Lattice, out: Tensor) -> Tensor: ...

    def advance_b(self, divergence: Tensor, lattice: Lattice, factor: float, b: Tensor) -> Tensor: ...

    def transverse_part(self, vector: Tensor, lattice: Lattice, factor: float) -> Tensor: ...

    def add_realisation(
        self, unit: Tensor, strength: np.ndarray | Tensor, window: np.ndarray | Tensor | None, factor: float,
        out: Tensor,
    ) -> Tensor: ...  # fmt: skip
