"""C1 of the pairs of a study, as fields and as samples, and its matched filter."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from weakfield.base.trials import Unsuited
from weakfield.config import StudyConfig
from weakfield.dataset import Dataset
from weakfield.dataset.channels import Snapshot
from weakfield.explain.truth.matched import MatchedFilter
from weakfield.mesh import spectral
from weakfield.spectra.expected import Expected
from weakfield.spectra.theory import LinearTheory, relativistic_kernel

#: the only start that C1 is known for
START: Literal["growing-mode"] = "growing-mode"


class Prediction:
    """What relativity adds to the pairs of a study; ``Unsuited``, with the reason, where that is not C1."""

    def __init__(self, study: StudyConfig) -> None:
        self.study, self._expected = study, Expected(study)
        simulation = study.simulation
        if simulation.mesh != "spectral" or simulation.start != START:
            raise Unsuited(
                f"the pairs were grown on the {simulation.mesh} mesh from a {simulation.start} start, expected the"
                f" spectral mesh and the {START} start, where GR - Newton of a pair is C1"
            )
        if simulation.initial_conditions != "linear" or simulation.transfer == "spectrum":
            raise Unsuited("the pairs do not start from transfer functions, expected such a start, whose C1 is known")

    @cached_property
    def theory(self) -> LinearTheory:
        """Linear theory; ``Unsuited`` where no provider has it."""
        found = self._expected.theory()
        if found is None:
            raise Unsuited(f"there is no linear theory of these pairs: {self._expected.missing}")
        return found

    def c1(self, seed: int, z: float) -> Tensor:
        """C1 of a seed at a redshift: (N, N, N) float64, dimensionless, on the nodes of the mesh."""
        modes = self._expected.difference(seed, z)
        if modes is None:
            raise Unsuited(f"C1 of these pairs at z = {z:g} is not known, expected fields on the nodes of the mesh")
        return spectral.field_of(modes, self.study.simulation.grid)

    def filter(self, z: float, unit: float = 1.0) -> MatchedFilter:
        """The matched filter of C1 for phi of a redshift in any unit; its logits are in units of ``unit``."""
        theory, simulation = self.theory, self.study.simulation
        kernel = relativistic_kernel(theory, simulation, z, start=START)
        k_f = 2 * np.pi / simulation.box_size_mpch
        return MatchedFilter(simulation.grid, kernel.parts[None], lambda n: theory.potential_power(n * k_f, z), unit)

    def change(self, dataset: Dataset, seed: int, keep_mean: bool) -> Tensor:
        """GR - Newton of the samples of a seed if phi of GR is phi of Newton + C1: (channels, N, N, N) float64.

        Both are made as the samples of Newton are, so that what is drawn or scaled by theory is the same in both.
        """
        channels, chain = dataset.channels, dataset.chain(keep_mean)
        cubes = []
        for share in (0.0, 1.0):
            snapshots = {}
            for z, path, phi in zip(
                dataset.redshifts, dataset.files(seed, "newton"), dataset.stored(seed, "newton"), strict=True
            ):
                if z in channels.redshifts:
                    field = phi.to(torch.float64) + share * self.c1(seed, z)
                    snapshots[z] = Snapshot(path, field, z, dataset.box_size_mpch)
            fields = channels.fields(snapshots, dataset.cosmology)
            cubes.append(chain.apply(fields, seed, "newton"))
        return cubes[1] - cubes[0]
