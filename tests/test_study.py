"""The runner's own logic, with small stages that write and count; the real ones are killed in test_resume.py."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers.synthetic import tiny_study
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import file_hash, write_json, write_text
from weakfield.config import RunFolder, StudyConfig
from weakfield.stages import FolderStage, PairStage, Stage
from weakfield.study import STAGES, run_study, stages_until


def study_with(**tables: dict[str, Any]) -> StudyConfig:
    return StudyConfig.from_mapping({"seeds": {"count": 3}, **tables})


def no_manifest(study: StudyConfig, seed: int, folder: RunFolder) -> str | None:
    path = folder.pair(seed) / "pair.json"
    return None if path.exists() else f"{path} is missing"


class Counted:
    """Stages that write what they read and count how often each worked."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fail_in: str | None = None

    def grow(self, study: StudyConfig, folder: RunFolder, seeds: Sequence[int]) -> int:
        missing = [seed for seed in seeds if no_manifest(study, seed, folder)]
        for seed in missing:
            self.grow_one(seed, folder)
        return len(missing)

    def grow_one(self, seed: int, folder: RunFolder) -> None:
        self.calls.append(f"seed{seed}")
        if self.fail_in == f"seed{seed}":
            raise RuntimeError("out of luck")
        field = folder.member(seed, "gr") / "snap000_phi.txt"
        write_text(field, f"seed {seed}")
        files = {"gr/snap000_phi.txt": {"hash": file_hash(field)}}
        write_json(folder.pair(seed) / "pair.json", {"settings": "same", "files": files})

    def work(self, name: str, reads: Callable[[RunFolder], Path]) -> Callable[[StudyConfig, RunFolder], dict[str, Any]]:
        def run(study: StudyConfig, folder: RunFolder) -> dict[str, Any]:
            self.calls.append(name)
            own = folder.root / name
            own.mkdir(exist_ok=True)
            if self.fail_in == name:
                write_text(own / "part.txt", "half of the work")
                raise RuntimeError("out of luck")
            sources = sorted(p for p in reads(folder).rglob("*.txt"))
            write_text(own / "result.txt", name + "".join(p.read_text() for p in sources))
            return {"sources": len(sources), "kept": (own / "part.txt").exists()}

        return run

    @property
    def stages(self) -> tuple[Stage, ...]:
        return (
            PairStage(self.grow, no_manifest),
            FolderStage("spectra", self.work("spectra", lambda f: f.pairs), "spectra", ("simulate",), ("measure",)),
            FolderStage("dataset", self.work("dataset", lambda f: f.pairs), "dataset", ("simulate",), ("dataset",)),
            FolderStage("train", self.work("train", lambda f: f.dataset), "train", ("dataset",), ("training",)),
        )

    def run(self, study: StudyConfig, root: Path, only: str | None = None) -> dict[str, str]:
        """Status of each stage; ``calls`` then holds what worked in this run."""
        self.calls.clear()
        return {outcome.stage: outcome.status for outcome in run_study(study, root, only, self.stages)}


def test_finished_work_is_skipped(tmp_path: Path) -> None:
    toy, study = Counted(), study_with()
    assert set(toy.run(study, tmp_path).values()) == {"done"}
    assert toy.calls == ["seed1", "seed2", "seed3", "spectra", "dataset", "train"]
    assert set(toy.run(study, tmp_path).values()) == {"skipped"}
    assert toy.calls == []


def test_a_setting_reaches_the_stages_that_rest_on_it_and_no_other(tmp_path: Path) -> None:
    toy = Counted()
    toy.run(study_with(), tmp_path)
    toy.run(study_with(training={"epochs": 7}), tmp_path)
    assert toy.calls == ["train"]
    toy.run(study_with(training={"epochs": 7}, measure={"bins": 4}), tmp_path)
    assert toy.calls == ["spectra"]


def test_unchanged_outputs_stop_the_wave(tmp_path: Path) -> None:
    """The data set is built again but comes out the same, so the training that read it stands."""
    toy = Counted()
    toy.run(study_with(), tmp_path)
    toy.run(study_with(dataset={"split_seed": 5}), tmp_path)
    assert toy.calls == ["dataset"]


def test_more_seeds_add_pairs_and_redo_what_read_them(tmp_path: Path) -> None:
    toy = Counted()
    toy.run(study_with(), tmp_path)
    toy.run(study_with(seeds={"count": 4}), tmp_path)
    assert toy.calls == ["seed4", "spectra", "dataset", "train"]


def test_old_outputs_are_gone_when_the_settings_changed(tmp_path: Path) -> None:
    toy = Counted()
    toy.run(study_with(), tmp_path)
    (tmp_path / "train" / "older.txt").write_text("of the first settings")
    toy.run(study_with(training={"epochs": 7}), tmp_path)
    assert not (tmp_path / "train" / "older.txt").exists()


@pytest.mark.parametrize("damage", [lambda p: p.unlink(), lambda p: p.write_text("altered")])
def test_a_damaged_output_is_made_again(tmp_path: Path, damage: Callable[[Path], Any]) -> None:
    toy = Counted()
    toy.run(study_with(), tmp_path)
    damage(tmp_path / "dataset" / "result.txt")
    toy.run(study_with(), tmp_path)
    assert toy.calls == ["dataset"]


def test_an_interrupted_stage_finds_its_partial_work(tmp_path: Path) -> None:
    toy = Counted()
    toy.fail_in = "train"
    with pytest.raises(RuntimeError):
        toy.run(study_with(), tmp_path)
    (tmp_path / "train" / ".result.txt.7.partial").write_text("of a write that was cut off")
    toy.fail_in = None
    outcomes = run_study(study_with(), tmp_path, stages=toy.stages)
    assert outcomes[-1].summary["kept"]
    assert not list(tmp_path.rglob("*.partial"))


def test_partial_work_of_other_settings_is_removed(tmp_path: Path) -> None:
    toy = Counted()
    toy.fail_in = "train"
    with pytest.raises(RuntimeError):
        toy.run(study_with(), tmp_path)
    toy.fail_in = None
    outcomes = run_study(study_with(training={"epochs": 7}), tmp_path, stages=toy.stages)
    assert not outcomes[-1].summary["kept"]


def test_a_failed_pair_leaves_the_others(tmp_path: Path) -> None:
    toy = Counted()
    toy.fail_in = "seed2"
    with pytest.raises(RuntimeError):
        toy.run(study_with(), tmp_path)
    toy.fail_in = None
    toy.run(study_with(), tmp_path)
    assert toy.calls[:2] == ["seed2", "seed3"]


def test_pairs_that_are_not_whole_after_all_do_not_finish_the_stage(tmp_path: Path) -> None:
    """However many a campaign says it grew."""
    toy, study = Counted(), study_with()

    def campaign(study: StudyConfig, folder: RunFolder, seeds: Sequence[int]) -> int:
        toy.grow(study, folder, (1, 3))
        return len(seeds)

    with pytest.raises(WeakfieldError, match=r"seed00002.pair.json is missing though"):
        run_study(study, tmp_path, "simulate", (PairStage(campaign, no_manifest),))


def test_a_page_while_pairs_arrive(tmp_path: Path) -> None:
    """Each stage before it stays finished on the pairs that it read; a change of its settings makes it stale still."""
    toy, study = Counted(), study_with(dataset={"partial": True})
    stages = (
        PairStage(toy.grow, no_manifest),
        FolderStage("measure", toy.work("measure", lambda f: f.pairs), "measure", ("simulate",), ("measure",)),
        FolderStage("dataset", toy.work("dataset", lambda f: f.pairs), "dataset", ("simulate",), ("dataset",)),
        FolderStage("report", toy.work("report", lambda f: f.root), "report", ("simulate", "measure", "dataset")),
    )

    def status(only: str, study: StudyConfig = study) -> str:
        (outcome,) = run_study(study, tmp_path, only, stages)
        return outcome.status

    folder = RunFolder(tmp_path)
    toy.grow(study, folder, (1,))
    assert status("measure") == "done"
    toy.grow(study, folder, (2,))
    assert status("dataset") == "done"
    toy.grow(study, folder, (3,))
    assert (status("report"), status("report")) == ("done", "skipped")
    assert status("measure") == "done"  # asked for again: of all three
    assert status("report") == "done"
    with pytest.raises(BadInput, match="measure is not finished"):
        status("report", study_with(dataset={"partial": True}, measure={"bispectrum": False}))


def test_one_stage_alone(tmp_path: Path) -> None:
    toy = Counted()
    with pytest.raises(BadInput, match=r"the stage simulate is not finished.*before train"):
        toy.run(study_with(), tmp_path, only="train")
    toy.run(study_with(), tmp_path, only="simulate")
    assert toy.run(study_with(), tmp_path, only="dataset") == {"dataset": "done"}
    assert toy.run(study_with(), tmp_path, only="train") == {"train": "done"}
    assert toy.calls == ["train"]
    with pytest.raises(BadInput, match="the stage dataset is not finished"):
        toy.run(study_with(dataset={"split_seed": 1}), tmp_path, only="train")


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"simulation": {"grid": 32}}, r"simulation\.grid = 64 but the study says 32"),
        ({"cosmology": {"h": 0.7}}, r"cosmology\.h = 0.67556 but the study says 0\.7"),
        ({"output": {"dtype": "float64"}}, r"output\.dtype = 'float32' but the study says 'float64'"),
    ],
)
def test_pairs_of_two_settings_never_mix(tmp_path: Path, tables: dict[str, Any], said: str) -> None:
    toy = Counted()
    toy.run(study_with(), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(BadInput, match=said):
        toy.run(study_with(**tables), tmp_path)
    del before[tmp_path / ".lock"]
    assert all(path.read_bytes() == content for path, content in before.items())


def test_the_schedule_of_checkpoints_may_change_and_a_folder_without_pairs_takes_any_study(tmp_path: Path) -> None:
    toy = Counted()
    toy.fail_in = "seed1"
    with pytest.raises(RuntimeError):
        toy.run(study_with(simulation={"grid": 32}), tmp_path)
    toy.fail_in = ""
    toy.run(study_with(), tmp_path)
    toy.calls.clear()
    toy.run(study_with(output={"checkpoint_every": 5, "hibernation_wallclock_s": 60.0}), tmp_path)
    assert not [call for call in toy.calls if call.startswith("seed")]


def test_study_and_provenance_are_written_at_the_start(tmp_path: Path) -> None:
    toy, study = Counted(), study_with()
    toy.fail_in = "seed1"
    for _ in range(2):
        with pytest.raises(RuntimeError):
            toy.run(study, tmp_path)
    assert StudyConfig.from_toml(tmp_path / "study.toml") == study
    provenance = json.loads((tmp_path / "provenance.json").read_text())
    assert {"weakfield", "python", "torch", "numpy", "numba", "ducc0", "camb"} <= set(provenance["versions"])
    assert provenance["machine"]["cores"] >= 1
    assert len(provenance["starts"]) == 2


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    toy = Counted()
    inner: list[str] = []

    def meddle(study: StudyConfig, folder: RunFolder) -> dict[str, Any]:
        with pytest.raises(WeakfieldError, match=f"in use by another weakfield \\(process {os.getpid()}\\)") as caught:
            run_study(study, folder.root, stages=toy.stages)
        inner.append(str(caught.value))
        return {}

    run_study(study_with(), tmp_path, stages=(FolderStage("spectra", meddle, "spectra"),))
    assert len(inner) == 1
    assert set(toy.run(study_with(), tmp_path).values()) == {"done"}  # the lock went with the run


KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    import weakfield.base.files as files
    import weakfield.study as runner
    from test_study import Counted, study_with

    moment, count, replace = int(sys.argv[3]), 0, os.replace
    def counted(source, target):
        global count
        count += 1
        if count == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)
        if count == -moment:
            os.kill(os.getpid(), signal.SIGKILL)
    files.os.replace = counted
    Counted().run(study_with(), Path(sys.argv[1]))
    print(count)
    """
)


def contents(root: Path) -> dict[str, bytes]:
    """Every file that carries results."""
    skip = {"provenance.json", "stage.json", "started.json", ".lock"}
    files = [p for p in root.rglob("*") if p.is_file() and p.name not in skip and p.suffix != ".partial"]
    return {str(p.relative_to(root)): p.read_bytes() for p in files}


@pytest.mark.slow
def test_killed_before_and_after_every_write_and_run_again(tmp_path: Path) -> None:
    """SIGKILL at each rename, just before it and just after it; the same command then ends as an undisturbed run."""

    def go(root: Path, moment: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", KILLED, str(root), str(Path(__file__).parent), str(moment)]
        return subprocess.run(command, capture_output=True, text=True)

    whole = go(tmp_path / "whole", 0)
    writes = int(whole.stdout)
    assert writes > 10
    expected = contents(tmp_path / "whole")
    for number in range(1, writes, 2):
        for moment in (number, -number - 1):
            root = tmp_path / f"at{moment}"
            assert go(root, moment).returncode == -signal.SIGKILL
            Counted().run(study_with(), root)
            assert contents(root) == expected


def test_the_stages_of_the_package_are_in_order() -> None:
    seen: set[str] = set()
    for stage in STAGES:
        assert set(stage.reads) <= seen, f"{stage.name} reads a stage that comes after it"
        seen.add(stage.name)
    assert [stage.name for stage in STAGES] == ["simulate", "measure", "dataset", "train", "audit", "explain", "report"]


def test_a_run_ends_with_the_stage_that_was_named() -> None:
    assert [stage.name for stage in stages_until("dataset")] == ["simulate", "measure", "dataset"]
    assert stages_until("report") == stages_until(None) == STAGES
    with pytest.raises(BadInput, match=r"--until is 'trian', expected one of simulate, measure.*'train'"):
        stages_until("trian")


def test_the_settings_of_the_stages_exist() -> None:
    for stage in STAGES:
        if isinstance(stage, FolderStage):
            assert len(stage.key(StudyConfig(), dict.fromkeys(stage.reads, ""))) == 16


def test_settings_no_stage_could_use_are_refused_before_the_first_pair(tmp_path: Path) -> None:
    toy = Counted()

    def check(study: StudyConfig) -> None:
        raise BadInput("audit.controls holds 'x'")

    late = FolderStage("audit", lambda study, folder: {}, "audit", ("simulate",), checked_by=check)
    with pytest.raises(BadInput, match="holds 'x'"):
        run_study(study_with(), tmp_path / "run", stages=(*toy.stages, late))
    assert toy.calls == []
    assert not (tmp_path / "run").exists()


def test_settings_that_finished_a_stage_are_not_checked_again(tmp_path: Path) -> None:
    toy, checked = Counted(), list[str]()
    stages = tuple(
        replace(stage, checked_by=lambda study, name=stage.name: checked.append(name))
        if isinstance(stage, FolderStage)
        else stage
        for stage in toy.stages
    )
    for study, expected in (
        (study_with(), ["spectra", "dataset", "train"]),
        (study_with(), []),
        (study_with(dataset={"split_seed": 5}), ["dataset", "train"]),
        (study_with(dataset={"split_seed": 5}, training={"epochs": 7}), ["train"]),
    ):
        run_study(study, tmp_path, None, stages)
        assert checked == expected
        checked.clear()


def test_a_changed_network_of_ones_own_is_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code is not in the settings, and yet it decides what is trained."""
    stage = next(stage for stage in STAGES if stage.name == "train")
    assert isinstance(stage, FolderStage)
    monkeypatch.chdir(tmp_path)
    study = tiny_study(training={"network": "own_network:Net"})
    keys = []
    for channels in (2, 4):
        code = f"from torch import nn\nclass Net(nn.Module):\n    channels = {channels}\n"
        (tmp_path / "own_network.py").write_text(code)
        keys.append(stage.key(study, {"dataset": "data"}))
    assert keys[0] != keys[1]
    assert stage._plugins(tiny_study(), None) == {}
