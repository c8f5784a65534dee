"""Output of the reference program as pairs of a run folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import weakfield as wf
from helpers.synthetic import DATA
from helpers.synthetic import reference_output as theirs
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import file_hash, read_json
from weakfield.cli import invoke
from weakfield.config import RunFolder, SimulationSettings, StudyConfig
from weakfield.dataset.build import run as build_dataset
from weakfield.pairs import grow_pair
from weakfield.pairs.finished_runs import comparable
from weakfield.pairs.importing import import_reference, snapshot_scale_factors
from weakfield.pairs.locks import run_lock
from weakfield.spectra.measure import run as measure
from weakfield.study import run_study


def test_pairs_of_a_run_folder(tmp_path):
    paths = import_reference(theirs(theirs(tmp_path / "data"), seed=43, output="."), RunFolder(tmp_path / "run"))
    folder = RunFolder(tmp_path / "run")
    assert paths == [folder.pair(42) / "pair.json", folder.pair(43) / "pair.json"]
    manifest = read_json(folder.pair(42) / "pair.json")
    reference = np.load(DATA / "stock16_gr" / "snapshots.npz")
    for index in range(3):  # the request above the initial redshift is left out
        name = f"gr/snap{index:03d}_phi.h5"
        entry = manifest["files"][name]
        field, attributes = wf.load_field(folder.pair(42) / name)
        assert np.array_equal(field.numpy(), reference[f"phi_{index + 1}"])
        assert entry["redshift"] == attributes["redshift"] == pytest.approx(reference["z"][index + 1], abs=2e-6)
        assert (attributes["theory"], attributes["seed"], attributes["box_size_mpch"]) == ("gr", 42, 320.0)
        assert (attributes["mesh"], attributes["start"], attributes["inverted"]) == ("staggered", "linear", 0)
        assert entry == entry | {"field": "phi", "index": index, "theory": "gr"}
        assert entry["hash"] == file_hash(folder.pair(42) / name)
    assert {"newton/lcdm_background.dat", "newton/pk002_delta.dat"} <= set(manifest["files"])


@pytest.mark.slow
def test_later_stages_read_what_was_imported(tmp_path):
    data = tmp_path / "data"
    for seed in range(42, 47):
        theirs(data, seed)
    folder = RunFolder(tmp_path / "run")
    import_reference(data, folder)
    study = StudyConfig.from_toml(folder.study)
    assert (study.seeds.all, study.simulation.snapshot_redshifts) == ((42, 43, 44, 45, 46), (50.0, 10.0, 1.0))
    assert study.simulation.second_order_terms is False
    before = (folder.pair(42) / "pair.json").stat().st_mtime_ns
    grow_pair(study, 42, folder)  # nothing is grown: the pair is there
    assert (folder.pair(42) / "pair.json").stat().st_mtime_ns == before
    assert measure(study, folder)
    assert build_dataset(study, folder)["pairs"] == 5
    with pytest.raises(BadInput, match=r"no runs of seed 47, 48 lie between those of seeds 42 and 49"):
        import_reference(theirs(data, 49), folder)
    assert not folder.pair(49).exists()
    import_reference(theirs(theirs(data, 47), 48), folder)  # again: what is there stays
    assert StudyConfig.from_toml(folder.study).seeds.all == tuple(range(42, 50))
    assert (folder.pair(42) / "pair.json").stat().st_mtime_ns == before


def test_the_folder_can_be_moved_and_continued(tmp_path):
    data = theirs(tmp_path / "data")
    for ini in data.rglob("settings.ini"):
        shutil.copy(DATA / "tk_z100.dat", ini.parent)
    import_reference(data, RunFolder(tmp_path / "made"))
    shutil.rmtree(data)
    folder = RunFolder((tmp_path / "made").rename(tmp_path / "moved"))
    assert str(tmp_path) not in folder.study.read_text()
    assert (folder.root / "inputs" / "tk_z100.dat").read_bytes() == (DATA / "tk_z100.dat").read_bytes()
    starts = read_json(folder.provenance)["starts"]
    assert [start["stages"] for start in starts] == ["import"]
    (outcome,) = run_study(StudyConfig.from_toml(folder.study), folder.root, only="simulate")
    assert (outcome.status, outcome.summary["pairs"]) == ("skipped", 1)
    assert str(tmp_path) not in folder.study.read_text()


def test_a_folder_in_use(tmp_path):
    folder = RunFolder(tmp_path / "run")
    with run_lock(folder), pytest.raises(WeakfieldError, match="is in use by another weakfield"):
        import_reference(theirs(tmp_path / "data"), folder)
    assert not folder.study.exists()


def test_metric_files_lie_beside_each_run():
    run = SimulationSettings(
        mesh="staggered", start="linear", initial_conditions="snapshot", phi_integrator="euler",
        particle_file="/a/p.h5",
        metric_files=("/a/phi.h5", "/a/chi.h5"),
    )  # fmt: skip
    twin = run.model_copy(
        update={"particle_file": Path("/b/p.h5"), "metric_files": (Path("/b/phi.h5"), Path("chi.h5"))}
    )
    assert comparable(run) == comparable(twin)
    assert comparable(run) != comparable(twin.model_copy(update={"metric_files": (Path("/b/phi.h5"),)}))


def test_what_cannot_be_paired(tmp_path):
    folder = RunFolder(tmp_path / "run")
    data = theirs(tmp_path / "data", theories=("gr",))
    with pytest.raises(BadInput, match="holds no pair of runs"):
        import_reference(data, folder, skip_single=True)
    theirs(data, 7)
    with pytest.raises(BadInput, match="has no twin, expected a newton run of seed 42 too"):
        import_reference(data, folder)
    theirs(data, 10)
    with pytest.raises(BadInput, match="no runs of seed 8, 9 lie between"):
        import_reference(data, folder, skip_single=True)
    assert not folder.root.exists()
    shutil.rmtree(data / "seed10")
    assert len(import_reference(data, folder, skip_single=True)) == 1
    theirs(data / "again", 7)
    with pytest.raises(BadInput, match="are both the gr run of seed 7"):
        import_reference(data, folder, skip_single=True)
    with pytest.raises(BadInput, match="is not a folder"):
        import_reference(tmp_path / "nowhere", folder)
    settings = data / "seed7" / "gr" / "settings.ini"
    settings.write_text(settings.read_text() + "inverted = yes\n")
    with pytest.raises(BadInput, match="is a run with inverted = yes, expected runs of seeds as they are"):
        import_reference(data, folder, skip_single=True)


def test_twins_of_different_settings(tmp_path):
    data = theirs(tmp_path / "data")
    ini = data / "seed42" / "newton" / "settings.ini"
    text = ini.read_text()
    ini.write_text(text.replace("time step limit     = 0.04", "time step limit     = 0.05"))
    with pytest.raises(BadInput, match=r"has step_limit_hubble 0.04 but .* has 0.05|0.05 but .* has 0.04"):
        import_reference(data, RunFolder(tmp_path / "run"))
    ini.write_text(text)
    import_reference(data, RunFolder(tmp_path / "run"))
    for path in data.rglob("settings.ini"):
        path.write_text(path.read_text().replace("omega_b     = 0.022032", "omega_b     = 0.02"))
    with pytest.raises(BadInput, match="is a study of other settings than the runs to import"):
        import_reference(data, RunFolder(tmp_path / "run"))
    assert not list((tmp_path / "run" / "pairs").glob(".*"))


def test_damaged_output(tmp_path):
    data, folder = theirs(tmp_path / "data"), RunFolder(tmp_path / "run")
    output = data / "seed42" / "gr" / "output"
    field = (output / "snap002_phi.h5").read_bytes()
    (output / "snap002_phi.h5").write_bytes(field[:1000])
    with pytest.raises(BadInput, match=r"snap002_phi.h5 is not a whole HDF5 file"):
        import_reference(data, folder)
    (output / "snap002_phi.h5").unlink()
    with pytest.raises(BadInput, match=r"has no snap002_phi.h5, expected phi at z = 10"):
        import_reference(data, folder)
    (output / "snap002_phi.h5").write_bytes(field)
    background = (output / "lcdm_background.dat").read_text()
    (output / "lcdm_background.dat").write_text("".join(background.splitlines(True)[:30]))
    with pytest.raises(BadInput, match=r"lcdm_background.dat ends before z = 10, expected it to reach snap002_phi"):
        import_reference(data, folder)
    (output / "lcdm_background.dat").unlink()
    with pytest.raises(BadInput, match=r"no lcdm_background.dat in .*, expected the output of it"):
        import_reference(data, folder)
    assert not folder.study.exists()
    assert not list(folder.root.rglob("pair.json"))


def test_which_cycle_wrote_a_snapshot(tmp_path):
    """First cycle with 1/a < 1 + z, at most one snapshot a cycle, of the run the file ends with."""
    path = tmp_path / "lcdm_background.dat"
    rows = [(0, 0.01), (1, 0.02), (0, 0.01), (1, 0.0125), (2, 0.05), (3, 0.6666667), (4, 1.1)]
    path.write_text("# header\n" + "".join(f" {cycle} 1.0 {a:e} 1.0 0.0 0.3\n" for cycle, a in rows))
    found = snapshot_scale_factors(path, [99.0, 30.0, 25.0, 0.0], 99.0)
    assert found == [0.0125, 0.05, 0.6666667, 1.1]
    assert snapshot_scale_factors(path, [100.0, 0.5, -0.5], 99.0) == [0.01, 0.6666667]


def test_the_command(tmp_path, capsys):
    data = theirs(tmp_path / "data")
    assert invoke(["import", str(data), "--out", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'run' / 'pairs' / 'seed00042'}\n"
    theirs(data, 43)
    (data / "seed42" / "gr" / "settings.ini").unlink()
    assert invoke(["import", str(data), "--out", str(tmp_path / "other")]) == 2
    assert "has no twin, expected a gr run of seed 42 too" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
