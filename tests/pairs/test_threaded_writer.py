"""Files written beside the computation, as on a GPU: a pair that fails while they are written is the one set aside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.campaigning import write_study
from weakfield.base.errors import WeakfieldError
from weakfield.config import RunFolder, StudyConfig
from weakfield.pairs import grower
from weakfield.pairs.grow import grow_pairs
from weakfield.pairs.grower import PairGrower
from weakfield.pairs.journal import entries, log_path
from weakfield.pairs.locks import holders
from weakfield.simulation.writer import ThreadedWriter

TRIES = 3


@pytest.fixture
def threaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are written in a thread of their own, on this processor too."""

    @contextmanager
    def writing(grower: PairGrower) -> Iterator[None]:
        with ThreadedWriter() as grower.writer:
            yield

    monkeypatch.setattr(PairGrower, "writing", writing)


def fail_once_complete(monkeypatch: pytest.MonkeyPatch, seed: int, times: int) -> None:
    """The check of a complete pair, done by the writer, fails for a seed so many times."""
    check, left = grower.check_pair, [times]

    def failing(study: StudyConfig, folder: Path) -> None:
        if folder.name == f".seed{seed:05d}.partial" and left[0] > 0:
            left[0] -= 1
            raise WeakfieldError("phi is not what it should be")
        check(study, folder)

    monkeypatch.setattr(grower, "check_pair", failing)


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_the_pair_that_fails_is_set_aside_and_the_others_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threaded: None, bad: int
) -> None:
    fail_once_complete(monkeypatch, bad, times=TRIES)
    study, folder = StudyConfig.from_toml(write_study(tmp_path / "study.toml", count=3)), RunFolder(tmp_path / "run")
    with pytest.raises(WeakfieldError, match=rf"1 of 3 pairs failed and were set aside; seed {bad}: phi is not what"):
        grow_pairs(study, folder, study.seeds.all)
    assert {path.parent.name for path in folder.pairs.glob("seed*/pair.json")} == {
        f"seed{seed:05d}" for seed in range(3) if seed != bad
    }
    assert log_path(folder, bad).read_text().count("Traceback") == TRIES
    assert [entry["seed"] for entry in entries(folder) if entry["event"] == "failed"] == [bad] * TRIES
    assert sorted(entry["seed"] for entry in entries(folder) if entry["event"] == "grown") == sorted({0, 1, 2} - {bad})
    assert not holders(folder)


def test_another_try_makes_it_whole_and_what_is_counted_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threaded: None
) -> None:
    fail_once_complete(monkeypatch, 0, times=1)
    study, folder = StudyConfig.from_toml(write_study(tmp_path / "study.toml", count=3)), RunFolder(tmp_path / "run")
    assert grow_pairs(study, folder, study.seeds.all) == 3
    assert len(list(folder.pairs.glob("seed*/pair.json"))) == 3
    assert not log_path(folder, 0).exists()
