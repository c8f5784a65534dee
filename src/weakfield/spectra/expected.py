"""The theory that stands beside each measured spectrum of a study, averaged over the same modes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from weakfield.base.errors import WeakfieldError
from weakfield.config import THEORIES, StudyConfig, Theory
from weakfield.cosmology import potential_growth
from weakfield.cosmology.nonlinear import HIGHEST_HMPC, nonlinear_boost
from weakfield.fourier.half_axis import squared_wavenumbers
from weakfield.fourier.reference_spectrum import reference_shells
from weakfield.spectra.theory import LinearTheory, TriangleAverages, newtonian_kernel, relativistic_kernel, shell_mean
from weakfield.spectra.theory.generated import generated_power
from weakfield.spectra.theory.realised import RealisedModes, predicted_difference
from weakfield.spectra.theory.triangles import Spectrum

Reals = NDArray[np.float64]
Edges = Sequence[float] | None


@dataclass(frozen=True)
class Expected:
    """Linear, non-linear and tree-level theory of a study; NaN, with the reason in ``missing``, where there is none.

    Redshifts are those at which the fields were written. Everything per shell is for the full list of shells, including
    those without modes; edges are in units of k_F.
    """

    study: StudyConfig

    @cached_property
    def _found(self) -> tuple[LinearTheory | None, str]:
        if self.study.classes is not None:
            return None, "the cubes were imported, and no theory is known for them"
        try:
            return LinearTheory(self.study.simulation, self.study.cosmology), ""
        except WeakfieldError as error:  # no provider can compute this universe, but it is measured all the same
            return None, str(error)

    @property
    def missing(self) -> str:
        """Why there is no linear theory; empty if there is one."""
        return self._found[1]

    def theory(self, *redshifts: float) -> LinearTheory | None:
        """The linear theory, if it reaches these redshifts."""
        found = self._found[0]
        return found if found is not None and all(found.history.covers(1 / (1 + z)) for z in redshifts) else None

    def potential(self, z: float, edges: Edges) -> tuple[Reals, Reals]:
        """(2, shells) each: linear and non-linear P_phi [(Mpc/h)^3], the same in both theories."""
        theory = self.theory(z)
        if theory is None:
            return self._unknown(edges), self._unknown(edges)
        linear = self._mean(lambda k: theory.potential_power(k, z), edges)
        nonlinear = self._mean(lambda k: theory.potential_power(k, z) * self._boost(k, z), edges)
        return np.stack([linear] * 2), np.stack([nonlinear] * 2)

    def difference_cube(self, early: float, late: float, edges: Edges) -> tuple[Reals, Reals]:
        """(2, shells) each: power that linear theory leaves in a growth-scaled difference cube, and with second order.

        Linear theory leaves some power because radiation makes the growth of the potential depend a little on scale. At
        second order, Phi_2 of F2 grows as D Phi, so it does not cancel; what is added is its own power, on the modes of
        the mesh.
        """
        theory = self.theory(early, late)
        if theory is None:
            return self._unknown(edges), self._unknown(edges)
        one, two = (float(potential_growth(self.study.cosmology, z)) for z in (early, late))

        def left(k: Reals) -> Reals:
            return theory.potential_transfer(k, early) / one - theory.potential_transfer(k, late) / two

        linear = self._mean(lambda k: theory.power_of(k, left), edges)
        # a kernel of two linear potentials of the later redshift; those of the earlier one are one / two times as large
        kernel = newtonian_kernel(theory, early) * (one / two**2) + newtonian_kernel(theory, late) * (-1.0 / two)
        box = self.study.simulation
        second = generated_power(kernel, lambda k: theory.potential_power(k, late), box.grid, box.box_size_mpch, edges)
        return np.stack([linear] * 2), np.stack([linear + second] * 2)

    def realised_modes(self, seed: int, edges: Edges) -> RealisedModes | None:
        """The initial modes of a seed; ``None`` unless the start follows the transfer functions of linear theory."""
        if self._found[0] is None or not self._realises:
            return None
        return RealisedModes(self.study.simulation, seed, edges)

    @property
    def _realises(self) -> bool:
        """Whether the initial conditions follow linear theory mode by mode."""
        box = self.study.simulation
        return box.initial_conditions == "linear" and box.transfer != "spectrum"

    def difference(self, seed: int, z: float) -> Tensor | None:
        """Modes (N, N, N//2+1) of relativity's part of GR - Newton of phi for a seed; ``None`` if it is not known."""
        theory, box = self.theory(z), self.study.simulation
        lambda_alone = not self.study.cosmology.has_fluid
        if theory is None or not (self._realises and lambda_alone) or box.downgrade_factor > 1:
            return None
        return predicted_difference(theory, box, seed, z)

    def realised(self, modes: RealisedModes | None, z: float, edges: Edges) -> Reals:
        """(shells,): linear P_phi [(Mpc/h)^3] of the universe that drew these modes."""
        theory = self.theory(z)
        return self._unknown(edges)[0] if theory is None or modes is None else modes.power(theory, z)

    def written(self, name: str, z: float) -> tuple[Reals, Reals]:
        """(2, bins) each: linear and non-linear Delta^2 of "phi" or "delta" in the bins of the spectra files.

        Those of "delta" are in the gauge of each theory, with radiation where the simulation includes it.
        """
        theory, box = self.theory(z), self.study.simulation
        if theory is None:
            unknown = np.full((2, int((reference_shells(box.grid, box.spectra_bins).count > 0).sum())), np.nan)
            return unknown, unknown
        radiation = box.linear_radiation and z > box.switch_delta_rad
        fluid = box.linear_fluid and self.study.cosmology.has_fluid

        def power(k: Reals, kind: Theory) -> Reals:
            if name == "phi":
                return theory.potential_power(k, z)
            return theory.power_of(k, lambda q: theory.written_density_transfer(q, z, kind, radiation, fluid))

        def grown(k: Reals, kind: Theory) -> Reals:
            return power(k, kind) * self._boost(k, z)

        linear, nonlinear = (
            [self._written_mean(partial(function, kind=kind)) for kind in THEORIES] for function in (power, grown)
        )
        return np.stack(linear), np.stack(nonlinear)

    def triangles(self, edges: Sequence[float], triangles: NDArray[np.int64]) -> TriangleAverages:
        """Averages over the triples of triangles of shells."""
        box = self.study.simulation
        return TriangleAverages(box.grid, box.box_size_mpch, edges, triangles)

    def bispectrum(self, z: float, averages: TriangleAverages) -> tuple[Reals, Reals]:
        """(triangles,) each: tree level of B_phi, and GR - Newton at second order for the simulation's start."""
        theory = self.theory(z)
        if theory is None:
            unknown = np.full(len(averages.triangles), np.nan)
            return unknown, unknown

        def power(k: Reals) -> Reals:
            return theory.potential_power(k, z)

        tree = averages.bispectrum(newtonian_kernel(theory, z), power)
        box = self.study.simulation
        if self.study.cosmology.has_fluid:  # relativity's part is known for Lambda
            return tree, np.full(len(averages.triangles), np.nan)
        return tree, averages.bispectrum(relativistic_kernel(theory, box, z, start=box.start), power)

    def _boost(self, k: Reals, z: float) -> Reals:
        """The ratio of non-linear to linear power; NaN where the model is off, fails or does not reach."""
        model = self.study.measure.nonlinear
        unknown = np.full(np.shape(k), np.nan)
        if model == "none" or z < 0 or (np.size(k) and np.max(k) > HIGHEST_HMPC):
            return unknown
        try:
            return nonlinear_boost(self.study.cosmology, k, z, model)
        except WeakfieldError:  # fits do not cover every universe
            return unknown

    def _mean(self, function: Spectrum, edges: Edges) -> Reals:
        box = self.study.simulation
        return shell_mean(function, box.grid, box.box_size_mpch, edges)

    def _unknown(self, edges: Edges) -> Reals:
        return np.full((2, len(self._mean(np.ones_like, edges))), np.nan)

    def _written_mean(self, power: Spectrum) -> Reals:
        """Mean of k^3 P / 2 pi^2 over the modes of each bin of the spectra files that has any."""
        box = self.study.simulation
        shell = reference_shells(box.grid, box.spectra_bins)
        squares = squared_wavenumbers(box.grid)
        inside = shell.index < shell.bins
        found, place = np.unique(squares[inside], return_inverse=True)
        k = np.sqrt(found) * (2 * np.pi / box.box_size_mpch)
        values = np.zeros(squares.shape)
        values[inside] = (k**3 * power(k) / (2 * np.pi**2))[place.ravel()]
        kept = shell.count > 0
        return np.asarray(shell.sums(values)[kept] / shell.count[kept])
