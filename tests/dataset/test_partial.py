"""A data set of a folder that is still being grown: whole pairs only, in parts and under numbers that stay."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from helpers.synthetic import tiny_study, write_pair
from weakfield.base.errors import BadInput
from weakfield.base.files import read_json, write_json
from weakfield.cli import invoke
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import PARTS, build, open_dataset
from weakfield.pairs.runfolder import open_for_work


@pytest.fixture
def growing(tmp_path: Path) -> tuple[StudyConfig, RunFolder]:
    """A study of 30 pairs, 10 of which are there."""
    study = tiny_study(pairs=30, grid=4, dataset={"partial": True, "shape": "slice"})
    folder = RunFolder(tmp_path / "run")
    for seed in range(3, 33, 3):
        write_pair(study, seed, folder)
    return study, folder


Run = tuple[StudyConfig, RunFolder]


def test_how_many_of_how_many(growing: Run) -> None:
    study, folder = growing
    summary = build.run(study, folder)
    assert (summary["pairs"], summary["planned"]) == (10, 30)
    assert sum(summary[part] for part in PARTS) == 10
    written = open_dataset(folder).description
    assert (written.partial, written.pairs_of_study) == (True, 30)
    assert open_dataset(folder).seeds == tuple(range(3, 33, 3))


def test_parts_and_numbers_stay_when_more_pairs_arrive(growing: Run) -> None:
    study, folder = growing
    build.run(study, folder)
    before = open_dataset(folder)
    number = before.sample_index.find(seed=9, theory="gr", axis="y", slice=2)
    for seed in (4, 5, 7, 20, 31):
        write_pair(study, seed, folder)
    build.run(study, folder)
    after = open_dataset(folder)
    assert len(after.seeds) == 15
    for part in PARTS:
        assert set(before.part(part)) == set(after.part(part)) & set(before.seeds)
    assert after.sample_index.show(number) == {"seed": 9, "theory": "gr", "axis": "y", "slice": 2}
    longer = study.model_copy(update={"seeds": study.seeds.model_copy(update={"count": 60})})
    write_pair(longer, 50, folder)
    build.run(longer, folder)
    for part in PARTS:
        assert set(after.part(part)) == set(open_dataset(folder).part(part)) & set(after.seeds)
    assert open_dataset(folder).sample_index.find(seed=9, theory="gr", axis="y", slice=2) == number


def test_only_whole_pairs_count(growing: Run) -> None:
    study, folder = growing
    (folder.pair(6) / "pair.json").unlink()
    shutil.rmtree(folder.member(9, "gr"))
    cut_off = folder.member(12, "newton") / "snap001_phi.h5"
    cut_off.write_bytes(cut_off.read_bytes()[:-10])
    shutil.copytree(folder.pair(15), folder.pairs / ".seed00016.partial")
    build.run(study, folder)
    assert open_dataset(folder).seeds == (3, 15, 18, 21, 24, 27, 30)


def test_an_image_of_a_seed_that_is_not_there_yet_has_a_number_and_no_pixels(growing: Run) -> None:
    study, folder = growing
    build.run(study, folder)
    data = open_dataset(folder)
    number = data.sample_index.find(seed=4, theory="gr", axis="z", slice=0)
    with pytest.raises(BadInput, match="seed 4, theory 'gr' is not in the data set"):
        data.sample_of(number)
    with pytest.raises(BadInput, match="seed 4, theory 'newton' is not in the data set"):
        data.samples([3, 4])


def test_a_pair_of_other_settings_is_refused(growing: Run) -> None:
    study, folder = growing
    record = read_json(folder.pair(12) / "pair.json")
    write_json(folder.pair(12) / "pair.json", {**record, "settings": "0123456789abcdef"})
    with pytest.raises(BadInput, match=r"seed00012 was grown with other settings"):
        build.run(study, folder)


def test_too_few_whole_pairs_for_every_part(growing: Run) -> None:
    study, folder = growing
    for seed in range(6, 33, 3):
        shutil.rmtree(folder.pair(seed))
    with pytest.raises(BadInput, match=r"none of the 1 whole pairs of 30 falls into the .* part"):
        build.run(study, folder)
    assert not folder.dataset.exists()


def test_without_partial_every_pair_is_needed(growing: Run) -> None:
    study, folder = growing
    whole = study.model_copy(update={"dataset": study.dataset.model_copy(update={"partial": False})})
    with pytest.raises(BadInput, match=r"seed00004 is missing"):
        build.run(whole, folder)


def test_slices_of_a_seed_are_in_one_part(growing: Run) -> None:
    study, folder = growing
    build.run(study, folder)
    data = open_dataset(folder)
    seeds = [set(data.samples(part).seeds) for part in PARTS]
    assert sum(len(one) for one in seeds) == len(set.union(*seeds)) == 10
    assert all(len(data.samples(part)) == 12 * len(data.part(part)) for part in PARTS)  # three axes of four slices
    assert torch.isfinite(data.samples("train").in_memory().values).all()


def test_the_command_beside_a_campaign(growing: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Pairs are being grown (their lock is held) while the data set is built, used, and built of more."""
    study, folder = growing
    asked = study.model_copy(update={"dataset": study.dataset.model_copy(update={"partial": False})})

    def command(*arguments: str) -> dict[str, Any]:
        capsys.readouterr()
        assert invoke([*arguments, "--json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    run = str(folder.root)
    with open_for_work(asked, folder, "simulate", grows=True, alone=False):
        assert invoke(["dataset", run]) == 2
        assert "seed00004" in capsys.readouterr().err
        assert StudyConfig.from_toml(folder.study).dataset.partial is False
        first = command("dataset", run, "--partial")
        assert (first["status"], first["pairs"], first["planned"]) == ("done", 10, 30)
        assert StudyConfig.from_toml(folder.study).dataset.partial is True
        write_pair(study, 4, folder)
        more = command("dataset", run)
        assert (more["status"], more["pairs"]) == ("done", 11)
        assert command("dataset", run)["status"] == "skipped"
    shutil.rmtree(folder.dataset / "cache")  # no output: nothing is done again for it
    assert command("dataset", run)["status"] == "skipped"
