"""Properties of whole runs: determinism, precision, and what both members of a pair share."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import weakfield as wf
from weakfield.base.errors import BadInput
from weakfield.config import RunFolder, StudyConfig
from weakfield.formats import read_settings_ini
from weakfield.mesh.threads import threads
from weakfield.simulation import grow_member, grow_pair, simulate
from weakfield.simulation.clock import Clock
from weakfield.simulation.evolution import THEORIES, _evolve
from weakfield.simulation.initial_conditions import initial_universe
from weakfield.simulation.pair import is_whole, pair_settings_hash
from weakfield.study import run_study

DATA = Path(__file__).parents[1] / "data"


def evolve(run, cycles: int, backend: str | None = None):
    """The universe after some cycles."""
    universe = initial_universe(run, backend=backend)
    clock, gravity = (
        Clock(run, universe.background),
        THEORIES[run.simulation.mesh, run.theory, run.simulation.phi_integrator](),
    )
    for _ in range(cycles):
        gravity.solve(universe, clock, True)
        gravity.move(universe, clock)
        clock.advance()
    return universe


@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_same_bits_for_one_and_two_threads(theory, small_run, tmp_path):
    run = small_run(theory, snapshot_fields=("phi", "chi", "B", "T00"), grid=16, snapshot_redshifts=(5.0,))
    fields = []
    for count in (1, 2):
        folder = tmp_path / str(count)
        folder.mkdir()
        with threads(count):
            _evolve(run, folder, None)
        fields.append([wf.load_field(folder / f"snap000_{name}.h5")[0] for name in ("phi", "chi", "B", "T00")])
    assert all(torch.equal(one, two) for one, two in zip(*fields, strict=True))


@pytest.mark.parametrize("theory", ["newton", "gr"])
@pytest.mark.parametrize("vector_method", ["parabolic", "elliptic"])
def test_reference_kernels_give_the_same_universe(theory, vector_method, small_run):
    run = small_run(theory, grid=8, vector_method=vector_method)
    fast, plain = (evolve(run, 6, kind) for kind in ("cpu", "reference"))
    for name in ("phi", "chi", "b_modes"):
        a, b = getattr(fast, name), getattr(plain, name)
        assert float((a - b).abs().max()) <= 1e-11 * float(b.abs().max())
    torch.testing.assert_close(fast.particles.momentum, plain.particles.momentum, rtol=1e-10, atol=1e-16)


def test_single_precision_keeps_the_difference_of_a_pair(small_run, tmp_path):
    """phi_GR - phi_N of single against double precision, relative rms (1 % is asked for)."""
    difference = {}
    for precision in ("double", "single"):
        phi = {}
        for theory in ("newton", "gr"):
            folder = tmp_path / precision / theory
            folder.mkdir(parents=True)
            grow_member(small_run(theory, precision=precision, snapshot_redshifts=(1.0,)), folder)
            phi[theory] = wf.load_field(folder / "snap000_phi.h5")[0]
        difference[precision] = phi["gr"] - phi["newton"]
    error = (difference["single"] - difference["double"]).std() / difference["double"].std()
    assert 0 < error < 0.01


@pytest.mark.slow
def test_single_precision_keeps_the_difference_of_the_study(tmp_path):
    """The settings of class64_*, with CAMB: phi_GR - phi_N in single precision within 1 % rms at every output."""
    phi = {}
    for theory in ("gr", "newton"):
        ini = read_settings_ini(DATA / f"class64_{theory}" / "settings.ini")
        for precision in ("double", "single"):
            simulation = ini.settings.simulation.model_copy(update={"precision": precision, "transfer": "camb"})
            run = ini.settings.model_copy(update={"simulation": simulation})
            folder = tmp_path / theory / precision
            folder.mkdir(parents=True)
            paths = [path for path in grow_member(run, folder) if path.name.endswith("_phi.h5")]
            phi[theory, precision] = [wf.load_field(path)[0].double() for path in paths]
    redshifts = ini.settings.simulation.snapshot_redshifts
    assert {10.0, 1.0, 0.0} <= set(redshifts)
    for index in range(len(redshifts)):
        difference = {p: phi["gr", p][index] - phi["newton", p][index] for p in ("double", "single")}
        error = (difference["single"] - difference["double"]).std() / difference["double"].std()
        assert 0 < float(error) < 0.01


def test_newtonian_mean_is_zero_and_the_relativistic_one_grows(small_run):
    newton, gr = evolve(small_run("newton"), 30), evolve(small_run("gr"), 30)
    assert abs(float(newton.phi.mean())) < 1e-14 * float(newton.phi.std())
    assert float(gr.phi.mean()) > 1e-6 * float(gr.phi.std())


def test_frame_dragging_is_transverse_and_chi_has_no_mean(small_run):
    universe = evolve(small_run("gr"), 5)
    kx, ky, kz = universe.lattice.kappa()
    b = universe.b_modes
    divergence = kx * b[0] + ky * b[1] + kz * b[2]
    longitudinal_scale = (b.abs().sum(0) * universe.lattice.k2().sqrt()).max()
    assert divergence.abs().max() < 1e-13 * longitudinal_scale
    assert abs(float(universe.chi.mean())) < 1e-14 * float(universe.chi.std())


def test_unstable_run_ends_in_a_sentence(small_run, tmp_path):
    run = small_run("gr", step_limit_hubble=1.0, box_size_mpch=2.0, snapshot_redshifts=(0.0,))
    universe = initial_universe(run)
    universe.phi.fill_(float("nan"))
    from weakfield.base.errors import WeakfieldError
    from weakfield.simulation.output import Outputs

    with pytest.raises(WeakfieldError, match="became unstable in cycle 0"):
        Outputs(run, tmp_path).write_due(universe, Clock(run, universe.background))


def tiny_study(**changes) -> StudyConfig:
    values = {
        "name": "tiny",
        "seeds": {"first": 3, "count": 2},
        "simulation": {"grid": 8, "box_size_mpch": 160.0, "step_limit_hubble": 0.1, "transfer": "eisenstein-hu"},
    }
    return StudyConfig.from_mapping(values | changes)


def test_pair_is_whole_or_absent_and_never_mixed(tmp_path):
    folder, study = RunFolder(tmp_path), tiny_study()
    leftover = tmp_path / "pairs" / ".seed00003.partial" / "gr"
    leftover.mkdir(parents=True)
    (leftover / "snap000_phi.h5").write_bytes(b"half a file")
    grow_pair(study, 3, folder)
    assert not leftover.parent.exists()
    before = (folder.pair(3) / "pair.json").stat().st_mtime_ns
    grow_pair(study, 3, folder)
    assert (folder.pair(3) / "pair.json").stat().st_mtime_ns == before  # nothing done again
    other = tiny_study(cosmology={"h": 0.7})
    with pytest.raises(BadInput, match="other settings"):
        grow_pair(other, 3, folder)


KILLED_AT = """
import os, signal, sys
from weakfield.config import RunFolder, StudyConfig
from weakfield.simulation.pair import grow_pair
study, folder, name = sys.argv[1:]
replace = os.replace
def dies(source, target):
    if os.path.basename(target) == name:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
os.replace = dies
grow_pair(StudyConfig.from_toml(study), 3, RunFolder(folder))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["settings", "snap000_phi.h5", "newton.seconds", "gr.seconds", "pair.json", "seed00003"]
)
def test_a_pair_killed_at_a_rename_leaves_nothing_in_the_one_that_follows(tmp_path, name):
    study = tiny_study()
    (tmp_path / "study.toml").write_text(study.to_toml())
    command = [sys.executable, "-c", KILLED_AT, str(tmp_path / "study.toml"), str(tmp_path / "killed"), name]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    assert list((tmp_path / "killed" / "pairs").rglob(".*.partial"))
    grow_pair(study, 3, RunFolder(tmp_path / "killed"))
    grow_pair(study, 3, RunFolder(tmp_path / "whole"))
    whole, killed = (contents(tmp_path / root / "pairs") for root in ("whole", "killed"))
    assert whole.keys() == killed.keys()
    assert [path for path in whole if whole[path] != killed[path] and not path.endswith("pair.json")] == []


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_pair_differs_in_the_theory_alone(tmp_path):
    """Same seed, same noise: the two potentials agree to about a per cent and are not equal."""
    folder = RunFolder(tmp_path)
    grow_pair(tiny_study(), 3, folder)
    newton, gr = (wf.load_field(folder.member(3, t) / "snap001_phi.h5")[0].double() for t in ("newton", "gr"))
    apart = float((newton - gr).std() / newton.std())
    assert 1e-5 < apart < 0.03
    assert float(np.corrcoef(newton.flatten(), gr.flatten())[0, 1]) > 0.999


def test_simulate_grows_every_pair_of_a_study(tmp_path):
    (tmp_path / "tiny.toml").write_text(tiny_study().to_toml())
    paths = simulate(tmp_path / "tiny.toml", tmp_path / "run")
    assert {p.parts[-2] for p in paths if p.name == "pair.json"} == {"seed00003", "seed00004"}
    assert all(p.exists() for p in paths)
    study = StudyConfig.from_toml(tmp_path / "run" / "study.toml")
    (outcome,) = run_study(study, tmp_path / "run", only="simulate")
    assert (outcome.status, outcome.summary["pairs"]) == ("skipped", 2)
    starts = json.loads((tmp_path / "run" / "provenance.json").read_text())["starts"]
    assert [start["stages"] for start in starts] == ["simulate", "simulate"]
    with pytest.raises(BadInput, match=r"holds pairs grown with cosmology\.n_s"):
        simulate(
            study.model_copy(update={"cosmology": study.cosmology.model_copy(update={"n_s": 0.9})}), tmp_path / "run"
        )


def test_run_again_in_the_same_folder_writes_the_same_bytes(small_run, tmp_path):
    """Spectra files of an earlier run are not taken for those of the cycle before (two targets pass in one step)."""
    run = small_run(
        "newton", phi_integrator="euler", exact_redshifts=False, step_limit_hubble=0.3,
        snapshot_redshifts=(10.0,), spectra_redshifts=(120.0, 50.0, 49.5, 10.0),
    )  # fmt: skip
    first = {path: path.read_bytes() for path in grow_member(run, tmp_path)}
    second = {path: path.read_bytes() for path in grow_member(run, tmp_path)}
    assert first == second
    assert len([path for path in first if path.name.endswith("phi.dat")]) == 4


def test_damaged_pair_is_grown_again_and_inputs_count_by_content(tmp_path):
    folder, study = RunFolder(tmp_path / "run"), tiny_study()
    grow_pair(study, 3, folder)
    field = folder.member(3, "gr") / "snap000_phi.h5"
    whole = field.read_bytes()
    field.write_bytes(whole[:-100])
    assert not is_whole(study, 3, folder)
    grow_pair(study, 3, folder)
    assert field.read_bytes() == whole
    table = tmp_path / "tk.dat"
    table.write_text((Path(__file__).parents[1] / "data" / "tk_z100.dat").read_text())
    moved = tmp_path / "elsewhere.dat"
    moved.write_text(table.read_text())

    def hash_with(path: Path) -> str:
        settings = {
            "grid": 8, "start": "linear", "transfer": "file", "transfer_file": path, "newton_velocities": "poisson",
        }  # fmt: skip
        return pair_settings_hash(tiny_study(simulation=settings))

    assert hash_with(table) == hash_with(moved)
    moved.write_text(moved.read_text() + "# changed\n")
    assert hash_with(table) != hash_with(moved)
