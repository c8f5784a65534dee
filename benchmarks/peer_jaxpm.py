"""The worker of benchmarks/peers.py that grows particles with JaxPM; its Python imports jaxpm, and not weakfield.

JaxPM gives initial conditions and forces and leaves the integration to its user. Here it is kick, drift, kick, one
solution a step, the whole run one compiled scan; the steps are equal in log a, and their factors are exact integrals.
Particles are displacements from their sites, which is how JaxPM is faster and keeps its digits in single precision.
"""

from __future__ import annotations

import argparse
from typing import Any

from peer_case import CELL_MPCH, COSMOLOGY, OMEGA_B, OMEGA_M, REDSHIFTS, report


def step_factors(steps: int) -> Any:
    """(steps, 3): first kick, drift and second kick, integrals of da / (a^2 E) and da / (a^3 E)."""
    import numpy as np

    nodes, weights = np.polynomial.legendre.leggauss(12)

    def integral(begin: Any, end: Any, power: int) -> Any:
        half = (end - begin) / 2
        a = (begin + half)[:, None] + half[:, None] * nodes
        return half * (weights / (a**power * np.sqrt(OMEGA_M / a**3 + 1 - OMEGA_M))).sum(-1)

    edges = np.geomspace(*(1 / (1 + z) for z in REDSHIFTS), steps + 1)
    middle = np.sqrt(edges[1:] * edges[:-1])
    begin, end = edges[:-1], edges[1:]
    return np.stack([integral(begin, middle, 2), integral(begin, end, 3), integral(middle, end, 2)], axis=1)


class JaxPM:
    """A run in cells and 1 / H0."""

    def __init__(self, options: argparse.Namespace) -> None:
        from importlib.metadata import version

        import jax

        jax.config.update("jax_enable_x64", options.precision == "double")
        import jax.numpy as jnp
        from jaxpm.pm import pm_forces

        self.version = f"{version('jaxpm')}, jax {jax.__version__}"
        self.steps, self.solutions, self._grid = options.steps, options.steps + 1, options.grid
        shape = (options.grid,) * 3
        factors = jnp.asarray(step_factors(options.steps))

        def force(places: Any) -> Any:
            return 1.5 * OMEGA_M * pm_forces(places, mesh_shape=shape, paint_absolute_pos=False)

        def step(state: Any, factor: Any) -> Any:
            places, momenta, pull = state
            momenta = momenta + factor[0] * pull
            places = places + factor[1] * momenta
            pull = force(places)
            return (places, momenta + factor[2] * pull, pull), None

        def whole(places: Any, momenta: Any) -> Any:
            return jax.lax.scan(step, (places, momenta, force(places)), factors)[0][:2]

        self._whole, self._wait = jax.jit(whole), jax.block_until_ready

    def start(self) -> Any:
        import jax
        import jax.numpy as jnp
        import jax_cosmo
        from jaxpm.pm import linear_field, lpt

        def cosmology() -> Any:
            return jax_cosmo.Cosmology(
                Omega_c=OMEGA_M - OMEGA_B, Omega_b=OMEGA_B, h=COSMOLOGY["h"], n_s=COSMOLOGY["n_s"],
                sigma8=COSMOLOGY["sigma8"], Omega_k=0.0, w0=-1.0, wa=0.0,
            )  # fmt: skip

        k = jnp.logspace(-4, 1, 256)
        power = jax_cosmo.power.linear_matter_power(cosmology(), k)

        def at(mesh: Any) -> Any:
            return jnp.interp(mesh.ravel(), k, power).reshape(mesh.shape)

        n = self._grid
        field = linear_field((n,) * 3, (CELL_MPCH * n,) * 3, at, seed=jax.random.key(1))
        # a cosmology of its own, because the tables that jax_cosmo leaves in the other lack what lpt reads
        places, momenta, _ = lpt(cosmology(), field, a=1 / (1 + REDSHIFTS[0]), order=2)
        return self._wait((places, momenta))

    def grow(self, state: Any) -> Any:
        return self._wait(self._whole(*state))

    def positions(self, state: Any) -> Any:
        import numpy as np

        sites = np.stack(np.meshgrid(*[np.arange(self._grid)] * 3, indexing="ij"), axis=-1)
        return CELL_MPCH * (sites + np.asarray(state[0], dtype=np.float64)).reshape(-1, 3).T


if __name__ == "__main__":
    report(JaxPM)
