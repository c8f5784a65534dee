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


class WeightedStep(NamedTuple):
    """How particles move from one cycle to the next: q becomes keep q - kick fall, x becomes x + drift velocity.

    The fall is that at scale factor ``a``, the velocity that at ``a_half``; in Newton fall and velocity are grad(phi)
    and q, and the scale factors stand in the weights.
    """

    keep: float
    kick: float
    drift: float
    a: float = 1.0
    a_half: float = 1.0


class Poisson(NamedTuple):
    """The equation (K + shift) x = factor (source + addition), mode by mode.

    ``clear_zero_mode`` sets the mode k = 0 of x to 0, which is required where the shift is 0.
    """

    factor: float
    shift: float
    clear_zero_mode: bool
    addition: Addition | None = None


class Dragging(NamedTuple):
    """B as its equation advances it in a cycle: ``out`` becomes B after ``now``, ``modes`` that after now + ahead.

    ``modes`` (3, N, N, N//2+1) are carried between cycles; ``now`` and ``ahead`` are increments per unit of its rate,
    ``ahead`` being a part of the coming step (EQUATIONS 15.5). ``out`` is a field (3, N, N, N) on the staggered mesh,
    and modes on the spectral mesh.
    """

    modes: Tensor
    now: float
    ahead: float
    out: Tensor


class Step(NamedTuple):
    """A kick with the scale factor ``a`` and a drift with ``a_half``, half a step ahead, each for a conformal time.

    ``second_order``, ``kick_dragging`` and ``drift_metric`` say which terms of EQUATIONS 6 act: those of second
    order in the kick, that of B in the kick, and all of the metric in the drift.
    """

    a: float
    a_half: float
    kick: float
    drift: float
    second_order: bool
    kick_dragging: bool
    drift_metric: bool


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
        self, source: Tensor, modes: Tensor, lattice: Lattice, equation: Poisson, out: Tensor
    ) -> float: ...

    def solve_chi_and_b(
        self, divergence: Tensor, modes: Tensor, lattice: Lattice, addition: Addition | None, chi: Tensor,
        b: Dragging | None,
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
        self, packed: Tensor, gradient: Tensor, factor: float, addition: Addition | None, chi: Tensor, field: Tensor,
        b: Dragging | None,
    ) -> None: ...  # fmt: skip


class KickDriftFields(Protocol):
    """``kick_drift_gr`` in the metric that ``pack_metric`` makes of phi, chi and B, without storing all of it."""

    def __call__(
        self, particles: Particles, phi: Tensor, chi: Tensor, b: Tensor, space: Tensor, step: Step
    ) -> None: ...


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

    def kick_drift_gr(self, particles: Particles, metric: Tensor, step: Step) -> None: ...

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

    def kick_drift_newton_pcs(self, particles: Particles, slopes: Tensor, step: WeightedStep) -> None: ...

    def kick_drift_pcs(self, particles: Particles, metric: Tensor, dragging: Tensor, step: WeightedStep) -> None: ...

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
