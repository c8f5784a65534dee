"""Run folders from before there was a choice of mesh and start: staggered and linear, whatever the defaults are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.campaigning import fields, write_study
from weakfield.base.errors import BadInput
from weakfield.cli import invoke
from weakfield.config import RunFolder, StudyConfig
from weakfield.pairs import simulate
from weakfield.pairs.runfolder import check_same_universe, load_study
from weakfield.study import run_study

NEW = ("mesh", "start", "f_nl", "fixed_amplitude", "inverted")


def with_simulation(study: StudyConfig, **values: object) -> StudyConfig:
    tables = study.model_dump()
    return StudyConfig.from_mapping(tables | {"simulation": tables["simulation"] | values})


@pytest.fixture
def old(tmp_path: Path) -> tuple[StudyConfig, RunFolder]:
    """A pair as it was left: neither study.toml nor pair.json knows of mesh and start."""
    written = StudyConfig.from_toml(write_study(tmp_path / "study.toml", count=1))
    study = with_simulation(written, mesh="staggered", start="linear")
    folder = RunFolder(tmp_path / "run")
    simulate(study, folder.root)
    lines = folder.study.read_text().splitlines()
    folder.study.write_text("\n".join(line for line in lines if line.split(" = ")[0] not in NEW) + "\n")
    manifest = json.loads((folder.pair(0) / "pair.json").read_text())
    (folder.pair(0) / "pair.json").write_text(json.dumps({k: v for k, v in manifest.items() if k not in NEW}))
    return study, folder


def test_an_old_folder_is_continued_as_what_it_is(old: tuple[StudyConfig, RunFolder]) -> None:
    study, folder = old
    before = fields(folder.root)
    assert load_study(folder.root) == study
    (outcome,) = run_study(load_study(folder.root), folder.root, "simulate")
    assert (outcome.status, outcome.summary["pairs"]) == ("skipped", 1)
    assert fields(folder.root) == before


def test_status_of_an_old_folder(old: tuple[StudyConfig, RunFolder], capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["status", str(old[1].root)]) == 0
    assert "1 of 1 pairs" in capsys.readouterr().out


def test_an_old_folder_takes_no_pairs_of_another_mesh_or_start(old: tuple[StudyConfig, RunFolder]) -> None:
    study, folder = old
    said = r"run holds pairs grown with simulation\.mesh = 'staggered' but the study says 'spectral'; expected the same"
    for start in ("linear", "growing-mode"):
        with pytest.raises(BadInput, match=said):
            check_same_universe(with_simulation(study, mesh="spectral", start=start), folder)


def test_nor_a_new_folder_pairs_as_they_were(old: tuple[StudyConfig, RunFolder]) -> None:
    """The values of before are no part of a pair's hash, and are compared all the same."""
    study, folder = old
    new = with_simulation(study, mesh="spectral", start="growing-mode")
    folder.study.write_text(new.to_toml())
    with pytest.raises(BadInput, match=r"simulation\.mesh = 'spectral' but the study says 'staggered'"):
        check_same_universe(study, folder)
    with pytest.raises(BadInput, match=r"simulation\.f_nl = 0\.0 but the study says 2\.0"):
        check_same_universe(with_simulation(new, f_nl=2.0), folder)
    check_same_universe(new, folder)
