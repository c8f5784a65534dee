"""A universe in memory has the numbers of a run on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import weakfield as wf
from helpers.spectral_runs import spectral_run
from weakfield.base.errors import BadInput

STUDY = {
    "name": "small",
    "seeds": {"first": 3, "count": 4},
    "cosmology": {"t_cmb_kelvin": 0.0},
    "simulation": {
        "grid": 8, "box_size_mpch": 160.0, "transfer": "eisenstein-hu", "initial_redshift": 30.0,
        "snapshot_redshifts": [10.0, 5.0], "spectra_redshifts": [5.0], "snapshot_fields": ["phi", "chi", "B"],
    },
    "output": {"dtype": "float64"},
    "measure": {"redshift": 5.0},
    "dataset": {"redshifts": [10.0, 5.0]},
}  # fmt: skip


@pytest.mark.parametrize("theory", ["newton", "gr"])
@pytest.mark.parametrize("mesh", ["spectral", "staggered"])
def test_the_bits_of_a_run(tmp_path: Path, theory: str, mesh: str) -> None:
    start = "growing-mode" if mesh == "spectral" else "linear"
    study = wf.StudyConfig.from_mapping(
        STUDY | {"seeds": {"first": 3, "count": 1}, "simulation": STUDY["simulation"] | {"mesh": mesh, "start": start}}
    )
    wf.simulate(study, tmp_path)
    universe = wf.Simulation(study, theory=theory)
    for index, redshift in enumerate((10.0, 5.0)):
        universe.run(redshift)
        for name in ("phi", "chi", "B"):
            stored, attributes = wf.load_field(tmp_path / f"pairs/seed00003/{theory}/snap{index:03d}_{name}.h5")
            found = universe.field(name)
            np.testing.assert_array_equal(found.values, stored.numpy())
            assert {key: found.attrs[key] for key in attributes} == attributes


def test_it_prints_iterates_and_saves(tmp_path: Path) -> None:
    universe = wf.Simulation(STUDY, theory="gr", seed=5, inverted=True)
    assert "seed 5, inverted" in repr(universe)
    assert "after 0 cycles" in repr(universe)
    seen = [state.redshift for state in universe]
    assert seen == sorted(seen, reverse=True)
    assert seen[0] == pytest.approx(30.0)
    assert seen[-1] == pytest.approx(5.0)
    assert len(seen) == universe.cycle + 1
    path = universe.save(tmp_path / "phi.h5")
    np.testing.assert_array_equal(wf.load_field(path)[0].numpy(), universe.phi.values)
    assert list(tmp_path.iterdir()) == [path]
    phi, b, particles = universe.phi, universe.B, universe.particles
    assert phi.dims == ("z", "y", "x")
    np.testing.assert_allclose(phi.x, 20.0 * np.arange(8))
    assert b.dims == ("component", "z", "y", "x")
    assert list(b.component.values) == ["x", "y", "z"]
    assert particles.position.shape == (512, 3)
    assert 0 <= float(particles.position.min()) <= float(particles.position.max()) < 160.0


def test_other_redshifts_stand_in_for_those_of_the_settings() -> None:
    universe = wf.Simulation(STUDY, redshifts=7.0).run()
    assert universe.redshift == pytest.approx(7.0, abs=1e-10)
    with pytest.raises(BadInput, match="at redshift 7 already"):
        universe.run(8.0)
    assert wf.Simulation(STUDY, redshifts=np.float32(7.0)).redshifts == (7.0,)
    for wrong in (float("nan"), -1.0, "10", None, object(), []):
        if wrong is not None:
            with pytest.raises(BadInput, match=r"the redshift is .* expected numbers above -1"):
                universe.run(wrong)  # type: ignore[arg-type]
            with pytest.raises(BadInput, match=r"the redshift is .* expected numbers above -1"):
                wf.Simulation(STUDY, redshifts=wrong)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="redshifts hold 200, expected none before the initial one, 30"):
        wf.Simulation(STUDY, redshifts=[200.0, 7.0])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((7,), "settings are 7, expected the name of a preset"),
        (("demoo",), "did you mean 'demo'"),
        (({"grid": 8},), "unknown key 'grid'"),
        ((STUDY, "einstein"), "key 'theory' is 'einstein'"),
        ((STUDY, "gr", -1), "key 'seed' is -1"),
    ],
)
def test_what_it_refuses(arguments: tuple[object, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        wf.Simulation(*arguments)  # type: ignore[arg-type]


def test_newton_solves_for_chi_where_it_is_asked_to() -> None:
    plain = STUDY | {"simulation": STUDY["simulation"] | {"snapshot_fields": ["phi"]}}
    universe = wf.Simulation(plain, theory="newton").run(10.0)
    with pytest.raises(BadInput, match="chi is not solved for in a Newtonian universe"):
        _ = universe.chi
    with pytest.raises(BadInput, match="the field is 'psi', expected one of phi"):
        universe.field("psi")  # type: ignore[arg-type]
    assert wf.Simulation(plain, theory="newton", diagnostics=True).run(10.0).chi.attrs["units"] == "dimensionless"


def test_settings_without_an_output_run_to_a_redshift_that_is_given():
    simulation = {"snapshot_redshifts": (), "spectra_redshifts": ()}
    run = spectral_run("newton", **simulation)
    universe = wf.Simulation(run)
    with pytest.raises(BadInput, match="no redshift of an output, expected the redshift to run to"):
        universe.run()
    assert universe.run(50.0).redshift <= 50.0
    assert "outputs at z = none" in repr(universe)
