"""What universes have in common is made once, also where each of them is grown by itself, as controls do."""

from __future__ import annotations

import numpy as np
import torch

from weakfield.config import THEORIES, RunSettings, SimulationSettings, Theory
from weakfield.simulation.evolution import at_redshifts
from weakfield.simulation.spectral.linear_steps import LinearSteps
from weakfield.simulation.study_cache import StudyCache, _linear_steps


def run(theory: Theory = "newton", seed: int = 1, inverted: bool = False, step: float = 0.2) -> RunSettings:
    settings = SimulationSettings(grid=8, box_size_mpch=160.0, snapshot_redshifts=(30.0,), step_limit_hubble=step)
    return RunSettings(theory=theory, seed=seed, inverted=inverted, simulation=settings)


def corrections(of: RunSettings) -> LinearSteps:
    return StudyCache(of).linear_steps(of)


def test_corrections_of_linear_theory_are_those_of_every_seed_and_of_no_other_settings() -> None:
    shared = corrections(run())
    assert corrections(run(seed=2)) is shared
    assert corrections(run(seed=2, inverted=True)) is shared
    assert corrections(run(theory="gr")) is not shared
    assert corrections(run(step=0.1)) is not shared
    alone = _linear_steps(run(seed=2), StudyCache(run()).history)
    assert all(np.array_equal(one, other) for one, other in zip(alone._chi, shared._chi, strict=True))


def test_a_universe_is_the_same_whichever_grew_before_it() -> None:
    """Tables of radiation are kept from one seed to the next."""
    shared = StudyCache(run())
    for theory in THEORIES:
        alone = [universe.phi.clone() for universe, _ in at_redshifts(run(theory, seed=2))]
        for seed in (1, 2):
            found = [universe.phi.clone() for universe, _ in at_redshifts(run(theory, seed), shared)]
        assert all(torch.equal(one, other) for one, other in zip(found, alone, strict=True))
    assert shared.tables
