"""Newtonian runs grown again on real simulations, small ones: rounding, threads, transforms; kept by settings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from synthetic import tiny_study
from weakfield.audit.context import Context
from weakfield.audit.controls import newton_fft, newton_threads
from weakfield.audit.controls.newton_newton import other_precision, run
from weakfield.audit.universes import changed, cubes_of, grow_newton, grow_pairs, newton_twins
from weakfield.config import RunFolder
from weakfield.dataset import build
from weakfield.learning import training
from weakfield.simulation import grow_pair


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """Four seeds at N = 16, which our own transforms take."""
    study = tiny_study(
        pairs=4, grid=16, simulation={"transfer": "eisenstein-hu"}, training={"epochs": 1, "mean_kept_too": False}
    )
    folder = RunFolder(tmp_path_factory.mktemp("real"))
    for seed in study.seeds.all:
        grow_pair(study, seed, folder)
    build.run(study, folder)
    training.run(study, folder)
    return Context(study, folder)


def grow(context: Context, seed: int, study=None) -> Path:
    return grow_newton(context, "newton_newton", study or other_precision(context.study), seed)


def test_only_the_precision_differs(context: Context) -> None:
    own, second = (s.run_settings("newton", 3).model_dump() for s in (context.study, other_precision(context.study)))
    assert own["simulation"].pop("precision") == "double"
    assert second["simulation"].pop("precision") == "single"
    assert own == second


def test_the_runs_differ_by_rounding_only(context: Context) -> None:
    folders = {seed: grow(context, seed) for seed in context.study.seeds.all}
    cubes = newton_twins(context, context.study.seeds.all, folders)
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


def test_where_a_run_grows_is_no_part_of_what_it_is(context: Context) -> None:
    """The device is left out of the hash: a folder taken to a machine with another keeps its runs."""
    before = (grow(context, 4) / "member.json").stat().st_mtime_ns
    elsewhere = changed(other_precision(context.study), "simulation", device="auto", deterministic=True)
    assert (grow(context, 4, elsewhere) / "member.json").stat().st_mtime_ns == before
    other_step = changed(other_precision(context.study), "simulation", step_limit_hubble=0.05)
    assert (grow(context, 4, other_step) / "member.json").stat().st_mtime_ns != before


def test_result(context: Context) -> None:
    context.begin(1)
    result = run(context)
    assert result.estimate.low <= result.estimate.value <= result.estimate.high
    assert result.verdict == "inconclusive"  # one test seed decides nothing
    assert (context.spent, context.grown) == (1, 4)
    history: Path = context.workplace("newton_newton") / "history.json"
    assert len(json.loads(history.read_text())["epochs"]) == 1


def test_threads_change_no_bit(context: Context) -> None:
    result = newton_threads.run(context)
    assert (result.estimate.value, result.estimate.high, result.verdict) == (0.0, 0.0, "clean")


def test_transforms_change_last_bits_at_most(context: Context) -> None:
    result = newton_fft.run(context)
    seed = context.dataset.part("test")[0]
    second = context.workplace("newton_fft") / f"seed{seed:05d}-ducc"
    cubes = newton_twins(context, [seed], {seed: second})
    apart = np.abs((cubes.values[:, 1] - cubes.values[:, 0]).numpy()).max()
    assert apart < 1e-4  # float32 keeps seven digits of fields ten times larger than their difference
    assert result.more["different"] < 1


def test_pairs_under_the_same_settings_give_the_same_cubes(context: Context) -> None:
    seeds = context.dataset.part("test")
    folder = grow_pairs(context, "elsewhere", context.study, seeds)
    cubes = cubes_of(context, context.study, folder, seeds)
    assert bool((cubes.values == context.cubes["test"].values).all())
    made = (folder.pair(seeds[0]) / "pair.json").stat().st_mtime_ns
    grow_pairs(context, "elsewhere", context.study, seeds)
    assert (folder.pair(seeds[0]) / "pair.json").stat().st_mtime_ns == made
