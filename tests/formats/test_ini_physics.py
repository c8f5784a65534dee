"""Keys of a settings.ini that state physics: used, compared, refused or warned of by name, never passed over."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from weakfield.base.errors import BadInput
from weakfield.formats import IniRun, read_settings_ini

FULL = {
    "template file": "sc1_crystal.dat", "tiling factor": "4", "transfer": "camb", "initial redshift": "100",
    "boxsize": "320", "Ngrid": "16", "h": "0.67556", "omega_b": "0.022032", "omega_cdm": "0.12038", "T_cmb": "2.7255",
    "N_ur": "3.046", "A_s": "2.215e-9", "n_s": "0.9619", "k_pivot": "0.05",
}  # fmt: skip


def read(folder: Path, finished: bool = False, **changes: str | None) -> IniRun:
    """The full file with some keys changed, or left out where None."""
    path = folder / "settings.ini"
    path.write_text("".join(f"{key} = {value}\n" for key, value in (FULL | changes).items() if value is not None))
    return read_settings_ini(path, finished=finished)


def test_a_full_file_is_silent(tmp_path: Path) -> None:
    assert read(tmp_path).said == ()


@pytest.mark.parametrize(
    ("left_out", "key", "value", "setting", "expected"),
    [
        ("h", "H0", "72", "h", 0.72),
        ("A_s", "ln10^{10}A_s", "3.5", "a_s", math.exp(3.5) * 1e-10),
        ("A_s", "ln_A_s_1e10", "3.044", "a_s", math.exp(3.044) * 1e-10),
        ("omega_cdm", "Omega_m", "0.3", "omega_cdm", 0.3 * 0.67556**2 - 0.022032),
        ("omega_cdm", "omega_m", "0.14", "omega_cdm", 0.14 - 0.022032),
        ("omega_cdm", "Omega_Lambda", "0.7", "omega_cdm", None),
    ],
)
def test_names_of_class_stand_in(
    tmp_path: Path, left_out: str, key: str, value: str, setting: str, expected: float | None
) -> None:
    run = read(tmp_path, **{left_out: None, key: value})
    if expected is None:
        assert run.settings.cosmology.Omega_lambda == pytest.approx(float(value), rel=1e-12)
    else:
        assert getattr(run.settings.cosmology, setting) == pytest.approx(expected, rel=1e-12)
    (note,) = run.notes
    assert f"'{key}' is '{value}', so {left_out} = " in note
    assert run.warnings == ()
    # of a finished run the reference program used its default
    finished = read(tmp_path, finished=True, **{left_out: None, key: value})
    assert any(f"'{key}' is '{value}', which gevolution does not read" in warning for warning in finished.warnings)
    assert getattr(finished.settings.cosmology, setting) != getattr(run.settings.cosmology, setting)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("H0", "72"), ("ln10^{10}A_s", "3.5"), ("Omega_b", "0.05"), ("Omega_cdm", "0.3"), ("Omega_m", "0.3"),
        ("omega_m", "0.15"), ("Omega_Lambda", "0.72"), ("Omega_Lambda", "0"), ("N_eff", "2.046"), ("N_eff", "3"),
        ("omega_g", "2.4e-5"), ("omega_ur", "1e-5"), ("Omega_ur", "0"), ("H0", "71"),
    ],
)  # fmt: skip
def test_two_statements_that_contradict(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(BadInput, match="contradict each other; expected one of them") as caught:
        read(tmp_path, **{key: value})
    assert f"'{key}' is '{value}' but '" in str(caught.value)
    warned = read(tmp_path, finished=True, **{key: value})
    assert any(f"'{key}' is '{value}' but" in warning for warning in warned.warnings)
    assert warned.settings.cosmology == read(tmp_path).settings.cosmology


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("H0", "67.556"), ("H0", "67.6"), ("ln10^{10}A_s", "3.0978"), ("Omega_b", "0.0483"), ("Omega_m", "0.312"),
        ("Omega_m", "0.31"), ("Omega_Lambda", "0.69"), ("N_eff", "3.046"), ("omega_g", "2.473e-5"), ("Omega_k", "0"),
        ("alpha_s", "0.0"), ("P_k_ini type", "analytic_Pk"), ("ic", "ad"), ("r", "0"), ("YHe", "BBN"),
        ("w0_fld", "-1"), ("Omega_scf", "0"), ("tau_reio", "0.0925"), ("T_ncdm", "0.71611"),
    ],
)  # fmt: skip
def test_statements_that_agree_to_their_digits(tmp_path: Path, key: str, value: str) -> None:
    run = read(tmp_path, **{key: value})
    assert run.said == ()
    assert run.settings.cosmology == read(tmp_path).settings.cosmology


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("Omega_k", "0.03", "curved universe"), ("alpha_s", "-0.01", "runs"), ("P_k_ini type", "external_Pk", "power"),
        ("ic", "ad, cdi", "adiabatic"), ("Omega_scf", "0.1", "species"), ("omega_ncdm", "6e-4", "species"),
        ("N_idr", "0.2", "species"), ("Omega_dcdmdr", "0.1", "species"),
    ],
)  # fmt: skip
def test_physics_that_is_not_here(tmp_path: Path, key: str, value: str, reason: str) -> None:
    with pytest.raises(BadInput, match=f"'{key}' is '{value}', but .*{reason}"):
        read(tmp_path, **{key: value})
    assert key in "".join(read(tmp_path, finished=True, **{key: value}).warnings)


@pytest.mark.parametrize(
    ("key", "value", "instead"),
    [("sigma8", "0.8", "A_s"), ("S8", "0.83", "A_s"), ("100*theta_s", "1.04", "h"), ("theta_s_100", "1.04", "h")],
)
def test_what_is_computed_cannot_be_given_alone(tmp_path: Path, key: str, value: str, instead: str) -> None:
    (warning,) = read(tmp_path, **{key: value}).warnings
    assert f"'{key}' is '{value}', which is neither used nor compared" in warning
    with pytest.raises(BadInput, match=f"'{instead}' *$"):
        read(tmp_path, **{key: value, instead: None})


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("YHe", "0.3", "that of nucleosynthesis"), ("r", "0.1", "no primordial tensor"), ("w0_fld", "-0.9", "Lambda"),
        ("wa_fld", "0.1", "Lambda"), ("omega_k_", "1", "unknown key"),
    ],
)  # fmt: skip
def test_what_does_not_act_is_warned_of(tmp_path: Path, key: str, value: str, said: str) -> None:
    (warning,) = read(tmp_path, **{key: value}).warnings
    assert f"'{key}" in warning
    assert said in warning


def test_defaults_that_are_taken_are_said(tmp_path: Path) -> None:
    for key in ("h", "A_s", "n_s", "k_pivot", "N_ur", "omega_b", "omega_cdm", "T_cmb"):
        (note,) = read(tmp_path, **{"transfer": "eisenstein-hu", key: None}).notes
        assert f"'{key}' is not given, so it is " in note
    disk = {"IC generator": "read from disk", "particle file": "a.h5", "A_s": None, "n_s": None}
    assert read(tmp_path, finished=True, **disk).notes == ()  # the start has its amplitude


@pytest.mark.parametrize(
    "value", ["1e300", "-1e300", "1e-320", "inf", "nan", "0", "-0.0", "1e999", "word", "3 4", "1,2"]
)
@pytest.mark.parametrize(
    "key", ["h", "H0", "omega_g", "Omega_ur", "T_cmb", "ln10^{10}A_s", "Omega_m", "N_ur", "sigma8"]
)
def test_absurd_numbers_are_one_sentence(tmp_path: Path, key: str, value: str) -> None:
    alone = {"H0": "h", "omega_g": "T_cmb", "Omega_ur": "N_ur", "ln10^{10}A_s": "A_s", "Omega_m": "omega_cdm"}
    for left_out in ({}, {alone.get(key, "n_s"): None}):
        try:
            said = read(tmp_path, **left_out | {key: value}).said
        except BadInput as error:
            said = (str(error),)
        assert all("\n" not in text for text in said)
