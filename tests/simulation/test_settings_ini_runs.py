"""Whole runs of settings.ini files as people have them: what is written where, and what runs at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import weakfield as wf
from weakfield.formats.background_text import read_background_text

TEXT = """\
template file = sc1_crystal.dat
tiling factor = 2
transfer = eisenstein-hu
seed = 11
h = 0.67556
omega_b = 0.022032
omega_cdm = 0.12038
T_cmb = 2.7255
N_ur = 3.046
A_s = 2.215e-9
n_s = 0.9619
k_pivot = 0.05
initial redshift = 100
boxsize = 320
Ngrid = 8
Courant factor = 48
time step limit = 0.04
gravity theory = GR
output path = output
generic file base = lcdm
snapshot redshifts = 60
snapshot outputs = phi
Pk redshifts = 60
Pk outputs = phi, delta
"""


def written(folder: Path, text: str) -> list[Path]:
    """The files of a run, whose output goes into ``folder``/output."""
    (folder / "settings.ini").write_text(text)
    return wf.simulate(folder / "settings.ini", folder / "output")


@pytest.mark.parametrize("theory", ["GR", "N"])
def test_no_fluctuations_are_a_homogeneous_run(tmp_path: Path, theory: str) -> None:
    paths = written(tmp_path, TEXT.replace("A_s = 2.215e-9", "A_s = 0").replace("= GR", f"= {theory}"))
    phi, attributes = wf.load_field(tmp_path / "output" / "snapshot000_phi.h5")
    assert attributes["theory"] == ("gr" if theory == "GR" else "newton")
    assert float((phi - phi.mean()).abs().max()) == 0.0  # nothing to grow from
    table = np.loadtxt(next(path for path in paths if path.name == "pk000_delta.dat"))
    assert np.abs(table[:, 1]).max() < 1e-25  # rounding of the density


def test_redshifts_without_outputs_leave_the_background(tmp_path: Path) -> None:
    text = TEXT.replace("snapshot outputs", "# snapshot outputs").replace("Pk outputs = phi, delta", "Pk outputs =")
    with pytest.warns(UserWarning, match="'Pk outputs' is not given"):
        paths = written(tmp_path, text)
    assert [path.name for path in paths] == ["lcdm_settings_used.ini", "lcdm_background.dat"]
    whole = written(tmp_path, TEXT)
    assert [path.name for path in whole[2:]] == ["snapshot000_phi.h5", "pk000_phi.dat", "pk000_delta.dat"]
    a = read_background_text(tmp_path / "output" / "lcdm_background.dat")["a"]
    assert 1 / a[-1] < 61.0 < 1 / a[-2]


def test_the_settings_that_were_used_lie_beside_the_output(tmp_path: Path) -> None:
    text = TEXT.replace("h = 0.67556", "H0 = 67.556 # Planck") + "root = class_\nseed = 12\n"
    with pytest.warns(UserWarning, match="settings.ini: ") as caught:
        paths = written(tmp_path, text)
    assert {str(w.message).split("settings.ini: ")[1] for w in caught} == {
        "'seed' is given again, the first value is used",
        "'H0' is '67.556', so h = 0.67556",
    }
    used = tmp_path / "output" / "lcdm_settings_used.ini"
    assert paths[0] == used
    assert used.read_text() == TEXT.replace("H0", "h")
    phi = wf.load_field(paths[2])[0]
    assert wf.simulate(used, tmp_path / "output")[0] == used  # a run by the settings of a finished one
    assert used.read_text() == TEXT
    assert bool((wf.load_field(paths[2])[0] == phi).all())


def test_a_universe_in_memory_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "settings.ini").write_text(TEXT.replace("h = 0.67556", "H0 = 67.556"))
    with pytest.warns(UserWarning, match=r"'H0' is '67.556', so h = 0.67556"):
        universe = wf.Simulation(tmp_path / "settings.ini")
    assert universe.settings.cosmology.h == pytest.approx(0.67556)


@pytest.mark.slow
def test_settings_of_a_build_linked_to_class(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="transfer functions are those of CAMB"):
        paths = written(tmp_path, TEXT.replace("transfer = eisenstein-hu\n", ""))
    linked = wf.load_field(paths[2])[0]
    asked = wf.load_field(written(tmp_path, TEXT.replace("eisenstein-hu", "camb"))[2])[0]
    assert bool((linked == asked).all())
