"""Bad files and full disks, met by the commands: exit code, one sentence, what was there before untouched."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from weakfield.cli import invoke

DATA = Path(__file__).parent / "data"
STUDY = """
name = "tiny"
[seeds]
count = 3
[cosmology]
t_cmb_kelvin = 0.0
[simulation]
grid = 8
box_size_mpch = 160.0
transfer = "eisenstein-hu"
step_limit_hubble = 0.2
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with three whole pairs."""
    folder = tmp_path_factory.mktemp("grown")
    (folder / "tiny.toml").write_text(STUDY)
    assert invoke(["simulate", str(folder / "tiny.toml"), "--out", str(folder / "run"), "--json"]) == 0
    return folder / "run"


@pytest.fixture
def run(grown: Path, tmp_path: Path) -> Path:
    """A copy of it to damage."""
    return Path(shutil.copytree(grown, tmp_path / "run"))


Capture = pytest.CaptureFixture[str]


def refused(capsys: Capture, *arguments: object) -> str:
    """The sentence of a command that must end with exit code 2."""
    capsys.readouterr()
    assert invoke([str(a) for a in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("weakfield: ")
    assert err.count("\n") == 1
    return err


FIELD = "pairs/seed00002/gr/snap001_phi.h5"


def truncate(run: Path) -> str:
    path = run / FIELD
    path.write_bytes(path.read_bytes()[:-500])
    return FIELD


def replace_by_text(run: Path) -> str:
    (run / FIELD).write_text("not a field")
    return FIELD


def replace_by_other_hdf5(run: Path) -> str:
    with h5py.File(run / FIELD, "w") as file:
        file["something"] = np.arange(3)
    return FIELD


def put_a_nan(run: Path) -> str:
    with h5py.File(run / FIELD, "r+") as file:
        name = next(iter(file))
        values = file[name][...]
        values[1, 2, 3] = np.nan
        file[name][...] = values
    return FIELD


def remove_a_field(run: Path) -> str:
    (run / FIELD).unlink()
    return FIELD


def remove_a_theory(run: Path) -> str:
    shutil.rmtree(run / "pairs/seed00002/gr")
    return "seed00002 has no 'gr'"


def alter_a_bit(run: Path) -> str:
    with h5py.File(run / FIELD, "r+") as file:
        name = next(iter(file))
        file[name][0, 0, 0] = 2 * file[name][0, 0, 0]
    return FIELD


def exchange_the_theories(run: Path) -> str:
    one, other, beside = (run / "pairs/seed00002" / name for name in ("newton", "gr", "beside"))
    one.rename(beside)
    other.rename(one)
    beside.rename(other)
    return "seed00002/newton/"


def copy_another_pair(run: Path) -> str:
    shutil.rmtree(run / "pairs/seed00002")
    shutil.copytree(run / "pairs/seed00003", run / "pairs/seed00002")
    return "seed00002/pair.json is that of seed00003"


def list_no_field(run: Path) -> str:
    path = run / "pairs/seed00002/pair.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "files": {}}))
    return "seed00002/pair.json lists no phi"


def damage_the_manifest(run: Path) -> str:
    (run / "pairs/seed00002/pair.json").write_text('{"seed": 2, "files"')
    return "seed00002/pair.json"


def empty_the_manifest(run: Path) -> str:
    (run / "pairs/seed00002/pair.json").write_text("{}")
    return "seed00002/pair.json"


DAMAGES = [
    truncate,
    replace_by_text,
    replace_by_other_hdf5,
    put_a_nan,
    remove_a_field,
    remove_a_theory,
    alter_a_bit,
    exchange_the_theories,
    copy_another_pair,
    list_no_field,
    damage_the_manifest,
    empty_the_manifest,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_pair_is_named(run: Path, damage: Callable[[Path], str], capsys: Capture) -> None:
    named = damage(run)
    for command in ("dataset", "measure"):
        said = refused(capsys, command, run)
        assert named in said
        assert f"'weakfield simulate {run}'" in said  # which mends it, see below
    assert not (run / "dataset" / "dataset.json").exists()
    assert not (run / "dataset" / "stage.json").exists()
    assert not (run / "spectra" / "stage.json").exists()


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_incomplete_pair_is_grown_again(
    run: Path, grown: Path, damage: Callable[[Path], str], capsys: Capture
) -> None:
    damage(run)
    assert invoke(["simulate", str(run)]) == 0
    assert "grown 1" in capsys.readouterr().out
    assert (run / FIELD).read_bytes() == (grown / FIELD).read_bytes()


def test_a_pair_of_other_settings_is_refused_by_name(run: Path, grown: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "other.toml").write_text(STUDY + "initial_redshift = 50.0\n")
    assert "simulation.initial_redshift = 100.0 but the study says 50.0" in refused(
        capsys, "run", tmp_path / "other.toml", "--out", run
    )
    assert contents(run) == contents(grown)


def test_an_image_that_is_not_there(run: Path, capsys: Capture) -> None:
    assert "dataset.json is missing" in refused(capsys, "index", "show", 3, "--run", run)
    assert invoke(["dataset", str(run)]) == 0
    count = 3 * 2 * 2 * 3 * 8  # seeds, theories, redshifts, axes, slices
    assert f"from 0 to {count - 1}" in refused(capsys, "index", "show", count, "--run", run)
    assert "newton, gr" in refused(capsys, "index", "find", "--seed", 1, "--theory", "einstein", "--run", run)


def test_a_transfer_table_that_does_not_cover_the_box(tmp_path: Path, capsys: Capture) -> None:
    lines = (DATA / "tk_z100.dat").read_text().splitlines(keepends=True)
    head = [line for line in lines if line.startswith("#")]
    rows = [line for line in lines if not line.startswith("#")]
    (tmp_path / "cut.dat").write_text("".join(head + rows[: len(rows) // 3]))
    table = 'start = "linear"\ntransfer = "file"\ntransfer_file = "cut.dat"\nnewton_velocities = "poisson"'
    (tmp_path / "study.toml").write_text(STUDY.replace('transfer = "eisenstein-hu"', table))
    said = refused(capsys, "simulate", tmp_path / "study.toml", "--out", tmp_path / "run")
    assert "cut.dat covers k = " in said
    assert not list((tmp_path / "run").rglob("pair.json"))
    (tmp_path / "cut.dat").unlink()
    assert "cut.dat" in refused(capsys, "simulate", tmp_path / "study.toml", "--out", tmp_path / "run")


class TestSettingsIni:
    @pytest.fixture
    def changed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
        """Write the settings of a reference case with some lines changed (``None`` removes the key)."""
        monkeypatch.chdir(tmp_path)
        shutil.copy(DATA / "tk_z100.dat", tmp_path)

        def write(**changes: str | None) -> Path:
            lines = (DATA / "stock16_gr" / "settings.ini").read_text().splitlines()
            keys = {key.replace("_", " "): value for key, value in changes.items()}
            keys = {{"omega cdm": "omega_cdm"}.get(key, key): value for key, value in keys.items()}
            kept = [line for line in lines if line.split("=")[0].strip() not in keys]
            kept += [f"{key} = {value}" for key, value in keys.items() if value is not None]
            (tmp_path / "settings.ini").write_text("\n".join(kept) + "\n")
            return tmp_path / "settings.ini"

        return write

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"boxsize": None}, "boxsize"),
            ({"Ngrid": "sixteen"}, "'sixteen'"),
            ({"boxsize": "320 Mpc"}, "'320 Mpc'"),
            ({"omega_cdm": "0.9"}, "Omega_Lambda"),
            ({"Tk_file": "absent.dat"}, "absent.dat"),
            ({"gravity_theory": "MOND"}, "MOND"),
        ],
    )
    def test_bad_settings(
        self, changed: Callable[..., Path], changes: dict[str, str | None], said: str, tmp_path: Path, capsys: Capture
    ) -> None:
        path = changed(**changes)
        assert said in refused(capsys, "simulate", path)
        assert not list(tmp_path.rglob("*.h5"))

    def test_an_unknown_key_is_a_warning_and_the_run_goes_on(
        self, changed: Callable[..., Path], tmp_path: Path, capsys: Capture
    ) -> None:
        path = changed(snapshot_redshift="1", snapshot_redshifts="200", Pk_redshifts=None, time_step_limit="0.4")
        assert invoke(["simulate", str(path)]) == 0
        out, err = capsys.readouterr()
        assert err.startswith("weakfield: warning: ")
        assert "snapshot redshift'" in err
        assert "'snapshot redshifts'" in err
        assert str(Path("output") / "lcdm_background.dat") in out
        assert (tmp_path / "output" / "snap000_phi.h5").exists()


def test_interrupted_by_hand(run: Path, capsys: Capture) -> None:
    """Ctrl-C while a pair grows: one line, exit code 130, and only whole pairs."""
    study = (run / "study.toml").read_text()
    (run / "study.toml").write_text(study.replace("count = 3", "count = 500"))
    command = [sys.executable, "-m", "weakfield", "simulate", str(run)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a job a shell put in the background ignores SIGINT, and its children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (run / "pairs/seed00004/pair.json").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err == "weakfield: interrupted; the same command continues where it stopped\n"
    for pair in (run / "pairs").glob("seed*"):
        assert (pair / "pair.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("limit", [100, 4000])
def test_a_full_disk(run: Path, grown: Path, limit: int) -> None:
    """No file may grow beyond ``limit`` bytes: less than any file of a pair, and less than a field."""
    shutil.rmtree(run / "pairs/seed00003")
    command = [sys.executable, "-m", "weakfield", "simulate", str(run)]
    full = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert (full.returncode, full.stdout) == (1, "")
    assert full.stderr.startswith("weakfield: ")
    assert full.stderr.count("\n") == 1
    assert not (run / "pairs/seed00003").exists()
    for name, before in contents(grown).items():
        if name.startswith("campaign/journal/"):  # a log: it may have grown
            assert (run / name).read_bytes().startswith(before), name
        elif "seed00003" not in name and name != "provenance.json":
            assert (run / name).read_bytes() == before, name

    assert subprocess.run(command, capture_output=True).returncode == 0
    assert contents(run).keys() == contents(grown).keys()
