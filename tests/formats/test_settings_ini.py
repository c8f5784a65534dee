"""settings.ini: what it implies, every alias, and every refusal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from weakfield.base.errors import BadInput
from weakfield.config import RunSettings
from weakfield.config.species import chi_switch, neutrino_switches
from weakfield.formats import IniRun, read_settings_ini
from weakfield.formats.ini_keys import KEYS
from weakfield.formats.ini_others import WITHOUT_EFFECT, is_for_class

DATA = Path(__file__).parents[1] / "data"
MINIMAL = {
    "template file": "sc1_crystal.dat",
    "tiling factor": "4",
    "Tk file": str(DATA / "tk_z100.dat"),
    "initial redshift": "100",
    "boxsize": "320",
    "Ngrid": "16",
    "T_cmb": "2.7255",
    "omega_b": "0.022032",
    "omega_cdm": "0.12038",
}


def read(tmp_path: Path, **changes: str | None) -> IniRun:
    """A minimal file with some keys changed, or left out where None."""
    values = MINIMAL | changes
    path = tmp_path / "settings.ini"
    path.write_text("".join(f"{key} = {value}\n" for key, value in values.items() if value is not None))
    return read_settings_ini(path)


def settings_of(tmp_path: Path, **changes: str | None) -> RunSettings:
    return read(tmp_path, **changes).settings


def test_the_reference_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DATA)
    run = read_settings_ini("stock16_newton/settings.ini")
    assert run.warnings == ()
    assert run.output_path == Path("output")
    settings, simulation, cosmology = run.settings, run.settings.simulation, run.settings.cosmology
    assert (settings.theory, settings.seed) == ("newton", 42)
    assert (simulation.grid, simulation.box_size_mpch, simulation.initial_redshift) == (16, 320.0, 100.0)
    assert (simulation.courant_factor, simulation.step_limit_hubble) == (48.0, 0.04)
    assert (simulation.template, simulation.template_file, simulation.tiling_factor) == ("sc1", None, 4)
    assert (simulation.transfer, simulation.transfer_file) == ("file", DATA / "tk_z100.dat")
    assert (simulation.noise, simulation.newton_velocities, simulation.transfer_nodes) == (
        "gevolution",
        "poisson",
        "class",
    )
    assert (simulation.second_order_terms, simulation.precision) == (False, "double")
    assert (simulation.correct_displacement, simulation.k_domain) == (True, "sphere")
    assert simulation.snapshot_redshifts == (101.0, 50.0, 10.0, 1.0)
    assert simulation.snapshot_fields == ("phi", "chi", "B", "T00", "hij")
    assert simulation.snapshot_particles
    assert (simulation.spectra_redshifts, simulation.spectra_fields) == ((50.0, 10.0, 1.0), ("phi", "delta"))
    assert (settings.output.generic_base, settings.output.snapshot_base, settings.output.dtype) == (
        "lcdm",
        "snap",
        "float64",
    )
    assert (cosmology.h, cosmology.omega_b, cosmology.omega_cdm, cosmology.n_ur) == (0.67556, 0.022032, 0.12038, 3.046)
    assert read_settings_ini("stock16_gr/settings.ini").settings.theory == "gr"
    elliptic = read_settings_ini("stock16_gr_elliptic/settings.ini").settings
    assert elliptic.simulation.vector_method == "elliptic"


def test_defaults_are_the_reference_programs(tmp_path: Path) -> None:
    run = read(tmp_path)
    simulation, output = run.settings.simulation, run.settings.output
    assert (run.settings.theory, run.settings.seed) == ("gr", 0)
    assert (simulation.courant_factor, simulation.step_limit_hubble) == (1.0, 1.0)
    assert (simulation.correct_displacement, simulation.k_domain, simulation.baryon_treatment) == (
        False,
        "cube",
        "blend",
    )
    assert (simulation.vector_method, simulation.spectra_bins, simulation.relaxation_redshift) == (
        "parabolic",
        64,
        None,
    )
    assert (output.generic_base, output.snapshot_base, output.spectra_base) == ("", "snapshot", "pk")
    assert (simulation.snapshot_redshifts, simulation.spectra_redshifts) == ((), ())
    assert (run.settings.cosmology.h, run.settings.cosmology.n_ur) == (0.67556, 3.046)
    assert run.output_path == Path(".")


def test_syntax(tmp_path: Path) -> None:
    path = tmp_path / "settings.ini"
    lines = ["# a comment", "no assignment here", *(f"{key}={value}   # why" for key, value in MINIMAL.items())]
    path.write_text("\n".join([*lines, "seed = 3", "seed = 4", "  boxsize  =  99", "Seed = 7"]))
    run = read_settings_ini(path)
    assert run.settings.seed == 3
    assert run.settings.simulation.box_size_mpch == 320.0
    assert len(run.warnings) == 3
    assert "unknown key 'Seed' is ignored; did you mean 'seed'?" in run.warnings[0]
    assert "'seed' is given again" in run.warnings[1]


def test_cosmology_by_other_names(tmp_path: Path) -> None:
    by_default = settings_of(tmp_path).cosmology
    h = by_default.h
    renamed = settings_of(
        tmp_path,
        omega_b=None,
        omega_cdm=None,
        T_cmb=None,
        Omega_b=repr(by_default.Omega_b),
        Omega_cdm=repr(by_default.Omega_c),
        Omega_g=repr(by_default.Omega_gamma),
        Omega_ur=repr(by_default.Omega_ur),
    ).cosmology
    for name in ("omega_b", "omega_cdm", "t_cmb_kelvin", "n_ur"):
        assert getattr(renamed, name) == pytest.approx(getattr(by_default, name), rel=1e-12)
    small = settings_of(tmp_path, T_cmb=None, omega_g=repr(by_default.Omega_gamma * h**2), N_eff="2.5").cosmology
    assert small.t_cmb_kelvin == pytest.approx(2.7255, rel=1e-12)
    assert small.n_ur == 2.5
    filled = settings_of(tmp_path, omega_cdm=None).cosmology
    assert filled.Omega_lambda == pytest.approx(0.0, abs=1e-12)


def test_outputs_by_other_names(tmp_path: Path) -> None:
    simulation = settings_of(
        tmp_path,
        **{
            "snapshot redshifts": "1, 20 ,5",
            "snapshot outputs": "GW, rho, pcls, T00",
            "Pk redshifts": "0",
            "Pk outputs": "D_s,hij",
            "Pk bins": "1024",
        },
    ).simulation
    assert simulation.snapshot_redshifts == (20.0, 5.0, 1.0)
    assert simulation.snapshot_fields == ("hij", "T00")
    assert (simulation.spectra_fields, simulation.spectra_bins) == (("delta", "hij"), 1024)


def test_our_own_keys(tmp_path: Path) -> None:
    simulation = settings_of(
        tmp_path, **{"second order terms": "yes", "noise": "hermitian", "precision": "single", "transfer": "camb"}
    ).simulation
    assert (simulation.second_order_terms, simulation.noise, simulation.precision) == (True, "hermitian", "single")
    assert (simulation.transfer, simulation.newton_velocities) == ("camb", "nbody")
    assert (
        read(tmp_path, **{"transfer": "eisenstein-hu", "Tk file": None}).settings.simulation.transfer == "eisenstein-hu"
    )


def test_files_are_looked_for_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, beside = tmp_path / "here", tmp_path / "beside"
    here.mkdir()
    beside.mkdir()
    monkeypatch.chdir(here)
    (beside / "tk.dat").write_text("beside")
    assert settings_of(beside, **{"Tk file": "tk.dat"}).simulation.transfer_file == beside / "tk.dat"
    (here / "tk.dat").write_text("here")
    assert settings_of(beside, **{"Tk file": "tk.dat"}).simulation.transfer_file == here / "tk.dat"
    (beside / "sc1_crystal.dat").write_bytes(b"a file of that name comes first")
    simulation = settings_of(beside).simulation
    assert (simulation.template_file, simulation.tiling_factor) == (beside / "sc1_crystal.dat", 4)
    with pytest.raises(
        BadInput, match=r"'Tk file' is 'none\.dat', found neither in the working directory nor in .*beside"
    ):
        read(beside, **{"Tk file": "none.dat"})


def test_a_tiling_that_does_not_divide_the_grid_is_taken_as_by_the_reference_program(tmp_path: Path) -> None:
    simulation = settings_of(tmp_path, **{"Ngrid": "17", "tiling factor": "4"}).simulation
    assert (simulation.grid, simulation.tiling_factor) == (17, 4)


def test_keys_for_class_pass_in_silence(tmp_path: Path) -> None:
    keys = (
        "output",
        "gauge",
        "z_pk",
        "root",
        "P_k_max_h/Mpc",
        "background_verbose",
        "l_max_ur",
        "tau_reio",
        "non linear",
    )
    assert all(is_for_class(key) for key in keys)
    assert read(tmp_path, **dict.fromkeys(keys, "1")).warnings == ()


def test_unknown_keys_are_warned_of(tmp_path: Path) -> None:
    (warning,) = read(tmp_path, **{"courant factor": "48"}).warnings
    assert "unknown key 'courant factor' is ignored; did you mean 'Courant factor'?" in warning
    (warning,) = read(tmp_path, **{"snapshot outputs": "phi"}).warnings
    assert "'snapshot redshifts' is not given" in warning


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("N_ncdm", "1"),
        ("IC generator", "prevolution"),
        ("Pk outputs", "multi-Gadget2"),
        ("snapshot outputs", "theta"),
        ("snapshot outputs", "delta"),
        ("Pk outputs", "Tij"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(BadInput, match=f"'{key}' (is|asks for) '{value}'") as caught:
        read(tmp_path, **{key: value})
    assert "settings.ini" in str(caught.value)


def test_harmless_values_of_the_same_keys(tmp_path: Path) -> None:
    harmless = {
        "radiation treatment": "background",
        "N_ncdm": "0",
        "IC generator": "basic",
        "tracer factor": "1, 1",
        "downgrade factor": "1",
        "lightcone file base": "cone",
        "Omega_fld": "0.7",  # a cosmological constant, with w0 = -1
        "w0_fld": "-1",
    }
    assert read(tmp_path, **harmless).warnings == ()


def test_a_fluid_of_dark_energy(tmp_path: Path) -> None:
    fluid: dict[str, str | None] = {"Omega_fld": "0.6", "w0_fld": "-0.9", "wa_fld": "0.1"}
    found = settings_of(tmp_path, **fluid)
    assert found.cosmology.Omega_fld == pytest.approx(0.6)
    assert (found.cosmology.w0_fld, found.cosmology.wa_fld, found.cosmology.cs2_fld) == (-0.9, 0.1, 1.0)
    assert (found.linear_fluid, found.simulation.fluid_density) == (False, "gevolution")
    perturbed = read(tmp_path, **fluid, **{"fluid treatment": "CLASS", "Tk file": None})
    assert perturbed.settings.linear_fluid
    assert not perturbed.settings.simulation.linear_radiation
    assert any("without 'wa_fld', as in gevolution" in note for note in perturbed.notes)
    as_lambda = read(tmp_path, **fluid | {"w0_fld": "-1"})
    assert not as_lambda.settings.cosmology.has_fluid
    assert any("with w0_fld = -1 the fluid is Lambda" in warning for warning in as_lambda.warnings)
    with pytest.raises(BadInput, match="key 'omega_cdm' is missing, expected it beside a fluid"):
        read(tmp_path, **fluid, omega_cdm=None)


@pytest.mark.parametrize("key", ["boxsize", "Ngrid", "initial redshift", "template file", "Tk file"])
@pytest.mark.parametrize("value", [None, ""])
def test_missing_keys(tmp_path: Path, key: str, value: str | None) -> None:
    with pytest.raises(BadInput, match=f"settings.ini: key '{key}' is missing"):
        read(tmp_path, T_cmb="0", **{key: value})  # without photons CAMB cannot stand in for a Tk file


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("boxsize", "wide", "'boxsize' is 'wide', expected a number"),
        ("Ngrid", "16.5", "'Ngrid' is '16.5', expected a whole number"),
        ("tiling factor", "four", "'tiling factor' is 'four', expected a whole number"),
        ("gravity theory", "Mewton", "expected GR or Newton; did you mean 'Newton'?"),
        ("correct displacement", "maybe", "expected yes or no"),
        ("template file", "sc2_crystal.dat", "neither a file nor one of .*did you mean"),
        ("snapshot redshifts", "1; 2", "expected numbers separated by commas"),
        ("Pk outputs", "phj", "asks for 'phj', which is unknown"),
        ("boxsize", "-5", "key 'boxsize' is -5.0, expected greater than 0"),
        ("boxsize", "nan", "key 'boxsize' is nan, expected a finite number"),
        ("omega_cdm", "0.9", "Omega_Lambda"),
    ],
)
def test_malformed_values(tmp_path: Path, key: str, value: str, message: str) -> None:
    extra = {"snapshot outputs": "phi"} if key == "snapshot redshifts" else {}
    with pytest.raises(BadInput, match=message.replace("?", r"\?")) as caught:
        read(tmp_path, **{key: value}, **extra)
    assert "settings.ini" in str(caught.value)


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such settings file"):
        read_settings_ini(tmp_path / "none.ini")
    (tmp_path / "binary.ini").write_bytes(b"\x89HDF\xff\xfe")
    with pytest.raises(BadInput, match="not a text file"):
        read_settings_ini(tmp_path / "binary.ini")


def test_snapshots_in_every_form(tmp_path: Path) -> None:
    simulation = settings_of(
        tmp_path,
        **{
            "snapshot redshifts": "10",
            "snapshot outputs": "Pot, p, Tij, rhoN, Gadget2, pcls",
            "Pk redshifts": "10",
            "Pk outputs": "deltaN, D_s, psiN",
            "tracer factor": "8, 4",
            "downgrade factor": "2",
        },
    ).simulation
    assert simulation.snapshot_fields == ("psiN", "p", "Tij", "rhoN")
    assert simulation.spectra_fields == ("deltaN", "delta", "psiN")
    assert (simulation.snapshot_gadget, simulation.snapshot_particles) == (True, True)
    assert (simulation.tracer_factor, simulation.downgrade_factor) == (8, 2)
    with pytest.raises(BadInput, match="downgrade_factor is 3, expected a divisor of the grid 16"):
        settings_of(tmp_path, **{"downgrade factor": "3"})


def test_gadget_files_of_a_multiple_snapshot(tmp_path: Path) -> None:
    for word, keys, files in (
        ("multi-Gadget2", {"gadget files": "4"}, 4),
        ("Gadget2, multi-gadget", {}, 1),  # the several files win
        ("Gadget2", {"gadget files": "4"}, 0),
    ):
        given = {"snapshot redshifts": "10", "snapshot outputs": word, **keys}
        simulation = settings_of(tmp_path, **given).simulation
        assert (simulation.snapshot_gadget, simulation.gadget_files) == (True, files)
    with pytest.raises(BadInput, match="'gadget files' is '0', expected a whole number above 0"):
        settings_of(tmp_path, **{"snapshot redshifts": "10", "snapshot outputs": "multi-Gadget2", "gadget files": "0"})


def test_a_matter_spectrum_instead_of_transfer_functions(tmp_path: Path) -> None:
    (tmp_path / "pk.dat").write_text("1 1\n")
    simulation = settings_of(tmp_path, **{"Tk file": None, "mPk file": "pk.dat"}).simulation
    assert (simulation.transfer, simulation.transfer_file) == ("spectrum", tmp_path / "pk.dat")
    assert not simulation.linear_radiation
    with pytest.raises(BadInput, match="both 'Tk file' and 'mPk file'"):
        settings_of(tmp_path, **{"mPk file": "pk.dat"})
    with pytest.raises(BadInput, match=r"'mPk file' is 'nowhere\.dat', found neither"):
        settings_of(tmp_path, **{"Tk file": None, "mPk file": "nowhere.dat"})


def test_a_start_from_files(tmp_path: Path) -> None:
    for name in ("snap_cdm", "snap_phi.h5", "snap_chi.h5"):
        (tmp_path / name).write_bytes(b"")
    keys: dict[str, str | None] = {"IC generator": "read from disk", "particle file": "snap_cdm", "Tk file": None}
    simulation = settings_of(tmp_path, **keys | {"template file": None, "baryon treatment": "hybrid"}).simulation
    assert (simulation.initial_conditions, simulation.particle_file) == ("snapshot", tmp_path / "snap_cdm")
    assert (simulation.initial_redshift, simulation.metric_files, simulation.linear_radiation) == (100.0, (), False)
    more = {"metric file": "snap_phi.h5, snap_chi.h5", "restart redshift": "9.5", "dtau": "0.02"}
    simulation = settings_of(tmp_path, **keys | more).simulation
    assert simulation.metric_files == (tmp_path / "snap_phi.h5", tmp_path / "snap_chi.h5")
    assert (simulation.initial_redshift, simulation.relaxation_redshift) == (9.5, 100.0)
    assert simulation.particle_step == 0.02
    going_on = more | {"cycle": "57", "tau": "12.5"}
    simulation = settings_of(tmp_path, **keys | going_on).simulation
    assert (simulation.restart_cycle, simulation.restart_tau) == (57, 12.5)
    simulation = settings_of(tmp_path, **keys | going_on | {"cycle": "-1", "tau": "0"}).simulation
    assert (simulation.restart_cycle, simulation.restart_tau) == (None, None)
    (warning,) = read(tmp_path, **keys | {"tau": "12.5"}).warnings
    assert "'tau' is '12.5', which is not used without 'cycle'" in warning
    for key, value, message in (
        ("cycle", "57", "restart_cycle is given but particle_step is 0"),
        ("cycle", "5.7", "'cycle' is '5.7', expected a whole number"),
        ("gevolution version", "1.0", "the metric of versions before 1.1 is not supported"),
        ("particle file", "a, b", "names 2 files, expected 1"),
        ("metric file", "b.h5", "'metric file' is 'b.h5', found neither"),
    ):
        with pytest.raises(BadInput, match=message):
            settings_of(tmp_path, **keys | {key: value})


def test_restart_files(tmp_path: Path) -> None:
    output = settings_of(tmp_path).output
    assert (output.checkpoint_every, output.checkpoint_path, output.hibernation_redshifts) == (0, None, ())
    keys = {"hibernation redshifts": "5, 20", "hibernation wallclock limit": "60", "checkpoint every": "10"}
    output = settings_of(tmp_path, **keys | {"hibernation path": "kept"}).output
    assert output.hibernation_redshifts == (20.0, 5.0)
    assert (output.hibernation_wallclock_s, output.checkpoint_every) == (60.0, 10)
    assert output.checkpoint_path == Path("kept/restart.npz")


def test_files_of_a_run_made_elsewhere(tmp_path: Path) -> None:
    keys: dict[str, str | None] = {"Tk file": "gone.dat", "template file": "glass.dat"}
    path = tmp_path / "settings.ini"
    with pytest.raises(BadInput):
        settings_of(tmp_path, **keys)
    simulation = read_settings_ini(path, need_files=False).settings.simulation
    assert (simulation.transfer_file, simulation.template_file) == (tmp_path / "gone.dat", tmp_path / "glass.dat")


#: every key of the reference program, with a value that asks for nothing unusual
ALL_KEYS = {
    "IC generator": "basic", "fluid treatment": "background", "radiation treatment": "background",
    "relaxation redshift": "50", "prevolution redshift": "1000", "prevolution Courant factor": "1",
    "restart redshift": "10", "cycle": "3", "tau": "1", "dtau": "0.1", "gevolution version": "1.2",
    "particle file": "a", "metric file": "b", "Courant factor": "48", "time step limit": "0.04", "move limit": "2",
    "gravity theory": "GR", "vector method": "elliptic", "switch delta_rad": "0", "switch delta_ncdm": "0",
    "switch linear chi": "0", "switch B ncdm": "0", "N_ur": "3.046", "m_ncdm": "0", "N_ncdm": "0", "T_ncdm": "0.7",
    "deg_ncdm": "1", "Omega_fld": "0.7", "w0_fld": "-1", "wa_fld": "0", "cs2_fld": "1", "output path": "out",
    "generic file base": "lcdm", "snapshot file base": "snap", "Pk file base": "pk", "lightcone file base": "lc",
    "snapshot redshifts": "10", "snapshot outputs": "phi", "Pk redshifts": "10", "Pk outputs": "phi", "Pk bins": "32",
    "tracer factor": "1", "downgrade factor": "1", "hibernation path": "h", "hibernation file base": "r",
    "hibernation redshifts": "5", "hibernation wallclock limit": "100", "seed": "1", "correct displacement": "yes",
    "k-domain": "cube", "baryon treatment": "blend", "A_s": "2e-9", "n_s": "0.96", "k_pivot": "0.05", "h": "0.7",
}  # fmt: skip


def test_every_key_of_the_reference_program_is_known(tmp_path: Path) -> None:
    assert read(tmp_path, **ALL_KEYS).warnings == ()
    page = (DATA.parents[1] / "docs" / "settings_ini.md").read_text()
    missing = [key for key in sorted({*ALL_KEYS, *KEYS, *WITHOUT_EFFECT}) if f"`{key}`" not in page]
    assert missing == []


def test_one_source_of_linear_theory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = read(tmp_path, **{"radiation treatment": "CLASS"})
    assert any("the start is that of the file, and linear fields are those of CAMB" in text for text in both.warnings)
    apart = both.settings.simulation
    assert (apart.transfer, apart.linear_radiation, apart.newton_velocities) == ("file", True, "poisson")
    with pytest.raises(BadInput, match="'mPk file' is given and 'radiation treatment' is 'CLASS'"):
        read(tmp_path, **{"radiation treatment": "CLASS", "Tk file": None, "mPk file": str(DATA / "mpk_z100.dat")})
    linked = settings_of(tmp_path, **{"radiation treatment": "CLASS", "Tk file": None}).simulation
    assert (linked.transfer, linked.transfer_nodes, linked.linear_radiation) == ("camb", "class", True)
    chosen = settings_of(tmp_path, **{"radiation treatment": "CLASS", "transfer": "class"}).simulation
    assert (chosen.transfer, chosen.newton_velocities) == ("class", "nbody")
    switched = settings_of(
        tmp_path, **{"transfer": "camb", "switch delta_rad": "30", "switch linear chi": "5"}
    ).simulation
    assert (switched.linear_radiation, switched.switch_delta_rad, switched.switch_linear_chi) == (False, 30.0, 5.0)
    by_camb = read(tmp_path, **{"Tk file": None})
    simulation = by_camb.settings.simulation
    assert (simulation.transfer, simulation.transfer_nodes, simulation.linear_radiation) == ("camb", "class", False)
    assert any("transfer functions are those of CAMB" in note for note in by_camb.notes)
    for key, what in (("omega_b", "baryons"), ("T_cmb", "photons")):
        with pytest.raises(BadInput, match=f"'Tk file' is missing, and there is no 'mPk file'; CAMB, .*needs {what}"):
            read(tmp_path, **{"Tk file": None, key: "0"})
    monkeypatch.setattr("weakfield.formats.settings_ini.find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"'Tk file' is missing, and there is no 'mPk file'; CAMB, .*not installed"):
        read(tmp_path, **{"Tk file": None})


def test_without_our_keys_a_file_is_the_reference_programs(tmp_path: Path) -> None:
    """Whatever the defaults of studies are."""
    settings = settings_of(tmp_path)
    simulation = settings.simulation
    assert (simulation.mesh, simulation.start, simulation.f_nl) == ("staggered", "linear", 0.0)
    assert (settings.inverted, simulation.fixed_amplitude) == (False, False)


def test_mesh_start_and_seeds_by_our_keys(tmp_path: Path) -> None:
    keys = {
        "mesh": "spectral", "start": "growing-mode", "f_nl": "-5", "inverted": "yes", "fixed_amplitude": "yes",
        "phi integrator": "second-order", "transfer": "eisenstein-hu",
    }  # fmt: skip
    settings = settings_of(tmp_path, **keys)
    simulation = settings.simulation
    assert (simulation.mesh, simulation.start, simulation.f_nl) == ("spectral", "growing-mode", -5.0)
    assert (settings.inverted, simulation.fixed_amplitude) == (True, True)
    for key, value, said in (
        ("inverted", "true", "'inverted' is 'true', expected yes or no"),
        ("mesh", "spectrum", "'mesh' is 'spectrum', expected staggered or spectral"),
        ("f_nl", "large", "'f_nl' is 'large', expected a number"),
    ):
        with pytest.raises(BadInput, match=said):
            read(tmp_path, **(keys | {key: value}))
    with pytest.raises(BadInput, match=r"settings\.ini: .*transfer is 'file', which holds one redshift"):
        read(tmp_path, **(keys | {"transfer": None}))


@pytest.mark.parametrize(
    ("key", "words", "setting", "meaning"),
    [
        ("gravity theory", ("N", "n", "newton", "Newtonian", "NEWTON"), "theory", "newton"),
        ("gravity theory", ("G", "gr", "Gr"), "theory", "gr"),
        ("k-domain", ("Sphere", "S", "spherical"), "simulation.k_domain", "sphere"),
        ("k-domain", ("Cube", "c"), "simulation.k_domain", "cube"),
        ("baryon treatment", ("Blend", "b"), "simulation.baryon_treatment", "blend"),
        ("baryon treatment", ("Hybrid", "HYBRID"), "simulation.baryon_treatment", "hybrid"),
        ("baryon treatment", ("Sample", "s"), "simulation.baryon_treatment", "sample"),
        ("baryon treatment", ("I", "ignored"), "simulation.baryon_treatment", "ignore"),
        ("vector method", ("E", "Elliptic"), "simulation.vector_method", "elliptic"),
        ("correct displacement", ("Y", "Yes", "y"), "simulation.correct_displacement", True),
        ("IC generator", ("Basic", "B"), "simulation.initial_conditions", "linear"),
        ("radiation treatment", ("Background", "ignore"), "simulation.radiation", None),
    ],
)
def test_words_are_known_by_their_first_letter(
    tmp_path: Path, key: str, words: tuple[str, ...], setting: str, meaning: object
) -> None:
    for word in words:
        run = read(tmp_path, **{key: word})
        table, _, name = setting.rpartition(".")
        assert getattr(getattr(run.settings, table) if table else run.settings, name) == meaning
        assert run.warnings == ()


def test_a_word_that_only_begins_alike_is_warned_of(tmp_path: Path) -> None:
    (warning,) = read(tmp_path, **{"vector method": "explicit"}).warnings
    assert "'vector method' is 'explicit', read as 'elliptic' by its first letter" in warning


def test_species_have_their_entries_in_lists(tmp_path: Path) -> None:
    lists = {"template file": "sc1_crystal.dat, sc0_crystal.dat", "tiling factor": "4, 8", "tracer factor": "1, 2, 3"}
    keys = {"baryon treatment": "sample", "Pk redshifts": "10", "Pk outputs": "deltaN, cross", **lists}
    simulation = settings_of(tmp_path, **keys).simulation
    assert simulation.template_of(1) == "sc0"
    assert (simulation.tiling_of(1), simulation.tracer_factor_of(1), simulation.cross_spectra) == (8, 2, True)
    alone = settings_of(tmp_path, **{**keys, "baryon treatment": "blend"}).simulation
    assert (alone.species_templates, alone.species_tilings, alone.cross_spectra) == ((), (), False)


def test_massive_neutrinos(tmp_path: Path) -> None:
    table = tmp_path / "tk.dat"
    table.write_text("")
    keys = {
        "m_ncdm": "0.06, 0.2, 0.3", "N_ncdm": "2", "T_ncdm": "0.7", "deg_ncdm": "1, 2, 3", "tiling factor": "4, 0, 8",
        "switch delta_ncdm": "20, 5", "move limit": "3", "Tk file": str(table), "omega_cdm": None, "Omega_m": "0.3",
    }  # fmt: skip
    run = settings_of(tmp_path, **keys)
    assert (run.cosmology.m_ncdm_ev, run.cosmology.t_ncdm, run.cosmology.deg_ncdm) == ((0.06, 0.2), (0.7,), (1.0, 2.0))
    assert run.cosmology.Omega_m == pytest.approx(0.3, rel=1e-12)
    simulation = run.simulation
    assert (simulation.tiling_of(1), simulation.tiling_of(2), simulation.move_limit) == (0, 8, 3.0)
    assert neutrino_switches(simulation, run.cosmology) == {"ncdm0": (20.0, 0.0), "ncdm1": (5.0, 100.0)}
    assert chi_switch(simulation, run.cosmology, newton=True) == 20.0


def test_quantities_by_every_word(tmp_path: Path) -> None:
    keys = {
        "snapshot redshifts": "10",
        "snapshot outputs": "Phi, Chi, Bi, rho, GW, rho_N, Psi_N, P, Particles, Gadget",
        "Pk redshifts": "10",
        "Pk outputs": "Phi, Ds, delta_N, pot",
    }
    simulation = settings_of(tmp_path, **keys).simulation
    assert simulation.snapshot_fields == ("phi", "chi", "B", "T00", "hij", "rhoN", "psiN", "p")
    assert (simulation.snapshot_particles, simulation.snapshot_gadget) == (True, True)
    assert simulation.spectra_fields == ("phi", "delta", "deltaN", "psiN")
    for key, word in (("Pk outputs", "multi-gadget"), ("Pk outputs", "pcls")):
        with pytest.raises(BadInput, match=f"'{key}' asks for '{word}', which (is|asks)"):
            read(tmp_path, **{key: word})


def test_a_key_without_a_value_is_absent(tmp_path: Path) -> None:
    read(tmp_path)
    path = tmp_path / "settings.ini"
    path.write_text(
        "Pk outputs =\nPk redshifts = # none\nseed =\n" + path.read_text() + "Pk outputs = phi\nPk redshifts = 3\n"
    )
    run = read_settings_ini(path)
    assert (run.settings.simulation.spectra_fields, run.settings.simulation.spectra_redshifts) == (("phi",), (3.0,))
    assert (run.settings.seed, run.warnings) == (0, ())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_encoding_of_text(tmp_path: Path, encoding: str, end: str) -> None:
    text = "template file = sc1_crystal.dat # Universit\u00e9 de Gen\u00e8ve, 5 \u00b5m" + end
    text += "".join(f"{key} = {value}{end}" for key, value in MINIMAL.items() if key != "template file")
    (tmp_path / "settings.ini").write_bytes(text.encode(encoding))
    run = read_settings_ini(tmp_path / "settings.ini")
    assert (run.settings.simulation.template, run.settings.simulation.grid, run.warnings) == ("sc1", 16, ())


def test_a_unit_after_a_number(tmp_path: Path) -> None:
    """It may be another unit than that of the key; the reference program passed it over."""
    given = {"boxsize": "320 Mpc", "Pk redshifts": "3, 1 (today)", "Pk outputs": "phi"}
    for key in ("boxsize", "Pk redshifts"):
        with pytest.raises(
            BadInput, match=f"'{key}' is '{re.escape(given[key])}', expected (a number|numbers .*) alone"
        ):
            read(tmp_path, **{"Pk outputs": "phi", key: given[key]})
    with pytest.raises(BadInput):
        read(tmp_path, **given)
    run = read_settings_ini(tmp_path / "settings.ini", finished=True)
    assert run.settings.simulation.box_size_mpch == 320.0
    assert run.settings.simulation.spectra_redshifts == (3.0, 1.0)
    assert any("'boxsize' is '320 Mpc', read as 320; a unit" in warning for warning in run.warnings)
    for value in ("1_000", "320Mpc", "0x10", "\u0663"):
        with pytest.raises(BadInput, match=r"'boxsize' is .*, expected a number"):
            read(tmp_path, boxsize=value)


def test_redshifts_without_outputs_are_gone_to(tmp_path: Path) -> None:
    run = read(tmp_path, **{"snapshot redshifts": "10, 30", "Pk redshifts": "5"})
    assert run.settings.simulation.snapshot_redshifts == (30.0, 10.0)
    assert (run.settings.simulation.snapshot_fields, run.settings.simulation.spectra_fields) == ((), ())
    assert all("though the run goes on to its last redshift" in warning for warning in run.warnings)


def test_a_limit_of_nothing_is_off(tmp_path: Path) -> None:
    for value in ("-3", "0", "-1.5e3"):
        assert settings_of(tmp_path, **{"hibernation wallclock limit": value}).output.hibernation_wallclock_s is None


def test_long_values_are_bounded(tmp_path: Path) -> None:
    for key in (
        "boxsize",
        "template file",
        "Tk file",
        "generic file base",
        "gravity theory",
        "Pk outputs",
        "m_ncdm",
        "x",
    ):
        for length in (200, 300, 100_000):
            try:
                said = read(tmp_path, **{key: "q" * length}).warnings
            except BadInput as error:
                said = (str(error),)
            assert all(len(text) < 700 for text in said)
    (tmp_path / "settings.ini").write_text("seed = 1\n" * 200_000)
    with pytest.raises(BadInput, match="has more than 1000000 bytes"):
        read_settings_ini(tmp_path / "settings.ini")


def test_the_keys_that_were_used(tmp_path: Path) -> None:
    """As the reference program does: those that had a say, in the order of the file, first value first."""
    keys = {
        "IC generator": "basic", "cycle": "3", "particle file": "a.h5", "Omega_b": "0.04827", "h": "0.67556",
        "root": "class_", "N_ncdm": "0", "prevolution redshift": "9", "w0_fld": "-1", "seed": "4", "A_s": "2e-9 # amp",
        "move limit": "2", "omega_g": "2.47282e-5",
    }  # fmt: skip
    used = dict(line.split(" = ") for line in read(tmp_path, **keys).used.splitlines())
    passed_over = {"cycle", "particle file", "Omega_b", "root", "prevolution redshift", "omega_g"}
    assert list(used) == [key for key in (MINIMAL | keys) if key not in passed_over]
    assert used["A_s"] == "2e-9"
    spectrum = {"mPk file": str(DATA / "tk_z100.dat"), "Tk file": None}
    assert "mPk file" in read(tmp_path, **spectrum).used


def test_what_was_used_means_the_same(tmp_path: Path) -> None:
    changes: list[dict[str, str | None]] = [
        {"H0": "72", "ln10^{10}A_s": "3.05", "Omega_m": "0.31", "omega_cdm": None},
        {"Omega_Lambda": "0.7", "omega_cdm": None, "Tk file": None},
        {"gravity theory": "N", "snapshot outputs": "Phi, gadget", "snapshot redshifts": "3", "boxsize": "99.5"},
        {"omega_b": None, "Omega_b": "0.05", "N_eff": "3.1", "hibernation path": "kept", "mesh": "staggered"},
        {"Omega_fld": "0.6", "w0_fld": "-0.9", "wa_fld": "0.1", "fluid treatment": "CLASS", "linear transfer": "class"},
    ]
    for change in changes:
        first = read(tmp_path, **change)
        (tmp_path / "settings.ini").write_text(first.used)
        again = read_settings_ini(tmp_path / "settings.ini")
        assert again.settings == first.settings
        assert again.used == first.used
