"""Studies: presets, TOML and back, what makes one refused, and its derived values."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from weakfield.base.errors import BadInput
from weakfield.config import CosmologySettings, RunFolder, Settings, SimulationSettings, StudyConfig, preset_names


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_a_study_that_returns_from_its_toml(name: str, tmp_path: Path) -> None:
    study = StudyConfig.preset(name)
    assert study.name == name
    (tmp_path / "copy.toml").write_text(study.to_toml())
    assert StudyConfig.from_toml(tmp_path / "copy.toml") == study


@given(
    grid=st.integers(1, 64).map(lambda n: 4 * n),
    box=st.floats(1.0, 1e5),
    count=st.integers(1, 5000),
    bins=st.none() | st.integers(2, 64),
    redshifts=st.lists(st.floats(0, 50), min_size=2, max_size=6, unique=True),
)
def test_any_study_returns_from_its_toml(
    tmp_path_factory: pytest.TempPathFactory,
    grid: int,
    box: float,
    count: int,
    bins: int | None,
    redshifts: list[float],
) -> None:
    study = StudyConfig.from_mapping(
        {
            "seeds": {"count": count},
            "simulation": {"grid": grid, "box_size_mpch": box, "snapshot_redshifts": redshifts},
            "measure": {"redshift": redshifts[0], "bins": bins},
            "dataset": {"redshifts": (max(redshifts), min(redshifts))},
        }
    )
    path = tmp_path_factory.getbasetemp() / "study.toml"
    path.write_text(study.to_toml())
    assert StudyConfig.from_toml(path) == study


def test_files_named_in_a_study_are_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "study.toml").write_text(
        '[simulation]\nstart = "linear"\ntransfer = "file"\ntransfer_file = "tables/tk.dat"\n'
        'newton_velocities = "poisson"'
    )
    monkeypatch.chdir("/")
    study = StudyConfig.from_toml(tmp_path / "study.toml")
    assert study.simulation.transfer_file == tmp_path / "tables" / "tk.dat"


def test_a_smaller_box_has_the_same_cells() -> None:
    demo = StudyConfig.preset("demo")
    small = demo.resized(grid=16, pairs=6)
    assert small.simulation.cell_size_mpch == demo.simulation.cell_size_mpch
    assert (small.simulation.grid, small.seeds.count, small.name) == (16, 6, "demo-grid16-pairs6")
    assert demo.resized() == demo
    with pytest.raises(BadInput, match="multiple of 4"):
        demo.resized(grid=18)


def test_a_smaller_box_repeats_its_template_less_often() -> None:
    """32 cells and 4 copies: 8 cells a copy, so that 16 cells have 2 copies."""
    simulation = {"grid": 32, "template_file": "glass.dat", "tiling": 4}
    study = StudyConfig.from_mapping({"simulation": simulation})
    assert study.resized(grid=16).simulation.tiling == 2
    with pytest.raises(BadInput, match="multiple of the 8 cells"):
        study.resized(grid=20)


def test_settings_do_not_change_and_have_a_stable_hash() -> None:
    cosmology = CosmologySettings()
    with pytest.raises(ValidationError, match="frozen"):
        cosmology.h = 0.7  # type: ignore[misc]
    assert cosmology.hash() == CosmologySettings(h=0.67556).hash()
    assert cosmology.hash() != CosmologySettings(h=0.7).hash()
    assert cosmology.hash("h") == CosmologySettings(h=0.7, omega_cdm=0.12038).hash("h")


def test_densities_follow_from_the_parameters() -> None:
    """h = 0.5, round densities: every Omega by hand."""
    cosmology = CosmologySettings(h=0.5, omega_b=0.025, omega_cdm=0.05, t_cmb_kelvin=0.0)
    assert cosmology.Omega_b == pytest.approx(0.1, rel=1e-15)
    assert cosmology.Omega_m == pytest.approx(0.3, rel=1e-15)
    assert cosmology.Omega_r == 0.0
    assert cosmology.Omega_lambda == pytest.approx(0.7, rel=1e-15)


def test_radiation_today() -> None:
    """omega_gamma = 2.4728e-5 at 2.7255 K (Planck), and 3.046 neutrinos add 0.6918 of it."""
    cosmology = CosmologySettings()
    assert cosmology.Omega_gamma * cosmology.h**2 == pytest.approx(2.4728e-5, rel=1e-4)  # the digits quoted
    assert cosmology.Omega_ur / cosmology.Omega_gamma == pytest.approx(0.6918, rel=1e-4)


def test_a_flat_universe_without_lambda_is_allowed() -> None:
    """Einstein-de Sitter: Omega_Lambda is zero but for rounding."""
    eds = CosmologySettings(h=0.7, omega_b=0.049, omega_cdm=0.441, t_cmb_kelvin=0.0)
    assert abs(eds.Omega_lambda) < 1e-12
    with pytest.raises(BadInput, match=r"Omega_Lambda .* is -0\.1"):
        CosmologySettings.from_mapping({"h": 0.7, "omega_b": 0.049, "omega_cdm": 0.49, "t_cmb_kelvin": 0.0})


def test_members_of_a_pair_differ_in_the_theory_alone() -> None:
    study = StudyConfig.preset("demo")
    newton, gr = (study.run_settings(theory, 3) for theory in ("newton", "gr"))
    assert newton.hash() != gr.hash()
    assert newton.hash("theory") == gr.hash("theory")


def test_a_study_prints_in_three_lines() -> None:
    study = StudyConfig.preset("demo").resized(grid=16, pairs=6)
    assert repr(study) == str(study)
    assert repr(study).splitlines() == [
        "StudyConfig 'demo-grid16-pairs6': 6 pairs, seeds 1 to 6",
        "  16^3 cells of 20 Mpc/h, spectral mesh, growing-mode start",
        "  from z = 100, fields kept at z = 10, 1",
    ]


def test_the_tiling_fills_the_grid() -> None:
    assert SimulationSettings(grid=32).tiling_factor == 8
    assert SimulationSettings(grid=32, template="fcc").tiling_factor == 16
    assert SimulationSettings(grid=32, tiling=4).tiling_factor == 4


def test_every_setting_says_what_it_is() -> None:
    """A key is self-explaining only to who named it: choices, flags and numbers carry a description or a unit."""
    missing = [
        f"{table}.{key}"
        for table, field in StudyConfig.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings)
        for key, setting in field.annotation.model_fields.items()
        if not setting.description
    ]
    assert missing == []


def test_a_run_folder_knows_its_paths_and_touches_nothing(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    assert folder.member(42, "gr") == tmp_path / "run" / "pairs" / "seed00042" / "gr"
    assert folder.report.parent == folder.root
    assert not folder.root.exists()


SPECTRAL = {"mesh": "spectral", "start": "growing-mode", "transfer": "eisenstein-hu"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"phi_integrator": "euler"}, "phi_integrator is 'euler' but mesh is 'spectral', expected 'second-order'"),
        ({"mesh": "staggered"}, "start is 'growing-mode' but mesh is 'staggered', expected mesh = 'spectral'"),
        (
            {"transfer": "file", "transfer_file": "tk.dat", "newton_velocities": "poisson"},
            "start is 'growing-mode' but transfer is 'file', .*expected start = 'linear'",
        ),
        (
            {"transfer": "camb", "radiation": False},
            "radiation is false but transfer 'camb' .*expected radiation = true, start = 'linear' or transfer =",
        ),
        ({"start": "linear", "f_nl": 3.0}, "f_nl is 3 but the start is 'linear', expected start = 'growing-mode'"),
    ],
)
def test_what_a_start_at_second_order_needs(values: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        SimulationSettings.from_mapping(SPECTRAL | values)


@pytest.mark.parametrize(
    "values", [{}, {"f_nl": -20.0}, {"transfer": "camb"}, {"transfer": "camb", "baryon_treatment": "hybrid"},
               {"start": "linear"}]
)  # fmt: skip
def test_what_a_start_at_second_order_allows(values: dict[str, object]) -> None:
    SimulationSettings.from_mapping(SPECTRAL | values)


def test_a_start_from_a_snapshot_ignores_what_the_start_is() -> None:
    values = {
        "mesh": "staggered", "phi_integrator": "euler", "initial_conditions": "snapshot", "particle_file": "p.h5",
        "radiation": False,
    }  # fmt: skip
    one, other = (SimulationSettings.from_mapping(values | {"start": start}) for start in ("linear", "growing-mode"))
    assert one.identity() == other.identity()
    assert one.beginning(False)["start"] == other.beginning(False)["start"] == "snapshot"
    with pytest.raises(BadInput, match="f_nl is 1 but the start is a snapshot"):
        SimulationSettings.from_mapping(values | {"start": "growing-mode", "f_nl": 1.0})


def without_mesh_and_start(study: StudyConfig) -> str:
    """The text of a study.toml as it was written before there was a choice of either."""
    lines = study.to_toml().splitlines()
    kept = [line for line in lines if line.split(" = ")[0] not in ("mesh", "start", "f_nl", "fixed_amplitude")]
    assert len(kept) == len(lines) - 4
    return "\n".join(kept) + "\n"


def test_a_record_from_before_mesh_and_start_is_staggered_and_linear(tmp_path: Path) -> None:
    """Of a run folder, that is; in a file that a person wrote an absent key means the default."""
    old = StudyConfig.from_mapping({"simulation": {"mesh": "staggered", "start": "linear"}})
    for place in (tmp_path / "run", tmp_path / "mine"):
        place.mkdir()
        (place / "study.toml").write_text(without_mesh_and_start(old))
    (tmp_path / "run" / "pairs").mkdir()
    assert StudyConfig.from_toml(tmp_path / "run" / "study.toml") == old
    default = SimulationSettings()
    mine = StudyConfig.from_toml(tmp_path / "mine" / "study.toml").simulation
    assert (mine.mesh, mine.start) == (default.mesh, default.start)


def test_a_record_is_read_by_what_was_and_not_by_todays_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of the two the default is: here what was is made the other one."""
    monkeypatch.setattr("weakfield.config.study.BEFORE", {"mesh": "spectral", "start": "growing-mode"})
    (tmp_path / "study.toml").write_text(without_mesh_and_start(StudyConfig()))
    (tmp_path / "provenance.json").write_text("{}")
    found = StudyConfig.from_toml(tmp_path / "study.toml").simulation
    assert (found.mesh, found.start) == ("spectral", "growing-mode")


@pytest.mark.parametrize("base", ["/elsewhere/x", "../../x", "a\\b", "a\0b", "..", ".", "", "x" * 101])
@pytest.mark.parametrize("key", ["snapshot_base", "spectra_base", "generic_base"])
def test_files_stay_in_the_run_folder(key: str, base: str) -> None:
    if key == "generic_base" and base == "":  # what a settings.ini without that key asks for
        assert StudyConfig.from_mapping({"output": {key: base}}).output.generic_base == ""
        return
    with pytest.raises(BadInput, match=rf"output.{key}: found .* expected the first part of a file name"):
        StudyConfig.from_mapping({"output": {key: base}})


@pytest.mark.parametrize("name", ["..", ".hidden", "a/b", "x" * 101])
def test_the_name_of_a_study_is_that_of_a_folder(name: str) -> None:
    with pytest.raises(BadInput, match="key 'name' is"):
        StudyConfig.from_mapping({"name": name})
