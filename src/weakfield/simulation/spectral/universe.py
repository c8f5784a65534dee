"""The state of a universe on the spectral mesh."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from weakfield.mesh import spectral
from weakfield.mesh.packed import PACKED, VECTOR, spread_out
from weakfield.simulation.clock import Clock
from weakfield.simulation.spectral.linear_steps import LinearSteps
from weakfield.simulation.universe import Universe


@dataclass
class SpectralUniverse(Universe):
    """Particles and metric fields at the nodes of a mesh of ``n`` cells a side; code units of EQUATIONS 1.

    Modes (``mesh.spectral``) are carried between cycles: those of phi and chi, now and in the previous cycle, and
    ``b_modes``, which are the modes of a^2 B. All fields in real space follow from them.
    """

    STATE: ClassVar[tuple[str, ...]] = ("phi_modes", "chi_modes", "b_modes", "past_phi_modes", "past_chi_modes")

    phi_modes: Tensor | None = None
    chi_modes: Tensor | None = None
    past_phi_modes: Tensor | None = None
    past_chi_modes: Tensor | None = None
    rate_modes: Tensor | None = None  # phi' of the initial conditions, until they are solved for
    linear_steps: LinearSteps | None = None  # what steps need in linear theory with radiation
    #: the start was matched to the density of its particles, so that phi of cycle 0 need not be solved for
    matched: bool = False

    def restored(self, clock: Clock) -> None:
        if self.run.theory == "gr":
            self.fill(clock.cycle - 1, clock.a_before, clock.a_before_that)

    def fill(self, cycle: int, a: float, a_before: float) -> None:
        """Compute the fields in real space from the modes of a ``cycle`` at scale factor ``a``, and the past ones."""
        assert self.phi_modes is not None
        assert self.chi_modes is not None
        if self.past_phi_modes is not None and self.past_chi_modes is not None:
            self._fill(self.past_phi_modes, self.past_chi_modes, cycle - 1, a_before)
            self.turn()
        self._fill(self.phi_modes, self.chi_modes, cycle, a)

    def _fill(self, phi: Tensor, chi: Tensor, cycle: int, a: float) -> None:
        spectral.potential_fields(self.kernels, phi, self.phi, self.gradient)
        self.chi.copy_(spectral.field_of(chi, self.n))
        spectral.pack_metric(self.kernels, phi, self.kicking_chi(chi, cycle, a), self.metric)

    def kicking_chi(self, chi: Tensor, cycle: int, a: float) -> Tensor:
        """Modes of the chi that particles feel in a cycle: ``chi``, and what the step needs in linear theory."""
        needed = self.linear_steps.chi(cycle, a) if self.linear_steps else None
        return chi if needed is None else self.realisation.add(chi.clone(), needed)

    @property
    def sample(self) -> Tensor:
        """One mode of phi. Modes are available in Newton too, where phi is not transformed back in every cycle."""
        assert self.phi_modes is not None
        return self.phi_modes[0, 0, 1].abs()

    def turn(self) -> None:
        """Make the present fields the past ones; the memory of the old past fields is reused for the coming ones."""
        self.past_phi, self.phi = self.phi, _like(self.phi, self.past_phi)
        self.past_chi, self.chi = self.chi, _like(self.chi, self.past_chi)
        self.past_gradient, self.gradient = self.gradient, self.past_gradient
        self.past_metric, self.metric = self.metric, self.past_metric

    def turn_modes(self) -> None:
        """The same as ``turn``, for modes."""
        assert self.phi_modes is not None
        assert self.chi_modes is not None
        self.past_phi_modes, self.phi_modes = self.phi_modes, _like(self.phi_modes, self.past_phi_modes)
        self.past_chi_modes, self.chi_modes = self.chi_modes, _like(self.chi_modes, self.past_chi_modes)

    @cached_property
    def metric(self) -> Tensor:
        """(n, n, n, 8): phi, psi and their gradients for particles to read, packed as in ``mesh.packed``."""
        return self._spread_out(PACKED)

    @cached_property
    def packed(self) -> Tensor:
        return self._spread_out(PACKED)

    @cached_property
    def past_metric(self) -> Tensor:
        """``metric`` of the previous cycle; an extrapolation overwrites it with the extrapolated metric."""
        return self._spread_out(PACKED)

    @cached_property
    def vector(self) -> Tensor:
        """(n, n, n, 4): a^2 B for particles to read; in Newton, the gradient along which they fall."""
        return self._spread_out(VECTOR).zero_()

    def _spread_out(self, count: int) -> Tensor:
        """Memory for the fields of a node side by side, laid out so that the device's kernels read it fastest."""
        if self.phi.is_cuda:
            return self.phi.new_empty((*self.phi.shape, count))
        return spread_out(self.n, count, self.phi.dtype)

    @cached_property
    def shifted(self) -> Tensor:
        """(3, n, n, n): a density deposited on the other three of four interlaced meshes."""
        return self.phi.new_empty((len(spectral.SHIFTS), *self.phi.shape))

    @cached_property
    def energies(self) -> Tensor:
        """(P,): what each particle adds to T00."""
        return torch.empty_like(self.particles.displacement[0])

    @cached_property
    def gradient(self) -> Tensor:
        """(3, n, n, n): gradient of phi at the nodes."""
        return self.phi.new_empty((3, *self.phi.shape))

    @cached_property
    def past_gradient(self) -> Tensor:
        """``gradient`` of the previous cycle."""
        return torch.empty_like(self.gradient)

    @cached_property
    def b_now(self) -> Tensor:
        """(3, n, n, n//2+1): modes of a^2 B of this cycle."""
        return torch.empty_like(self.b_modes)


def _like(present: Tensor, old: Tensor | None) -> Tensor:
    return torch.empty_like(present) if old is None else old
