"""The worker of benchmarks/peers.py that grows Newton with weakfield."""

from __future__ import annotations

import argparse
from typing import Any

from peer_case import CELL_MPCH, COSMOLOGY, REDSHIFTS, report


class Weakfield:
    """One universe of ``wf.Simulation``; a cycle solves for the force once."""

    def __init__(self, options: argparse.Namespace) -> None:
        import weakfield as wf
        from weakfield.config import RunSettings
        from weakfield.cosmology import Background
        from weakfield.simulation.clock import cycles_until

        self.version, self._simulation = wf.__version__, wf.Simulation
        cosmology = {name: COSMOLOGY[name] for name in ("h", "omega_b", "omega_cdm", "a_s", "n_s")}
        simulation = {
            "grid": options.grid, "box_size_mpch": CELL_MPCH * options.grid, "precision": options.precision,
            "mesh": options.mesh, "start": "growing-mode" if options.mesh == "spectral" else "linear",
            "transfer": "eisenstein-hu", "step_limit_hubble": options.step_limit, "initial_redshift": REDSHIFTS[0],
            "snapshot_redshifts": REDSHIFTS[1:], "spectra_redshifts": (),
        }  # fmt: skip
        self._run = RunSettings.from_mapping(
            {
                "theory": "newton", "seed": 1, "cosmology": cosmology | {"t_cmb_kelvin": 0.0}, "simulation": simulation
            },
            "benchmark",
        )  # fmt: skip
        background = Background(self._run.cosmology, self._run.simulation.box_size_mpch)
        self.steps = self.solutions = cycles_until(self._run, background, REDSHIFTS[1])

    def start(self) -> Any:
        return self._simulation(self._run)

    def grow(self, state: Any) -> Any:
        return state.run()

    def positions(self, state: Any) -> Any:
        return state.particles.position.values.T


if __name__ == "__main__":
    report(Weakfield)
