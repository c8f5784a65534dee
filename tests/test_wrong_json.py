"""JSON of the right syntax that is no record of ours: made again where it only saves time, else a sentence."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.synthetic import save_phi, tiny_study, write_pair, write_run
from weakfield.audit.run import open_audit
from weakfield.audit.universes import grow_newton, newton_snapshots
from weakfield.base.errors import BadInput
from weakfield.base.files import read_json, write_json
from weakfield.config import Inverse, RunFolder, RunSettings, StudyConfig
from weakfield.dataset import build
from weakfield.learning import Scores
from weakfield.learning.scores import load_scores
from weakfield.pairs.journal import entries, note
from weakfield.pairs.locks import holders, lock_path, pair_lock
from weakfield.pairs.status import Watcher, rows
from weakfield.stages import FolderStage

WRONG = ["[]", "{}", "3", "null", '"x"', "[[" * 9999, '{"seed": [], "event": 3}']
Run = tuple[StudyConfig, RunFolder]


@pytest.fixture
def drawn(tmp_path: Path) -> Run:
    study = tiny_study(pairs=3)
    folder = write_run(study, tmp_path / "run")
    build.run(study, folder)
    return study, folder


@pytest.mark.parametrize("text", WRONG)
def test_the_status_of_a_folder_with_wrong_records(drawn: Run, text: str) -> None:
    study, folder = drawn
    note(folder, 3, "begun")
    (folder.campaign / "campaign.json").write_text(text)
    journal = next((folder.campaign / "journal").iterdir())
    journal.write_text(journal.read_text() + text + "\n")
    with pair_lock(folder, 9) as ours:
        assert ours
        lock_path(folder, 9).write_text(text)
        assert set(holders(folder)[9]) == {"host", "process", "since"}
        now = Watcher(study, folder).look()
    assert (now.done, now.dashboard) == (3, None)
    assert ("done", "3 of 3 pairs") in rows(now)
    assert [entry["seed"] for entry in entries(folder)] == [3]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda written: [], "lacks scores of 'network'"),
        (lambda written: {"network": 3}, "lacks scores of 'network'"),
        (lambda written: {"network": {"test": []}}, "network, test is no Logits"),
        (lambda written: {"network": {"test": {"seeds": [1], "newton": [0.0]}}}, "network, test lacks 'gr'"),
        (lambda written: {"network": {"test": {**written, "gr": [0.0]}}}, "has 2 seeds, 2 and 1 logits"),
        (lambda written: {"network": {"test": {**written, "gr": [0.0, "x"]}}}, "gr.1 is 'x'"),
    ],
)
def test_scores_that_are_none_are_named(tmp_path: Path, change: Any, said: str) -> None:
    written = Scores((1, 2), np.zeros(2), np.ones(2)).as_json()
    path = tmp_path / "scores.json"
    write_json(path, {"network": {"test": written}})
    assert load_scores(path)["network"]["test"].seeds == (1, 2)
    write_json(path, change(written))
    with pytest.raises(BadInput, match=rf"scores\.json.*{said}"):
        load_scores(path)


def test_a_stage_whose_record_lost_an_output_is_done_again(tmp_path: Path) -> None:
    def work(study: StudyConfig, folder: RunFolder) -> dict[str, Any]:
        (folder.spectra / "result.txt").write_text("right")
        return {}

    study, folder = tiny_study(pairs=3), RunFolder(tmp_path)
    stage = FolderStage("measure", work, "spectra")
    assert stage.complete(study, folder, {}).status == "done"
    assert stage.complete(study, folder, {}).status == "skipped"
    mark = folder.spectra / "stage.json"
    write_json(mark, read_json(mark) | {"outputs": {}})
    assert stage.complete(study, folder, {}).status == "done"


def test_a_run_grown_for_a_control_is_checked_and_grown_again(drawn: Run) -> None:
    study, folder = drawn
    audit, grown = open_audit(study, folder), []

    def grow(settings: RunSettings, place: Path) -> None:
        grown.append(settings.seed)
        for index, z in enumerate((10.0, 1.0)):
            save_phi(place / f"snap{index:03d}_phi.h5", np.full((8, 8, 8), z), z, 160.0, "newton", settings.seed)

    def place() -> Path:
        return grow_newton(audit, "newton_newton", study, (4,), grow=grow)[4]

    field = place() / "snap001_phi.h5"
    assert (place(), grown) == (field.parent, [4])
    record = read_json(field.parent / "member.json")
    for text in WRONG:
        (field.parent / "member.json").write_text(text)
        place()
    assert (grown, read_json(field.parent / "member.json")) == ([4] * (1 + len(WRONG)), record)
    data = bytearray(field.read_bytes())
    data[-101] ^= 1 << 6
    field.write_bytes(data)
    with pytest.raises(BadInput, match=r"snap001_phi\.h5 was altered after it was grown"):
        newton_snapshots(audit, 4, field.parent)
    place()
    assert float(newton_snapshots(audit, 4, field.parent)[1].phi.mean()) == 1.0
    (field.parent / "member.json").write_text(json.dumps({k: v for k, v in record.items() if k != "files"}))
    count = len(grown)
    place()  # one of an earlier version
    assert len(grown) == count


def test_a_control_that_read_inverses_is_run_again_when_they_are_other_ones(drawn: Run) -> None:
    study, folder = drawn
    audit = open_audit(study, folder)
    without = audit.key("first_order", inverses=True)
    assert without == audit.key("first_order")
    seed = audit.dataset.part("test")[0]
    write_pair(study, Inverse(seed), folder)
    first = audit.key("first_order", inverses=True)
    os.remove(folder.pair(Inverse(seed)) / "pair.json")
    write_pair(study, Inverse(seed), folder, scale=2.0)
    assert len({without, first, audit.key("first_order", inverses=True)}) == 3
