"""Newtonian runs grown again on real simulations, small ones: rounding, threads, transforms; kept by settings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from helpers.synthetic import tiny_study
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.controls.first_order import first_order, parted
from weakfield.audit.controls.rounding import newton_fft, newton_newton, newton_threads, other_precision
from weakfield.audit.universes import changed, cubes_of, grow_newton, grow_pairs, inverses, newton_pairs
from weakfield.config import Inverse, RunFolder
from weakfield.dataset import build
from weakfield.learning import training
from weakfield.pairs import grow_pair


@pytest.fixture(scope="module", params=[("staggered", "linear"), ("spectral", "growing-mode")], ids=lambda p: p[0])
def context(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AuditRun:
    """Four seeds at N = 16, which our own transforms take, on either mesh."""
    mesh, start = request.param
    box = {"transfer": "eisenstein-hu", "mesh": mesh, "start": start, "step_limit_hubble": 0.06}
    study = tiny_study(pairs=4, grid=16, simulation=box, training={"epochs": 1, "mean_kept_too": False})
    folder = RunFolder(tmp_path_factory.mktemp("real"))
    for seed in study.seeds.all:
        grow_pair(study, seed, folder)
    build.run(study, folder)
    training.run(study, folder)
    return AuditRun(study, folder)


def grow(context: AuditRun, seed: int, study=None) -> Path:
    return grow_newton(context, "newton_newton", study or other_precision(context.study), [seed])[seed]


def test_only_the_precision_differs(context: AuditRun) -> None:
    own, second = (s.run_settings("newton", 3).model_dump() for s in (context.study, other_precision(context.study)))
    assert own["simulation"].pop("precision") == "double"
    assert second["simulation"].pop("precision") == "single"
    assert own == second


@pytest.mark.slow(minutes=0.1)
def test_the_runs_differ_by_rounding_only(context: AuditRun) -> None:
    folders = {seed: grow(context, seed) for seed in context.study.seeds.all}
    cubes = newton_pairs(context, context.study.seeds.all, folders)
    apart = (cubes.values[:, 1] - cubes.values[:, 0]).double().std()
    # cubes have unit variance; single precision keeps seven digits of fields ten times larger than their difference
    assert 0 < apart < 1e-2


def test_finished_runs_are_kept_and_unfinished_ones_discarded(context: AuditRun) -> None:
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


def test_where_a_run_grows_is_no_part_of_what_it_is(context: AuditRun) -> None:
    """The device is left out of the hash: a folder taken to a machine with another keeps its runs."""
    before = (grow(context, 4) / "member.json").stat().st_mtime_ns
    elsewhere = changed(other_precision(context.study), "simulation", device="auto", deterministic=True)
    assert (grow(context, 4, elsewhere) / "member.json").stat().st_mtime_ns == before
    other_step = changed(other_precision(context.study), "simulation", step_limit_hubble=0.05)
    assert (grow(context, 4, other_step) / "member.json").stat().st_mtime_ns != before


def test_result(context: AuditRun) -> None:
    context.begin(1)
    result = newton_newton(context)
    assert result.estimate.low <= result.estimate.value <= result.estimate.high
    assert result.verdict == "inconclusive"  # one test seed decides nothing
    assert (context.spent, context.grown) == (1, 4)
    history: Path = context.workplace("newton_newton") / "history.json"
    assert len(json.loads(history.read_text())["epochs"]) == 1


def test_threads_change_no_bit(context: AuditRun) -> None:
    result = newton_threads(context)
    assert (result.estimate.value, result.estimate.high, result.verdict) == (0.0, 0.0, "clean")


def test_transforms_change_last_bits_at_most(context: AuditRun) -> None:
    result = newton_fft(context)
    seed = context.dataset.part("test")[0]
    second = context.workplace("newton_fft") / f"seed{seed:05d}-ducc"
    cubes = newton_pairs(context, [seed], {seed: second})
    apart = np.abs((cubes.values[:, 1] - cubes.values[:, 0]).numpy()).max()
    assert apart < 1e-4  # float32 keeps seven digits of fields ten times larger than their difference
    assert result.more["different"] < 1


def test_pairs_under_the_same_settings_give_the_same_cubes(context: AuditRun) -> None:
    seeds = context.dataset.part("test")
    folder = grow_pairs(context, "elsewhere", context.study, seeds)
    cubes = cubes_of(context, context.study, folder, seeds)
    assert bool((cubes.values == context.cubes["test"].values).all())
    made = (folder.pair(seeds[0]) / "pair.json").stat().st_mtime_ns
    grow_pairs(context, "elsewhere", context.study, seeds)
    assert (folder.pair(seeds[0]) / "pair.json").stat().st_mtime_ns == made


def test_inverses_are_grown_once_unless_the_run_has_them(context: AuditRun) -> None:
    (seed,) = context.dataset.part("test")
    context.begin(0, "first_order")
    result = first_order(context)
    assert context.grown == 2
    assert result.verdict == "inconclusive"  # one seed decides nothing
    assert result.estimate.value + result.more["even"].value == pytest.approx(1)
    own = inverses(context, "first_order", [seed])[seed]
    assert own.root.parent == context.workplace("first_order")
    made = (own.pair(Inverse(seed)) / "pair.json").stat().st_mtime_ns
    with_odd, with_even, _ = parted(context, [seed])
    assert (own.pair(Inverse(seed)) / "pair.json").stat().st_mtime_ns == made
    # the parts are added to the network's own cubes
    assert bool((with_odd.values[0, 0] == context.cubes["test"].values[0, 0]).all())
    assert bool((with_even.values[0, 1] == context.cubes["test"].values[0, 1]).all())

    grow_pair(context.study, Inverse(seed), context.folder)
    other = inverses(context, "first_order", [seed])[seed]
    assert other.root == context.folder.root
    again = parted(context, [seed])[0]
    assert bool((again.values == with_odd.values).all())
    shutil.rmtree(context.folder.pair(Inverse(seed)))
