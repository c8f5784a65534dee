"""A method of attribution of the user's own: in the tables, the maps and the page; refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import build
from weakfield.explain import attributions
from weakfield.explain import run as explain
from weakfield.explain.pixels import method
from weakfield.learning import training
from weakfield.report import run as report
from weakfield.stages import FolderStage
from weakfield.study import STAGES

SOURCE = """
import torch

def squared(network, samples, baselines):
    inputs = samples.clone().requires_grad_()
    network(inputs).sum().backward()
    return inputs.grad ** 2

def scalar(network, samples, baselines):
    return network(samples)

def words(network, samples, baselines):
    return "much"

def infinite(network, samples, baselines):
    return samples / 0

number = 3
"""
NAME = "own_method_of_a_test:squared"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "own_method_of_a_test.py"
    path.write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def trained(tmp_path: Path, module: Path) -> tuple[StudyConfig, RunFolder]:
    study = tiny_study(
        pairs=6,
        training={"epochs": 1, "mean_kept_too": False},
        explain={
            "pairs": 2, "methods": ("gradient", NAME), "trust_methods": (NAME,), "triangle_shells": 0,
            "perturbations": 2, "fractions": 4, "trust_epochs": 1,
        },
    )  # fmt: skip
    folder = write_run(study, tmp_path / "run", scale=1.5)
    build.run(study, folder)
    training.run(study, folder)
    return study, folder


@pytest.mark.slow(minutes=0.1)
def test_its_maps_are_summed_tested_and_shown(trained: tuple[StudyConfig, RunFolder], module: Path) -> None:
    study, folder = trained
    explain.check(study)
    explain.run(study, folder)
    found = attributions(folder)
    assert list(found.methods().index) == ["gradient", NAME]
    assert list(found.trusted().index) == [NAME]
    maps = found.maps
    np.testing.assert_allclose(maps[NAME], maps["gradient"] ** 2, rtol=1e-5)  # kept in single precision
    assert found.methods().loc[NAME, "sum"] > 0
    assert NAME in repr(found)
    report.run(study, folder)
    assert "squared" in (folder.report / "index.html").read_text()

    stage = next(stage for stage in STAGES if stage.name == "explain")
    assert isinstance(stage, FolderStage)
    read = dict.fromkeys(stage.reads, "x")
    key, kept = stage.key(study, read), folder.explain / "seeds" / f"pair{found.explanation.seed:05d}.json"
    before = kept.stat().st_mtime_ns
    explain.run(study, folder)
    assert kept.stat().st_mtime_ns == before
    module.write_text(SOURCE + "# another thought\n")
    assert stage.key(study, read) != key
    explain.run(study, folder)
    assert kept.stat().st_mtime_ns != before


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("no_such_module_here:f", r"explain.methods is 'no_such_module_here:f' but No module named"),
        ("own_method_of_a_test:other", r"has no attribute 'other'; expected package.module:NAME"),
        ("own_method_of_a_test:number", r"which is 3, expected a function of a network, samples and baselines"),
    ],
)
def test_what_is_no_method_is_refused_before_anything_runs(module: Path, name: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        explain.check(tiny_study(explain={"trust_methods": (name,)}))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("scalar", r"returned a tensor of shape \(2,\), expected a tensor of the samples' shape \(2, 1, 4, 4, 4\)"),
        ("words", r"returned 'much', expected a tensor"),
        ("infinite", r"returned NaN or infinity, expected finite numbers"),
    ],
)
def test_what_a_method_returns_has_to_be_a_map(module: Path, name: str, sentence: str) -> None:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 1))
    with pytest.raises(BadInput, match=sentence):
        method(f"own_method_of_a_test:{name}")(network, torch.ones(2, 1, 4, 4, 4))
