"""Finished output of the reference program is imported as it is; the stage that lacks something says so."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

import weakfield as wf
from helpers.synthetic import reference_output as theirs
from weakfield.base.errors import BadInput
from weakfield.base.files import read_json
from weakfield.cli import invoke
from weakfield.config import RunFolder, StudyConfig
from weakfield.formats import read_settings_ini
from weakfield.pairs.importing import import_reference
from weakfield.pairs.manifest import Manifest, why_incomplete
from weakfield.study import run_study


def used_of(settings: Path) -> Path:
    """The file that the reference program writes beside the output of a run."""
    used = settings.parent / "output" / "lcdm_settings_used.ini"
    used.write_text(read_settings_ini(settings, finished=True).used)
    return used


def edited(data: Path, old: str, new: str) -> None:
    """The settings of all runs, with some text replaced."""
    for path in data.rglob("settings.ini"):
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


def imported(data: Path, root: Path) -> RunFolder:
    """The run folder, imported without a warning."""
    folder = RunFolder(root)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        import_reference(data, folder)
    return folder


def test_both_settings_files_of_a_run_are_one_run(tmp_path: Path) -> None:
    data = theirs(tmp_path / "data")
    plain = Manifest.load(imported(data, tmp_path / "plain").pair(42))
    for settings in list(data.rglob("settings.ini")):
        used_of(settings)
    both = Manifest.load(imported(data, tmp_path / "both").pair(42))
    for settings in list(data.rglob("settings.ini")):
        settings.unlink()
    alone = Manifest.load(imported(data, tmp_path / "alone").pair(42))
    assert plain.files == both.files == alone.files
    assert plain.settings == both.settings
    assert Path((alone.imported or {})["gr"]).name == "lcdm_settings_used.ini"


def test_settings_that_were_edited_after_the_run(tmp_path: Path) -> None:
    data = theirs(tmp_path / "data")
    for settings in list(data.rglob("settings.ini")):
        used_of(settings)
    edited(data, "time step limit     = 0.04", "time step limit     = 0.05")
    folder = RunFolder(tmp_path / "run")
    with pytest.warns(UserWarning, match=r"has step_limit_hubble 0.05 but .*settings_used.ini.* has 0.04; the latter"):
        import_reference(data, folder)
    assert StudyConfig.from_toml(folder.study).simulation.step_limit_hubble == 0.04


def test_two_settings_files_that_claim_one_output(tmp_path: Path) -> None:
    data = theirs(tmp_path / "data")
    place = data / "seed42" / "gr"
    shutil.copy(place / "settings.ini", place / "copy.ini")
    imported(data, tmp_path / "run")  # they say the same
    (place / "copy.ini").write_text((place / "copy.ini").read_text().replace("seed = 42", "seed = 43"))
    with pytest.raises(BadInput, match=r"settings.ini has seed 42 but .*copy.ini, of the same output, has 43"):
        import_reference(data, RunFolder(tmp_path / "other"))


def test_files_of_other_programs_are_passed_over(tmp_path: Path) -> None:
    data = theirs(tmp_path / "data")
    place = data / "seed42" / "gr" / "output"
    (place / "lcdm_classparameters.ini").write_text("h = 0.67556\nomega_b = 0.022032\noutput = dTk, vTk\n")
    settings = data / "seed42" / "gr" / "settings.ini"
    # what the program leaves when it hibernates
    text = settings.read_text().replace("IC generator = basic", "IC generator = restart").replace("GR", "G")
    restart = "\nparticle file = restart000_cdm.h5\nmetric file = restart000_phi.h5\ncycle = 12\ntau = 0.3\n"
    (place / "restart000.ini").write_text(text + restart + "restart redshift = 40\ngevolution version = 1.2\n")
    assert "restart" in (place / "restart000.ini").read_text()
    imported(data, tmp_path / "run")


@pytest.mark.parametrize("theory", ["gr", "newton"])
def test_runs_of_one_theory(tmp_path: Path, theory: str) -> None:
    data = tmp_path / "data"
    for seed in (42, 43, 44):
        theirs(data, seed, theories=(theory,))
    folder = imported(data, tmp_path / "run")
    run = wf.open(folder.root)
    pair = run.pairs[42]
    assert pair.redshifts == (50.0, 10.0, 1.0)
    assert f"Pair of seed 42: {theory} on the" in repr(pair)
    assert np.isfinite(pair.phi(theory, 1).values).all()
    other = "newton" if theory == "gr" else "gr"
    said = f"has no '{other}' run: '{theory}' alone was imported, expected both theories"
    for asked in (lambda: pair.phi(other, 1), lambda: pair.difference(1)):
        with pytest.raises(BadInput, match=said):
            asked()
    study = StudyConfig.from_toml(folder.study)
    assert why_incomplete(study, 42, folder) is None
    before = {path: path.stat().st_mtime_ns for path in folder.pairs.rglob("*")}
    assert run_study(study, folder.root, "simulate")[0].status == "skipped"  # nothing is grown over it
    for stage in ("measure", "dataset"):
        with pytest.raises(BadInput, match=f"has no '{other}' .*expected both theories"):
            run_study(study, folder.root, stage)
    assert before == {path: path.stat().st_mtime_ns for path in folder.pairs.rglob("*")}
    for seed in (42, 43, 44):
        theirs(data, seed, theories=(other,))
    with pytest.raises(BadInput, match=f"was imported without its {other} run|study of other settings"):
        import_reference(data, folder)


@pytest.mark.slow
def test_runs_with_one_redshift(tmp_path: Path) -> None:
    data = theirs(tmp_path / "data")
    edited(data, "snapshot redshifts  = 101, 50, 10, 1", "snapshot redshifts  = 1")
    for place in data.rglob("output"):
        shutil.move(place / "snap003_phi.h5", place / "snap000_phi.h5")
    folder = imported(data, tmp_path / "run")
    study = StudyConfig.from_toml(folder.study)
    assert study.dataset.redshifts == (1.0, 1.0)
    assert wf.open(folder.root).pairs[42].redshifts == (1.0,)
    (measured,) = run_study(study, folder.root, "measure")
    assert measured.status == "done"
    quantities = {line.split(",")[0] for line in (folder.spectra / "spectra.csv").read_text().splitlines()[1:]}
    assert "difference_cube" not in quantities
    assert "phi" in quantities
    with pytest.raises(BadInput, match="has one output redshift, 1, expected two for difference cubes"):
        run_study(study, folder.root, "dataset")


def test_one_redshift_is_for_studies_of_one_output() -> None:
    with pytest.raises(BadInput, match="expected the earlier"):
        StudyConfig.from_mapping({"dataset": {"redshifts": [1.0, 1.0]}})


def test_runs_that_could_not_run_here(tmp_path: Path) -> None:
    data = theirs(tmp_path / "data")
    edited(data, "snapshot outputs    = ", "snapshot outputs    = v, multi-Gadget2, ")
    for settings in data.rglob("settings.ini"):
        more = "lightcone outputs = phi\nlightcone 0 vertex = 0, 0, 0\nradiation treatment = CLASS\nOmega_k = 0.01\n"
        settings.write_text(settings.read_text() + more)
        (settings.parent / "output" / "snap001_cdm.0").write_bytes(b"part of a snapshot")
    with pytest.warns(UserWarning, match="settings.ini: ") as caught:
        import_reference(data, RunFolder(tmp_path / "run"))
    said = [str(warning.message) for warning in caught]
    assert len(said) == 3  # each once
    assert any("light cones are not imported" in text for text in said)
    assert any("'Omega_k' is '0.01', which gevolution does not read" in text for text in said)
    assert "gr/snap000_cdm.0" in read_json(RunFolder(tmp_path / "run").pair(42) / "pair.json")["files"]
    with pytest.raises(BadInput, match="a curved universe is not supported"):
        read_settings_ini(next(data.rglob("settings.ini")))


def test_no_field_is_nothing_to_import(tmp_path: Path) -> None:
    data = theirs(tmp_path / "data")
    edited(data, "snapshot outputs    = phi, chi, B, T00, hij, pcls", "snapshot outputs    = pcls")
    with pytest.raises(BadInput, match="wrote phi at no redshift between 0 and 100, expected 'phi' among"):
        import_reference(data, RunFolder(tmp_path / "run"))


class TestLinks:
    """A folder from elsewhere may point anywhere."""

    def test_files(self, tmp_path: Path) -> None:
        data = theirs(tmp_path / "data")
        field = data / "seed42" / "gr" / "output" / "snap002_phi.h5"
        shutil.move(field, tmp_path / "elsewhere.h5")
        field.symlink_to(tmp_path / "elsewhere.h5")
        with pytest.raises(BadInput, match=r"snap002_phi.h5 is a link, and import follows none"):
            import_reference(data, RunFolder(tmp_path / "run"))
        assert not list(tmp_path.rglob("pair.json"))

    def test_the_output_folder(self, tmp_path: Path) -> None:
        data = theirs(tmp_path / "data")
        output = data / "seed42" / "gr" / "output"
        shutil.move(output, tmp_path / "elsewhere")
        output.symlink_to(tmp_path / "elsewhere")
        with (
            pytest.warns(UserWarning, match="output is a link and is not followed"),
            pytest.raises(BadInput, match="output is a link, and import follows none"),
        ):
            import_reference(data, RunFolder(tmp_path / "run"))

    def test_folders_and_settings(self, tmp_path: Path) -> None:
        data = theirs(tmp_path / "data")
        theirs(tmp_path / "other", 43)
        (data / "more").symlink_to(tmp_path / "other")
        (data / "seed44.ini").symlink_to(tmp_path / "other" / "seed43" / "gr" / "settings.ini")
        with pytest.warns(UserWarning, match="is a link and is not followed") as caught:
            paths = import_reference(data, RunFolder(tmp_path / "run"))
        assert len(caught) == 2
        assert [path.parent.name for path in paths] == ["seed00042"]

    def test_tables(self, tmp_path: Path) -> None:
        data = theirs(tmp_path / "data")
        for settings in data.rglob("settings.ini"):
            (settings.parent / "tk_z100.dat").symlink_to("/etc/hostname")
        with pytest.warns(UserWarning, match="tk_z100.dat is a link and is not copied"):
            import_reference(data, RunFolder(tmp_path / "run"))
        assert not (tmp_path / "run" / "inputs").exists()


def test_output_of_our_own_settings_ini_is_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Growing two runs by settings.ini and importing them is a pair; the settings that were used suffice."""
    text = (Path(__file__).parents[2] / "examples" / "settings.ini").read_text().replace("10, 1", "90, 80")
    for theory in ("GR", "newton"):
        (tmp_path / "settings.ini").write_text(text.replace("= GR ", f"= {theory} "))
        wf.simulate(tmp_path / "settings.ini", tmp_path / "data" / theory)
        assert (tmp_path / "data" / theory / "lcdm_settings_used.ini").exists()
    assert invoke(["import", str(tmp_path / "data"), "--out", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out.endswith("seed00042\n")
