"""Numbers with which no universe can be grown are refused at once, in a sentence with the number that is too large."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import weakfield as wf
from weakfield.base.errors import BadInput
from weakfield.cli import invoke
from weakfield.config import RunSettings, StudyConfig
from weakfield.cosmology import Background
from weakfield.cosmology.transfer import transfer_history
from weakfield.simulation import bounds
from weakfield.simulation.bounds import least_memory, require_linear, require_possible
from weakfield.simulation.initial_conditions import initial_universe
from weakfield.simulation.linear_start import initial_spectra
from weakfield.simulation.schedule import landing_factors

SMALL: dict[str, Any] = {"grid": 8, "box_size_mpch": 160.0, "transfer": "eisenstein-hu"}
ABSURD: dict[str, tuple[dict[str, Any], str]] = {
    "count": ({"seeds": {"count": 1e10}}, "'seeds.count' is 10000000000.0, expected less than or equal to 1000000"),
    "box": ({"simulation": {"box_size_mpch": 1e-300}}, "box_size_mpch is 1e-300, expected at least 0.01 Mpc/h"),
    "wide box": ({"simulation": {"box_size_mpch": 1e300}}, "expected less than or equal to 1000000"),
    "grid": ({"simulation": {"grid": 100_000}}, "'simulation.grid' is 100000, expected less than or equal to 65536"),
    "a_s": ({"cosmology": {"a_s": 1.0}}, "A_s = 1 and n_s = 0.9619 give the primordial curvature an rms of 1.16"),
    "huge a_s": ({"cosmology": {"a_s": 1e300}}, "A_s = 1e+300 and n_s = 0.9619 give the primordial curvature an rms"),
    "f_nl": ({"simulation": {"f_nl": 1e300}}, "f_nl is 1e+300, with which 3/5 f_nl zeta"),
    "courant": ({"simulation": {"courant_factor": 1e-300}}, "cycles, expected at most 100000"),
    "steps": ({"simulation": {"step_limit_hubble": 1e-12}}, "make a run of 3.92e+12 cycles, expected at most 100000"),
    "temperature": ({"cosmology": {"t_cmb_kelvin": 1e300}}, "expected less than or equal to 100"),
    "redshift": ({"simulation": {"initial_redshift": 1e300}}, "expected less than or equal to 1000000"),
    "bins": ({"simulation": {"spectra_bins": 10**15}}, "expected less than or equal to 100000"),
}


def small(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "simulation": SMALL | values.get("simulation", {})}


@pytest.mark.parametrize("name", ABSURD)
def test_absurd_numbers_of_a_study_end_in_a_sentence_before_anything_is_written(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import tomli_w

    values, said = ABSURD[name]
    path = tmp_path / "study.toml"
    path.write_text(tomli_w.dumps(small(values)))
    begin = time.monotonic()
    code = invoke(["simulate", str(path), "--out", str(tmp_path / "run")])
    err = capsys.readouterr().err
    assert code == 2, err
    assert said in err
    assert err.count("\n") == 1
    assert len(err) < 500
    assert time.monotonic() - begin < 10
    assert not (tmp_path / "run").exists()
    with pytest.raises(BadInput, match="expected"):  # and so does a universe in memory
        wf.Simulation(small(values))


@pytest.mark.parametrize(("key", "value", "said"), [
    ("A_s", "1", "primordial curvature an rms of"),
    ("A_s", "1e300", "primordial curvature an rms of"),
    ("boxsize", "1e-300", "expected at least 0.01"),
    ("Ngrid", "100000", "expected less than or equal to 65536"),
    ("Courant factor", "1e-300", "cycles, expected at most 100000"),
])  # fmt: skip
def test_absurd_numbers_of_a_settings_ini_too(
    key: str, value: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example = Path(__file__).parents[2] / "examples" / "settings.ini"
    lines = [line for line in example.read_text().splitlines() if not line.startswith((f"{key} ", f"{key}="))]
    path = tmp_path / "settings.ini"
    path.write_text("\n".join([*lines, f"{key} = {value}"]) + "\n")
    assert invoke(["simulate", str(path), "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_grid_whose_memory_cannot_be_had_is_refused_before_it_is_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    run = StudyConfig.from_mapping(small({"simulation": {"grid": 16384}})).run_settings("gr", 1)
    with pytest.raises(BadInput, match=r"grid is 16384, which takes at least 6.33e\+05 GB of memory, but this machine"):
        initial_universe(run)
    run = StudyConfig.from_mapping(small({})).run_settings("gr", 1)
    monkeypatch.setattr(bounds, "largest_memory", lambda: least_memory(run.simulation) - 1)
    with pytest.raises(BadInput, match="expected a smaller grid"):
        require_possible(run, torch.device("cpu"))
    monkeypatch.setattr(bounds, "largest_memory", lambda: least_memory(run.simulation))
    require_possible(run, torch.device("cpu"))


def test_the_least_memory_is_less_than_a_run_takes() -> None:
    """Nobody is refused who could run: the arrays of a universe after its first cycle are larger."""
    for mesh in ({}, {"mesh": "staggered", "start": "linear"}):
        universe = wf.Simulation(small({"simulation": {"grid": 16, **mesh}, "cosmology": {"t_cmb_kelvin": 0.0}}))
        universe.advance()
        state = universe._universe
        arrays = [value for place in (state, state.particles) for value in vars(place).values()]
        taken = sum(array.untyped_storage().nbytes() for array in arrays if isinstance(array, torch.Tensor))
        assert least_memory(universe.settings.simulation) < taken


def sources(a_s: float, z: float = 100.0, **simulation: Any) -> tuple[RunSettings, Any]:
    values = small({"cosmology": {"a_s": a_s}, "simulation": {"initial_redshift": z, "grid": 32, **simulation}})
    run = StudyConfig.from_mapping(values).run_settings("newton", 1)
    background = Background(run.cosmology, run.simulation.box_size_mpch)
    return run, initial_spectra(run, background, transfer_history(run.simulation, run.cosmology))


def test_a_start_beyond_linear_theory_is_refused_with_its_contrast() -> None:
    """The rms is that of a realisation, and grows as the root of A_s."""
    run, found = sources(2.2e-9)
    require_linear(run, found)
    usual = bounds._rms(run.simulation, found.displacement[0])
    run, found = sources(2.2e-9 * 1.01 / usual**2)
    with pytest.raises(BadInput, match=r"rms contrast of 1(\.00\d*)? at z = 100 in cells of 5 Mpc/h, expected at most"):
        require_linear(run, found)
    run, found = sources(2.2e-9 * 0.99 / usual**2)
    require_linear(run, found)


@pytest.mark.parametrize("grid", [16, 48])
def test_the_rms_is_that_of_the_field(grid: int) -> None:
    """With the same amplitude in every mode there is no scatter from seed to seed."""
    run, found = sources(2.2e-9, grid=grid, fixed_amplitude=True, start="linear")
    expected = bounds._rms(run.simulation, lambda x: found.potential(x) / x**2)
    assert float(initial_universe(run).phi.std()) == pytest.approx(expected, rel=0.01)  # an integral from 12 k_F
    curvature = bounds._rms(run.simulation, lambda x: np.pi * np.sqrt(2.2e-9 / x) / x)
    assert expected < 2 / 3 * curvature * 1.1  # phi is at most 2/3 of zeta, for n_s near 1


@pytest.mark.slow(minutes=0.1)
def test_thousands_of_steps_land_on_their_redshifts() -> None:
    """Ramps between intervals grow as a power of the number of steps, which has no bound."""
    plan = landing_factors(StudyConfig().cosmology, 20.0, 1 / 256, 0.06, 1 / 101, (0.1, 0.10001, 1.0))
    assert len(plan) > 3000
    assert [target for _, target in plan if target is not None] == [0.1, 0.10001, 1.0]
    assert all(0 < factor <= 1 for factor, _ in plan)
