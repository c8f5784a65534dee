"""The rounding control on real simulations, small ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synthetic import tiny_study
from weakfield.audit.context import Context
from weakfield.audit.controls.newton_newton import double_and_single, grow, other_precision, run
from weakfield.config import RunFolder
from weakfield.dataset import build
from weakfield.simulation import grow_pair


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    study = tiny_study(pairs=3, simulation={"transfer": "eisenstein-hu"}, training={"epochs": 2})
    folder = RunFolder(tmp_path_factory.mktemp("real"))
    for seed in study.seeds.all:
        grow_pair(study, seed, folder)
    build.run(study, folder)
    return Context(study, folder)


def test_only_the_precision_differs(context: Context) -> None:
    own, second = context.study.run_settings("newton", 3).model_dump(), other_precision(context, 3).model_dump()
    assert own["simulation"].pop("precision") == "double"
    assert second["simulation"].pop("precision") == "single"
    assert own == second


def test_the_runs_differ_by_rounding_only(context: Context) -> None:
    folders = {seed: grow(context, seed) for seed in context.study.seeds.all}
    cubes = double_and_single(context, context.study.seeds.all, folders)
    apart = (cubes.values[:, 1] - cubes.values[:, 0]).double().std()
    # cubes have unit variance; single precision keeps seven digits of fields ten times larger than their difference
    assert 0 < apart < 1e-2


def test_finished_runs_are_kept_and_unfinished_ones_discarded(context: Context) -> None:
    folder = grow(context, 4)
    before = (folder / "member.json").stat().st_mtime_ns
    unfinished = context.workplace("newton_newton") / "seed00005.unfinished"
    unfinished.mkdir()
    (unfinished / "junk").write_text("cut off")
    assert grow(context, 4) == folder
    assert (folder / "member.json").stat().st_mtime_ns == before
    (context.workplace("newton_newton") / "seed00005" / "member.json").unlink(missing_ok=True)
    assert (grow(context, 5) / "member.json").exists()
    assert not unfinished.exists()
    assert not (folder.parent / "seed00005" / "junk").exists()


def test_result(context: Context) -> None:
    result = run(context)
    assert result.estimate.low <= result.estimate.value <= result.estimate.high
    assert result.verdict == "inconclusive"  # one test seed decides nothing
    history: Path = context.workplace("newton_newton") / "history.json"
    assert len(json.loads(history.read_text())["epochs"]) == 2
