"""Orders of the spectral mesh's clock, and motion whose solution is known exactly (EQUATIONS 16.2)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers.spectral_runs import DUST, band, potential, response, spectral_run
from weakfield.config import CosmologySettings
from weakfield.mesh import spectral
from weakfield.simulation.clock import Clock
from weakfield.simulation.evolution import THEORIES, at_redshifts
from weakfield.simulation.initial_conditions import initial_universe
from weakfield.simulation.spectral.weights import Growth

LIMITS = (0.08, 0.04, 0.02)
TRUTH = 0.005


def fields(theory: str, box: float, limit: float) -> dict[tuple[str, float], np.ndarray]:
    """phi, chi and a^2 B at z = 10 and z = 1."""
    run = spectral_run(
        theory, box_size_mpch=box, step_limit_hubble=limit, snapshot_redshifts=(10.0, 1.0), spectra_redshifts=()
    )
    found = {}
    for universe, clock in at_redshifts(run, diagnostics=True):
        z = round(clock.redshift, 6)
        modes = {"phi": universe.phi_modes, "chi": universe.chi_modes, "B": universe.b_now}
        found |= {(name, z): spectral.field_of(mode, universe.n).numpy().copy() for name, mode in modes.items()}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("box", [320.0, 2560.0])
@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_phi_chi_and_b_are_of_second_order_in_the_step(theory, box):
    truth = fields(theory, box, TRUTH)
    runs = [fields(theory, box, limit) for limit in LIMITS]
    for key, exact in truth.items():
        errors = [np.sqrt(((run[key] - exact) ** 2).mean()) for run in runs]
        slope = np.polyfit(np.log(LIMITS), np.log(errors), 1)[0]
        assert slope >= 1.9, (key, slope, errors)


def test_a_plane_wave_follows_its_exact_solution_until_it_crosses():
    """Zel'dovich's motion x = q + D(a) s(q) along x is exact until particles meet, at a = 1 here; Einstein-de Sitter.

    A wave of 64 cells. The error is the mesh's and does not depend on the step: particles next to where they meet are
    wrong by some hundredths of a cell, and rms of all of them by less than 1e-3 of the largest displacement.
    """
    cosmology = CosmologySettings(omega_b=0.0, omega_cdm=0.67556**2, t_cmb_kelvin=0.0)
    n = 64
    run = spectral_run(
        "newton", cosmology=cosmology, grid=n, start="linear", step_limit_hubble=0.1,
        snapshot_redshifts=(10.0, 1.0, 0.1, 0.0),
    )  # fmt: skip
    universe = initial_universe(run)
    clock, gravity = Clock(run, universe.background), THEORIES["spectral", "newton", "second-order"]()
    p = universe.particles
    q = (p.rest_cells()[0].double() + 0.5) / n
    shape = -torch.sin(2 * np.pi * q) / (2 * np.pi)  # box units; crosses where D = 1
    growth, today = Growth(universe.background, clock.a), Growth(universe.background, 1.0)
    p.displacement = torch.full_like(p.displacement, 0.5)
    p.displacement[0] += n * shape * (growth.D / today.D)
    p.momentum = torch.zeros_like(p.momentum)
    p.momentum[0] = clock.a * growth.rate / today.D * shape
    wanted, largest, typical = [0.0, 0.1, 1.0, 10.0], {}, {}
    while wanted:
        gravity.solve(universe, clock, False)
        if clock.passed(wanted[-1]):
            exact = n * shape * (Growth(universe.background, clock.a).D / today.D)
            error = (p.displacement[0] - 0.5 - exact).abs()
            largest[wanted[-1]] = float(error.max())  # in cells
            typical[wanted.pop()] = float((error**2).mean().sqrt() / exact.abs().max())
            assert float((p.displacement[1:] - 0.5).abs().max()) < 1e-9
        gravity.move(universe, clock)
        clock.advance()
    assert all(error < 1e-3 for error in typical.values()), typical
    assert typical[10.0] < 3e-5, typical
    assert typical[1.0] < 3e-4, typical
    assert all(error < 0.05 for error in largest.values()), largest


@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_linear_growth_is_exact_at_any_step(theory):
    """A small amplitude in steps of 0.4 Hubble times: phi keeps to D / a to 2e-4 where the mesh resolves it."""
    cosmology = DUST.model_copy(update={"a_s": DUST.a_s * 1e-6})
    found = potential(spectral_run(theory, cosmology=cosmology, step_limit_hubble=0.4, snapshot_redshifts=(50.0, 10.0)))
    early, late = found[50.0], found[10.0]
    background = initial_universe(spectral_run(theory, cosmology=cosmology)).background
    ratio = Growth(background, 1 / 11).potential / Growth(background, 1 / 51).potential
    amount, alike = response(late, early * ratio, band(16, 320.0, 0.0, 0.05))
    assert alike > 1 - 1e-7
    assert amount == pytest.approx(1.0, abs=1e-3)
