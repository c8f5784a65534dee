"""Seeds with their inverses: two pairs a seed, however they are grown, and one seed wherever seeds are counted."""

from __future__ import annotations

import json
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch

from helpers.campaigning import fields, run, start, write_study
from weakfield.base.errors import BadInput
from weakfield.cli import invoke
from weakfield.config import Inverse, RunFolder, StudyConfig
from weakfield.config.layout import draw_named, pair_name
from weakfield.dataset.splits import study_split
from weakfield.formats import load_field
from weakfield.pairs import simulate
from weakfield.pairs.cost import estimate
from weakfield.pairs.grow import grow_pairs
from weakfield.pairs.grower import grow_pair, scratch_folder
from weakfield.pairs.journal import draw_of, entries, log_path, note
from weakfield.pairs.locks import holders, pair_lock
from weakfield.pairs.manifest import why_incomplete
from weakfield.pairs.status import Watcher
from weakfield.study import run_study

NAMES = ["seed00000", "seed00000i", "seed00001", "seed00001i"]


def inverted_study(path: Path, count: int = 2, step: float = 0.2) -> Path:
    write_study(path, count=count, step=step)
    path.write_text(path.read_text().replace("[seeds]", "[seeds]\ninverted = true"))
    return path


def names(root: Path) -> list[str]:
    return sorted(path.parent.name for path in RunFolder(root).pairs.glob("seed*/pair.json"))


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyConfig, RunFolder]:
    """Two seeds with their inverses, one after the other in this process."""
    place = tmp_path_factory.mktemp("inverses")
    study = StudyConfig.from_toml(inverted_study(place / "study.toml"))
    simulate(study, place / "run")
    return study, RunFolder(place / "run")


@pytest.mark.parametrize("draw", [42, Inverse(42), 123456, Inverse(0)])
def test_a_pair_is_found_again_by_its_name(draw: int | Inverse) -> None:
    assert draw_named(pair_name(draw)) == draw
    assert draw_named(pair_name(draw) + "x") is None


def test_a_study_grows_every_seed_and_its_inverse() -> None:
    study = StudyConfig.from_mapping({"seeds": {"first": 7, "count": 2, "inverted": True}})
    assert study.seeds.all == (7, 8)
    assert study.seeds.draws == (7, Inverse(7), 8, Inverse(8))
    run = study.run_settings("gr", Inverse(8))
    assert (run.seed, run.inverted) == (8, True)
    assert not study.run_settings("gr", 8).inverted


def test_what_is_read_from_files_has_no_inverse() -> None:
    simulation = {
        "initial_conditions": "snapshot", "particle_file": "p.h5", "phi_integrator": "euler", "mesh": "staggered",
        "radiation": False,
    }  # fmt: skip
    with pytest.raises(BadInput, match=r"seeds\.inverted is true but simulation.initial_conditions is 'snapshot'"):
        StudyConfig.from_mapping({"seeds": {"inverted": True}, "simulation": simulation})


def test_the_first_order_of_an_inverse_is_that_of_its_seed_times_minus_1(
    grown: tuple[StudyConfig, RunFolder],
) -> None:
    study, folder = grown
    for theory in ("newton", "gr"):
        upright, attributes = load_field(folder.member(0, theory) / "snap000_phi.h5")
        inverse, of_inverse = load_field(folder.member(Inverse(0), theory) / "snap000_phi.h5")
        even = upright.double() + inverse.double()
        assert float(even.std() / upright.double().std()) < 0.05  # of second order: 1e-2 in cells of 20 Mpc/h
        assert float(even.std()) > 0
        assert (attributes["inverted"], of_inverse["inverted"]) == (0, 1)
        assert (attributes["mesh"], attributes["start"]) == (study.simulation.mesh, study.simulation.start)
    manifest = json.loads((folder.pair(Inverse(1)) / "pair.json").read_text())
    assert (manifest["seed"], manifest["inverted"]) == (1, True)
    about = study.simulation
    assert [manifest[key] for key in ("mesh", "start", "f_nl", "fixed_amplitude")] == [
        about.mesh, about.start, about.f_nl, about.fixed_amplitude,
    ]  # fmt: skip


@pytest.mark.slow
def test_workers_grow_the_same_bytes(tmp_path: Path, grown: tuple[StudyConfig, RunFolder]) -> None:
    root = tmp_path / "run"
    inverted_study(tmp_path / "study.toml")
    code, out, err = run("simulate", tmp_path / "study.toml", "--out", root, "--workers", 2, "--json")
    assert code == 0, err
    outcome = json.loads(out)
    assert (outcome["pairs"], outcome["inverted"], outcome["grown"]) == (2, 2, 4)
    assert names(root) == NAMES
    assert fields(root) == fields(grown[1].root)
    told = {draw_of(entry) for entry in entries(RunFolder(root)) if entry["event"] == "grown"}
    assert told == {0, 1, Inverse(0), Inverse(1)}


@pytest.mark.slow
def test_an_inverse_whose_process_was_killed_is_continued(tmp_path: Path, grown: tuple[StudyConfig, RunFolder]) -> None:
    """Killed between its two members: the one that is there stays, and the bytes are those of a run undisturbed."""
    study, root = inverted_study(tmp_path / "study.toml", count=1, step=0.01), tmp_path / "run"
    for _ in range(5):
        process = start("simulate", study, "--out", root)
        while process.poll() is None:
            if any(root.glob("pairs/.seed00000i*/gr")):
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.001)
        process.communicate()
        if (kept := list(root.glob("pairs/.seed00000i*/newton/snap000_phi.h5"))) and names(root) == ["seed00000"]:
            break
        shutil.rmtree(root)
    else:
        pytest.fail("never met between its members")
    when = kept[0].stat().st_mtime_ns
    assert invoke(["simulate", str(study), "--out", str(root)]) == 0
    assert (root / "pairs" / "seed00000i" / "newton" / "snap000_phi.h5").stat().st_mtime_ns == when
    assert invoke(["simulate", str(study), "--out", str(tmp_path / "other")]) == 0
    assert fields(root) == fields(tmp_path / "other")


def test_one_pair_of_a_seed_is_claimed_without_the_other(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pair_lock(folder, 3) as ours, pair_lock(folder, Inverse(3)) as other:
        assert (ours, other) == (True, True)
        assert list(holders(folder)) == [3, Inverse(3)]
        with pair_lock(folder, Inverse(3)) as again:
            assert not again


def test_status_and_estimate_count_inverses(tmp_path: Path, grown: tuple[StudyConfig, RunFolder]) -> None:
    study, whole = grown
    folder = RunFolder(tmp_path / "run")
    shutil.copytree(whole.root, folder.root)
    shutil.rmtree(folder.pair(Inverse(1)))
    note(folder, Inverse(1), "failed", error="out of luck")
    log_path(folder, Inverse(1)).parent.mkdir(parents=True)
    log_path(folder, Inverse(1)).write_text("out of luck")
    status = Watcher(study, folder).look()
    assert (status.pairs, status.done, status.failed) == (4, 3, {Inverse(1): "out of luck"})
    assert json.loads(json.dumps(status.as_json()))["failed"] == {"1i": "out of luck"}
    found = estimate(study, folder, study.seeds.draws)
    assert (found.pairs, found.missing) == (4, 1)
    assert why_incomplete(study, Inverse(1), folder) == f"{folder.pair(Inverse(1)) / 'pair.json'} is missing"
    assert grow_pairs(study, folder, study.seeds.draws) == 1
    assert not log_path(folder, Inverse(1)).exists()
    assert fields(folder.root) == fields(whole.root)


def test_scratch_of_a_whole_inverse_goes_and_that_of_a_missing_one_stays(
    tmp_path: Path, grown: tuple[StudyConfig, RunFolder]
) -> None:
    folder = grown[1]
    place = scratch_folder(str(tmp_path), folder)
    assert place is not None
    for name in (".seed00001i.partial", ".seed00002i.partial"):
        (place / name).mkdir()
    scratch_folder(str(tmp_path), folder)
    assert [path.name for path in place.iterdir()] == [".seed00002i.partial"]


def test_the_split_does_not_know_of_inverses(grown: tuple[StudyConfig, RunFolder]) -> None:
    study = StudyConfig.from_mapping({"seeds": {"count": 20}})
    other = StudyConfig.from_mapping({"seeds": {"count": 20, "inverted": True}})
    assert study_split(study) == study_split(other)


@pytest.mark.slow
def test_inverses_that_come_later_make_nothing_stale_but_the_measurement(tmp_path: Path) -> None:
    """The data set keeps its place: it reads none of them."""
    write_study(tmp_path / "study.toml", count=3)
    plain = StudyConfig.from_toml(tmp_path / "study.toml")
    plain = plain.model_copy(update={"measure": plain.measure.model_copy(update={"bispectrum": False})})
    root = tmp_path / "run"
    for stage in ("simulate", "measure", "dataset"):
        run_study(plain, root, stage)
    both = plain.model_copy(update={"seeds": plain.seeds.model_copy(update={"inverted": True})})
    with pytest.raises(BadInput, match=r"seed00001i|seed00000i"):
        run_study(both, root, "dataset")
    found = {stage: run_study(both, root, stage)[0].status for stage in ("simulate", "dataset", "measure")}
    assert found == {"simulate": "done", "dataset": "skipped", "measure": "done"}
    assert run_study(both, root, "measure")[0].status == "skipped"
    assert run_study(plain, root, "dataset")[0].status == "skipped"


def test_a_seed_and_its_inverse_share_what_a_process_keeps(tmp_path: Path) -> None:
    """The noise that ``StudyCache`` keeps is of one of them at a time."""
    from weakfield.simulation.study_cache import StudyCache

    study = StudyConfig.from_toml(inverted_study(tmp_path / "study.toml"))
    shared = StudyCache(study.run_settings("gr", 0))
    upright = shared.noise(0).clone()
    assert torch.equal(shared.noise(0, inverted=True), -upright)
    assert torch.equal(shared.noise(0), upright)
    grow_pair(study, Inverse(0), RunFolder(tmp_path / "run"), cache=shared)
    assert names(tmp_path / "run") == ["seed00000i"]
