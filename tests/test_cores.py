"""Every stage gives the same files on two cores as one thing after the other."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from helpers.synthetic import tiny_study, write_run
from weakfield.config import StudyConfig
from weakfield.study import run_study

#: what says when and how long, in records of pairs and on the page
TIMES = re.compile(rb'"(created|newton|gr)": [^,\n]*|<td>[^<]* (s|min)</td>|20\d\d-\d\d-\d\dT[^<]*')
RECORDS = ("pair.json", "index.html")


def study() -> StudyConfig:
    # the meshes are 8 cells a side, and audit and explanation do all that they can do
    return tiny_study(
        pairs=10,
        simulation={"transfer": "eisenstein-hu", "step_limit_hubble": 0.2},
        training={"epochs": 2, "mean_kept_too": False},
        audit={"epochs": 1, "retrainings": 8},
        explain={"pairs": 2, "trust_epochs": 1},
    )


def contents(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name: TIMES.sub(b"", path.read_bytes()) if path.name in RECORDS else path.read_bytes()
        for name, path in found.items()
        if path.name != "stage.json"  # times, and hashes of the files that are compared here
    }


@pytest.mark.slow
def test_the_same_files_on_one_core_and_on_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {}
    monkeypatch.chdir(tmp_path)
    for count in ("1", "2"):
        monkeypatch.setenv("WEAKFIELD_WORKERS", count)
        folder = Path("run")
        write_run(study(), folder)
        run_study(study(), folder)
        made[count] = {name: contents(folder / name) for name in ("training", "audit", "explain", "report")}
        shutil.rmtree(folder)
    for stage, found in made["1"].items():
        assert found.keys() == made["2"][stage].keys()
        differing = [name for name in found if found[name] != made["2"][stage][name]]
        assert differing == [], stage
    assert "audit.json" in made["1"]["audit"]
    assert "trust.json" in made["1"]["explain"]
