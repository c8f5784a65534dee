"""What linear theory predicts for one universe, with the modes its seed drew, rather than for the mean of all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from weakfield.config import SimulationSettings
from weakfield.cosmology import amplitude, second_order_growth
from weakfield.fourier.half_axis import squared_modulus, squared_wavenumbers
from weakfield.fourier.quadratic import second_order_fields
from weakfield.fourier.shells import shells
from weakfield.mesh import fft
from weakfield.mesh.kernels import kernels_for
from weakfield.mesh.noise import unit_modes
from weakfield.simulation.realisation import Realisation
from weakfield.spectra.theory.linear import LinearTheory
from weakfield.spectra.theory.relativistic import difference_coefficients, require_lambda

Reals = NDArray[np.float64]


class RealisedModes:
    """|u|^2 / 2 of the initial unit modes of a seed or its inverse (EQUATIONS 3.4), summed by |n|^2 and shell.

    The mean is 1 where the initial conditions have modes and 0 outside their domain; times a linear power spectrum, it
    is the linear power of that universe. Cosmic variance cancels when a measurement is divided by it.
    """

    def __init__(
        self, simulation: SimulationSettings, seed: int, bin_edges: Sequence[float] | Reals | None = None
    ) -> None:
        n = simulation.grid
        self._box_size_mpch = simulation.box_size_mpch
        modes = unit_modes(n, seed, simulation.k_domain, simulation.noise, simulation.fixed_amplitude).numpy()
        shell = shells(n, bin_edges)
        strength = 0.5 * squared_modulus(_of_real_field(modes)) * shell.weight
        inside = shell.index < shell.count
        self._count, self._number = shell.count, shell.modes
        # one number for each shell and each |n|^2 in it: theory depends on nothing else
        self._squares, place = np.unique(squared_wavenumbers(n)[inside], return_inverse=True)
        self._shell = np.zeros(len(self._squares), dtype=np.intp)
        self._shell[place.ravel()] = shell.index[inside]
        self._strength = np.bincount(place.ravel(), strength[inside], len(self._squares))

    def power(self, theory: LinearTheory, z: float) -> Reals:
        """(shells,): P_phi [(Mpc/h)^3] of linear theory in this universe; 0 for shells without modes."""
        k = np.sqrt(self._squares) * (2 * np.pi / self._box_size_mpch)
        sums = np.bincount(self._shell, theory.potential_power(k, z) * self._strength, self._count)
        return np.asarray(sums / np.maximum(self._number, 1))


def _of_real_field(modes: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """The modes a real field keeps: on the plane k_x = 0 their Hermitian part (EQUATIONS 0.1)."""
    plane = modes[:, :, 0]
    mirrored = np.roll(plane[::-1, ::-1], 1, axis=(0, 1)).conj()
    kept = modes.copy()
    kept[:, :, 0] = 0.5 * (plane + mirrored)
    return kept


def linear_potential(
    theory: LinearTheory, simulation: SimulationSettings, seed: int, z: float, inverted: bool = False
) -> Tensor:
    """phi (N, N, N) [z, y, x] of linear theory at redshift ``z`` in the universe that drew the modes of ``seed``.

    ``inverted``: in the universe that drew these modes times -1. Float64, with the phases of the simulation: what a
    mesh without errors would hold at first order.
    """
    modes = unit_modes(
        simulation.grid, seed, simulation.k_domain, simulation.noise, simulation.fixed_amplitude, inverted
    )
    box = simulation.box_size_mpch

    def source(x: Reals) -> Reals:
        return np.asarray(-amplitude(theory.cosmology, box, x) * theory.potential_transfer(x / box, z))

    return Realisation(modes, kernels_for("cpu")).field(source, None)


def predicted_difference(theory: LinearTheory, simulation: SimulationSettings, seed: int, z: float) -> Tensor:
    """Modes (N, N, N//2+1) of GR - Newton of phi at second order in the universe that drew the modes of ``seed``.

    That is C1 of ``relativistic`` for a start that is correct at second order, without aliases, zero at k = 0;
    f = FFT / N^3, dimensionless. It is the same for a seed and its inverse.
    """
    require_lambda(theory.cosmology)
    growth = second_order_growth(theory.cosmology, z)
    early = linear_potential(theory, simulation, seed, z) / growth.potential
    fields = second_order_fields(fft.forward(early) / simulation.grid**3)
    theta, square = difference_coefficients(growth)
    return theta * fields.theta_0 + square * fields.square
