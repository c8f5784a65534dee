"""The worker of benchmarks/peers.py that grows particles with pmwd; its Python imports pmwd, and not weakfield.

pmwd's own integration: kick, drift, kick with growth factors, one solution a step, steps equal in a.
"""

from __future__ import annotations

import argparse
from typing import Any

from peer_case import CELL_MPCH, COSMOLOGY, OMEGA_B, OMEGA_M, REDSHIFTS, report


class Pmwd:
    """A run as pmwd's examples do it, on as many cells as particles."""

    def __init__(self, options: argparse.Namespace) -> None:
        import jax
        import jax.numpy as jnp
        import pmwd

        self._pmwd, self._wait = pmwd, jax.block_until_ready
        self.version = f"{getattr(pmwd, '__version__', 'of its repository')}, jax {jax.__version__}"
        begin, end = (1 / (1 + z) for z in REDSHIFTS)
        self._configuration = pmwd.Configuration(
            CELL_MPCH, (options.grid,) * 3, mesh_shape=1, a_start=begin, a_stop=end,
            a_nbody_maxstep=(end - begin) / options.steps * (1 + 1e-9),
            float_dtype=jnp.float32 if options.precision == "single" else jnp.float64,
        )  # fmt: skip
        self.steps = self._configuration.a_nbody_num
        self.solutions = self.steps + 1

    def start(self) -> Any:
        pmwd, configuration = self._pmwd, self._configuration
        cosmology = pmwd.Cosmology(
            configuration, A_s_1e9=1e9 * COSMOLOGY["a_s"], n_s=COSMOLOGY["n_s"], Omega_m=OMEGA_M, Omega_b=OMEGA_B,
            h=COSMOLOGY["h"],
        )  # fmt: skip
        self._cosmology = pmwd.boltzmann(cosmology, configuration)
        modes = pmwd.linear_modes(pmwd.white_noise(1, configuration), self._cosmology, configuration)
        particles, _ = pmwd.lpt(modes, self._cosmology, configuration)
        self._wait(particles.vel)
        return particles

    def grow(self, state: Any) -> Any:
        particles, _ = self._pmwd.nbody(state, None, self._cosmology, self._configuration)
        self._wait(particles.vel)
        return particles

    def positions(self, state: Any) -> Any:
        import numpy as np

        sites, moved = (np.asarray(array, dtype=np.float64) for array in (state.pmid, state.disp))
        return (CELL_MPCH * sites + moved).T


if __name__ == "__main__":
    report(Pmwd)
