"""Dark energy that is a fluid: its background, its perturbations, and what growth and theory make of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from weakfield.base.errors import BadInput
from weakfield.config import CosmologySettings, RunSettings, SimulationSettings
from weakfield.cosmology import Background, growth_factor, growth_rate, second_order_growth, transfer_history
from weakfield.cosmology.background import HUBBLE_LENGTH_MPCH
from weakfield.cosmology.growth import growth_from_early, second_order_displacement
from weakfield.cosmology.transfer import TransferFunctions
from weakfield.simulation.radiation import RadiationSources
from weakfield.spectra.theory import LinearTheory, relativistic_kernel

DATA = Path(__file__).parents[1] / "data"
FLUID = CosmologySettings(omega_fld=0.3139, w0_fld=-0.8, wa_fld=0.2)
COARSE = SimulationSettings(grid=16, box_size_mpch=5120.0)


def test_it_takes_the_place_of_lambda() -> None:
    assert FLUID.Omega_lambda == pytest.approx(1 - FLUID.Omega_m - FLUID.Omega_r - 0.3139 / 0.67556**2)
    for wrong in ({"omega_fld": 0.4}, {"omega_fld": 0.3, "w0_fld": 0.1, "wa_fld": 0.3}, {"omega_fld": -0.1}):
        with pytest.raises(ValidationError):
            CosmologySettings(**wrong)


def test_universes_without_one_are_written_as_before() -> None:
    """Run folders are recognised by what their settings are written as."""
    assert "w0_fld" not in CosmologySettings().model_dump()
    assert FLUID.model_dump()["wa_fld"] == 0.2
    assert CosmologySettings(**FLUID.model_dump()) == FLUID
    assert SimulationSettings().identity().keys().isdisjoint({"fluid", "fluid_density", "linear_transfer"})


def test_background() -> None:
    """rho' = -3 H (1 + w) rho, and the slope of H by differences."""
    background, a, step = Background(FLUID, HUBBLE_LENGTH_MPCH), np.array([0.05, 0.3, 0.7, 1.0]), 1e-5
    density = [background.fluid_density(a * (1 + s)) / (a * (1 + s)) ** 3 for s in (-step, step)]
    slope = (np.log(density[1]) - np.log(density[0])) / (2 * step)
    np.testing.assert_allclose(slope, -3 * (1 + background.fluid_state(a)), atol=1e-8)
    hubble = [np.log(background.conformal_hubble(a * (1 + s))) for s in (-step, step)]
    np.testing.assert_allclose(background.log_slope(a), (hubble[1] - hubble[0]) / (2 * step), atol=1e-8)
    assert background.density(1.0) == pytest.approx(1.0)


def test_growth_with_a_smooth_fluid() -> None:
    """As CAMB's matter grows deep inside the horizon, as well as with Lambda; both orders agree but for radiation."""
    ratios = []
    for cosmology in (CosmologySettings(), FLUID):
        history = transfer_history(SimulationSettings(grid=16, box_size_mpch=640.0), cosmology)
        early, late = (np.interp(0.1, history.k_hmpc, history.at(a).column("delta", "cdm")) for a in (0.5, 1.0))
        ratios.append(early / late / float(growth_factor(cosmology, 1.0)))
    assert ratios[1] == pytest.approx(ratios[0], rel=5e-5)
    second = second_order_growth(FLUID, 0.0)
    assert second.omega_m == pytest.approx(FLUID.Omega_m, rel=1e-3)
    assert second.rate == pytest.approx(float(growth_rate(FLUID, 0.0)), rel=2e-3)
    with_radiation = -second_order_displacement(FLUID, 0.0)[0] / float(growth_from_early(FLUID, 0.0)) ** 2
    assert second.displacement == pytest.approx(with_radiation, rel=2e-3)


def test_tables_obey_both_constraints() -> None:
    """k^2 phi and k^2 (phi' + H psi) with all species in them, over every scale of a large box."""
    history, background = transfer_history(COARSE, FLUID), Background(FLUID, HUBBLE_LENGTH_MPCH)
    for a in (0.1, 0.5, 0.9):
        f, hubble, step = history.at(a), background.conformal_hubble(a), 1e-3
        k, theta = f.k_hmpc * HUBBLE_LENGTH_MPCH, f.column("theta", "tot") * HUBBLE_LENGTH_MPCH / FLUID.h
        fluid = background.fluid_density(a)
        density = FLUID.Omega_m + FLUID.Omega_r / a + fluid
        inertia = FLUID.Omega_m + 4 / 3 * FLUID.Omega_r / a + (1 + background.fluid_state(a)) * fluid
        comoving = density * f.column("delta", "tot") + 3 * hubble * inertia * theta / k**2
        np.testing.assert_allclose(k**2 * f.phi, -1.5 / a * comoving, rtol=1e-5)
        rate = hubble * (history.at(a * (1 + step)).phi - history.at(a * (1 - step)).phi) / (2 * step)
        np.testing.assert_allclose(k**2 * (rate + hubble * f.psi), 1.5 / a * inertia * theta, rtol=1e-4)


def test_perturbations_against_class() -> None:
    """delta of the fluid to 1.3e-3 of its largest value on these scales; phi as far as the codes agree without it."""
    cosmology = CosmologySettings(omega_fld=0.3139, w0_fld=-0.9, wa_fld=0.1)
    settings = SimulationSettings(grid=16, box_size_mpch=320.0, transfer_nodes="class")
    history = transfer_history(settings, cosmology)
    with np.load(DATA / "fluid_class_gr" / "class_transfer.npz") as stored:
        kept = (stored["k"] > 1e-3) & (stored["k"] < 0.3)
        for i in (18, 56, 99):
            f = history.at(1 / (1 + stored["z"][i]))
            for ours, name, within in ((f.column("delta", "fld"), "d_fld", 2e-3), (f.phi, "phi", 1e-4)):
                theirs = stored[name][i]
                found = np.interp(np.log(stored["k"]), np.log(f.k_hmpc), ours)
                assert np.abs(found - theirs)[kept].max() <= within * np.abs(theirs[kept]).max()


class Known:
    """One table for every time."""

    def covers(self, a: float) -> bool:
        return a <= 1.0

    def at(self, a: float) -> TransferFunctions:
        k = np.array([0.01, 0.02, 0.04])
        one = np.ones(3)
        return TransferFunctions(k, 1 / a - 1, {"g": one, "ur": one, "fld": 2 * one}, {"tot": one}, one, one, "known")


@pytest.mark.parametrize("stated", ["exact", "gevolution"])
def test_sources_by_hand(stated: str) -> None:
    """Newton minus GR is the gauge term; the reference program leaves wa out of both, and ends before today."""
    sources = {}
    for theory in ("gr", "newton"):
        simulation = SimulationSettings(
            grid=16, box_size_mpch=100.0, radiation=False, fluid=True, start="linear", fluid_density=stated
        )
        run = RunSettings(theory=theory, seed=1, cosmology=FLUID, simulation=simulation)
        background = Background(FLUID, 100.0)
        sources[theory] = RadiationSources(run, background, Known())
        assert sources[theory].density_acts(0.99)
        assert not sources[theory].chi_acts(0.5)
        assert sources[theory].kicked_by_chi(0.5)
        assert sources[theory].density_acts(1.0) == (stated == "exact")
    a, w = 0.5, -0.8 if stated == "gevolution" else -0.7
    density = FLUID.Omega_fld * (a**2.4 if stated == "gevolution" else a**1.8 * np.exp(-0.3))
    assert sources["gr"].mean(a) == pytest.approx(density)
    x = np.array([1.0, 2.0, 4.0])
    gr, newton = (sources[theory].density(a) for theory in ("gr", "newton"))
    hubble = background.conformal_hubble(a)
    gauge = 3 * (1 + w) * density * hubble * (100.0 / FLUID.h) / x**2
    np.testing.assert_allclose(newton / gr, 1 + gauge / (2 * density), rtol=1e-12)


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(BadInput, match=r"cs2_fld is 0\.5, expected 1 for transfer 'camb'"):
        transfer_history(COARSE, FLUID.model_copy(update={"cs2_fld": 0.5}))
    with pytest.raises(BadInput, match=r"omega_fld is 0\.3139, expected 0: relativity's second order"):
        relativistic_kernel(LinearTheory(COARSE, FLUID), COARSE, 1.0)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"wa_fld": 1.0}, "wa_fld is 1.0, but there is no omega_fld, expected both or neither"),
        ({"deg_ncdm": (2.0,)}, r"deg_ncdm is \(2.0,\), but there is no m_ncdm_ev, expected both or neither"),
    ],
)
def test_what_is_said_of_something_that_is_not_there_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        CosmologySettings.from_mapping(values)
