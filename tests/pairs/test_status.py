"""What a campaign will take, and how it stands, read from its folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.campaigning import start, write_study
from weakfield.cli import invoke
from weakfield.config import RunFolder, StudyConfig
from weakfield.pairs.cost import bytes_of_pair, calibrated, estimate
from weakfield.pairs.grower import grow_pair
from weakfield.pairs.journal import entries, log_failure, note
from weakfield.pairs.locks import pair_lock
from weakfield.pairs.status import Watcher, duration, rows, size


@pytest.fixture
def half(tmp_path: Path) -> tuple[StudyConfig, RunFolder]:
    """Two of four pairs are whole."""
    path = write_study(tmp_path / "study.toml")
    assert invoke(["simulate", str(path), "--out", str(tmp_path / "run"), "--seeds", "0:2"]) == 0
    return StudyConfig.from_toml(path), RunFolder(tmp_path / "run")


def test_the_status_counts(half: tuple[StudyConfig, RunFolder], capsys: pytest.CaptureFixture[str]) -> None:
    study, folder = half
    note(folder, 3, "failed", error="phi was wrong")
    log_failure(folder, 3, RuntimeError("phi was wrong"))
    watcher = Watcher(study, folder)
    seconds = [sum(json.loads((folder.pair(s) / "pair.json").read_text())["seconds"].values()) for s in (0, 1)]
    with pair_lock(folder, 2):
        now = watcher.look()
    assert (now.pairs, now.done, set(now.running), now.failed) == (4, 2, {2}, {3: "phi was wrong"})
    assert now.rate == pytest.approx(3600 * 2 / sum(seconds))  # one runs, at the mean of the two
    assert now.seconds_left == pytest.approx(2 * sum(seconds) / 2)
    files = [p for s in (0, 1) for p in folder.pair(s).rglob("*") if p.is_file() and p.name != "pair.json"]
    assert now.disk_used == sum(path.stat().st_size for path in files)
    assert now.disk_needed == pytest.approx(now.disk_used, abs=1)  # two whole, two missing
    assert ("failed", "1") in rows(now)
    later = watcher.look()
    assert (later.running, later.rate, later.seconds_left) == ({}, 0.0, None)
    grow_pair(study, 2, folder)
    assert watcher.look().done == 3

    capsys.readouterr()
    assert invoke(["status", str(folder.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["done"] == 3
    assert invoke(["status", str(folder.root)]) == 0
    assert "3 of 4 pairs" in capsys.readouterr().out


def test_a_line_cut_off_is_passed_over(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    note(folder, 1, "begun")
    path = next((folder.campaign / "journal").iterdir())
    path.write_text(path.read_text() + '{"seed": 2, "eve')
    assert [(entry["seed"], entry["event"]) for entry in entries(folder)] == [(1, "begun")]


@pytest.mark.parametrize(
    "more",
    [
        "",
        'snapshot_fields = ["phi", "B", "hij"]\nsnapshot_particles = true\n[output]\ndtype = "float64"\n',
        "snapshot_gadget = true\ndowngrade_factor = 2\n",
    ],
)
def test_the_disk_of_a_pair_is_estimated_from_above(tmp_path: Path, more: str) -> None:
    """The fields are exact; what HDF5 and the texts take is bounded, which shows at 16 cells a side."""
    study = StudyConfig.from_toml(write_study(tmp_path / "study.toml", count=1, grid=16, step=0.5, more=more))
    folder = RunFolder(tmp_path / "run")
    grow_pair(study, 0, folder)
    found = sum(path.stat().st_size for path in folder.pair(0).rglob("*") if path.is_file())
    assert found <= bytes_of_pair(study) <= 2 * found


def test_the_disk_of_large_pairs_is_that_of_their_fields() -> None:
    study = StudyConfig.from_mapping({"simulation": {"grid": 256}})
    assert bytes_of_pair(study) == pytest.approx(2 * 2 * 256**3 * 4, rel=0.01)


def test_the_time_is_measured_and_said_from_what(
    half: tuple[StudyConfig, RunFolder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, folder = half
    known = estimate(study, folder, study.seeds.all)
    assert (known.missing, known.pairs) == (2, 4)
    assert "the 2 pairs in" in known.source
    seconds, source = calibrated(study)
    assert "two short runs" in source
    assert 0 < seconds < 60
    capsys.readouterr()
    path = write_study(tmp_path / "again.toml")
    assert invoke(["simulate", str(path), "--out", str(tmp_path / "new"), "--dry-run", "--workers", "2"]) == 0
    said = capsys.readouterr().out
    assert "4 of 4 are missing" in said
    assert "2 at once" in said
    assert not (tmp_path / "new").exists()


def test_words_for_people() -> None:
    assert [duration(s) for s in (7.4, 600, 7200, 300_000)] == ["7 s", "10 min", "2.0 h", "3.5 days"]
    assert [size(b) for b in (12, 1500, 2.5e9, 3e12)] == ["12 B", "1.5 kB", "2.5 GB", "3 TB"]


@pytest.mark.slow
def test_the_table_on_a_terminal(tmp_path: Path) -> None:
    """A pseudo-terminal as standard error: the table is there while pairs grow, and gone at the end."""
    import os
    import pty

    study = write_study(tmp_path / "study.toml", count=10, grid=16, step=0.02)
    ours, theirs = pty.openpty()
    process = start("simulate", study, "--out", tmp_path / "run", "--workers", 2, override_stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        seen += piece
    assert process.wait(timeout=60) == 0
    text = seen.decode(errors="replace")
    assert "pairs an hour" in text
    assert "of 10 pairs" in text
    assert "dashboard" in text
