"""Small universes for the tests of the simulation."""

from __future__ import annotations

from typing import Any

import pytest

from weakfield.config import OutputSettings, RunSettings, SimulationSettings


@pytest.fixture(scope="session")
def small_run():
    """A factory of runs on a staggered 16^3 mesh with analytic transfer functions; keywords change the settings."""

    def make(theory: str = "gr", seed: int = 5, **changes: Any) -> RunSettings:
        settings: dict[str, Any] = {
            "grid": 16, "box_size_mpch": 320.0, "step_limit_hubble": 0.05, "transfer": "eisenstein-hu",
            "mesh": "staggered", "start": "linear", "snapshot_redshifts": (10.0,), "spectra_redshifts": (10.0,),
        } | changes  # fmt: skip
        return RunSettings(
            theory=theory, seed=seed, simulation=SimulationSettings(**settings), output=OutputSettings(dtype="float64")
        )

    return make
