"""One universe on every kind of kernel; and what a GPU changes around it: files written behind, what is shared."""

from __future__ import annotations

import threading
import time

import pytest
import torch

import weakfield as wf
from helpers.synthetic import tiny_study
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import read_json
from weakfield.config import RunFolder, SimulationSettings
from weakfield.mesh.devices import device_for, why_not
from weakfield.pairs import grower
from weakfield.pairs.grower import PairGrower, grow_pair
from weakfield.pairs.manifest import settings_hash, why_incomplete
from weakfield.simulation import grow_member
from weakfield.simulation.clock import Clock
from weakfield.simulation.evolution import THEORIES
from weakfield.simulation.initial_conditions import initial_universe
from weakfield.simulation.output import Outputs
from weakfield.simulation.study_cache import StudyCache
from weakfield.simulation.writer import DirectWriter, ThreadedWriter

on_a_gpu = pytest.mark.skipif(why_not() is not None, reason=f"needs a GPU: {why_not()}")
#: of whole runs whose sums have another order, relative to the largest value of a field (docs/gpu.md)
AGREEMENT = {"double": 1e-11, "single": 1e-5}


def evolve(run, cycles: int, backend: str | None = None, shared: StudyCache | None = None):
    """The universe after some cycles."""
    universe = initial_universe(run, backend=backend, shared=shared)
    clock, gravity = (
        Clock(run, universe.background),
        THEORIES[run.simulation.mesh, run.theory, run.simulation.phi_integrator](),
    )
    for _ in range(cycles):
        gravity.solve(universe, clock, True)
        gravity.move(universe, clock)
        clock.advance()
    return universe


def assert_same_universe(a, b, precision: str) -> None:
    pairs = {name: (getattr(a, name), getattr(b, name)) for name in ("phi", "chi", "b_modes")}
    pairs |= {name: (getattr(a.particles, name), getattr(b.particles, name)) for name in ("displacement", "momentum")}
    for name, (x, y) in pairs.items():
        x, y = x.cpu(), y.cpu()
        assert float((x - y).abs().max()) <= AGREEMENT[precision] * float(y.abs().max()), name


@pytest.mark.parametrize("kind", ["reference", pytest.param("cuda", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("theory", "changes"),
    [
        ("gr", {}),
        ("gr", {"transfer": "camb"}),  # with radiation
        ("gr", {"phi_integrator": "euler", "vector_method": "elliptic"}),
        ("newton", {}),
        ("newton", {"transfer": "camb"}),
    ],
)
def test_every_kind_of_kernel_grows_the_same_universe(kind, theory, changes, small_run):
    """Four cycles on 8 cells a side; without a GPU the Triton kernels are interpreted."""
    if kind == "cuda":
        pytest.importorskip("triton", reason="Triton is not installed: pip install 'weakfield[test]'")
    run = small_run(theory, grid=8, box_size_mpch=160.0, **changes)
    assert_same_universe(evolve(run, 4, kind), evolve(run, 4, "cpu"), "double")


@pytest.mark.parametrize("theory", [pytest.param("gr", marks=pytest.mark.slow), "newton"])
def test_single_precision_in_the_interpreter(theory, small_run):
    pytest.importorskip("triton", reason="Triton is not installed: pip install 'weakfield[test]'")
    run = small_run(theory, grid=8, box_size_mpch=160.0, precision="single")
    assert_same_universe(evolve(run, 4, "cuda"), evolve(run, 4, "cpu"), "single")


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "cycles"), [("reference", 12), ("cuda", 3)])
@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("theory", ["gr", "newton"])
def test_kinds_agree_at_64_cells_a_side(theory, precision, kind, cycles, small_run):
    """What a GPU is held to, 1e-11 and 1e-5 of phi, chi, B and particles; without one, in Triton's interpreter."""
    if kind == "cuda":
        pytest.importorskip("triton", reason="Triton is not installed: pip install 'weakfield[test]'")
    run = small_run(theory, grid=64, box_size_mpch=1280.0, precision=precision)
    assert_same_universe(evolve(run, cycles, kind), evolve(run, cycles, "cpu"), precision)


def test_the_setting_chooses_the_device(monkeypatch):
    assert device_for("cpu").type == "cpu"
    monkeypatch.setenv("WEAKFIELD_DEVICE", "cpu")
    assert device_for("auto").type == "cpu"
    monkeypatch.setenv("WEAKFIELD_DEVICE", "gpu")
    with pytest.raises(BadInput, match="WEAKFIELD_DEVICE is 'gpu'"):
        device_for("auto")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadInput, match="device is 'cuda' but PyTorch finds no CUDA GPU"):
        device_for("cuda")
    monkeypatch.delenv("WEAKFIELD_DEVICE")
    assert device_for("auto").type == "cpu"


def test_the_device_is_no_part_of_what_a_run_is():
    """Pairs grown here and there agree to rounding, and may lie in one folder; each says where it was grown."""
    study = tiny_study()
    moved = tiny_study(simulation={"device": "cuda", "deterministic": True})
    assert settings_hash(study) == settings_hash(moved)
    assert "device" not in SimulationSettings().identity()


def test_a_pair_says_where_it_grew_and_does_not_mix_devices(tmp_path, monkeypatch):
    """A member that was finished on another kind of device is not completed to a pair here."""
    study = tiny_study(simulation={"transfer": "eisenstein-hu", "step_limit_hubble": 0.1})
    folder = RunFolder(tmp_path)

    def dies(run, *arguments, **options):
        if run.theory == "gr":
            raise KeyboardInterrupt
        return grow_member(run, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(grower, "grow_member", dies)
        with pytest.raises(KeyboardInterrupt):
            grow_pair(study, 3, folder)
    key = folder.pairs / ".seed00003.partial" / "settings"
    assert key.read_text().endswith(" cpu")
    key.write_text(key.read_text().replace(" cpu", " cuda"))
    stamp = folder.pairs / ".seed00003.partial" / "newton.seconds"
    stamp.write_text("12345.0")
    grow_pair(study, 3, folder)
    manifest = read_json(folder.pair(3) / "pair.json")
    assert manifest["device"] == "cpu"
    assert manifest["seconds"]["newton"] < 12345


def test_what_is_shared_changes_nothing(small_run):
    """Both members and another seed with the same StudyCache: bit by bit what each alone gives."""
    runs = [small_run("newton", grid=8), small_run("gr", grid=8), small_run("gr", seed=6, grid=8)]
    shared = StudyCache(runs[0])
    shared.tables = {}  # as on a GPU
    for run in runs:
        ours, alone = evolve(run, 3, shared=shared), evolve(run, 3)
        assert torch.equal(ours.phi, alone.phi)
        assert torch.equal(ours.particles.displacement, alone.particles.displacement)
    assert not shared.serves(small_run("gr", grid=8, box_size_mpch=100.0))


def test_tables_of_radiation_are_made_once_for_all_seeds(small_run, monkeypatch):
    runs = [small_run("gr", seed=seed, grid=8, transfer="camb") for seed in (5, 6)]
    shared = StudyCache(runs[0])
    shared.tables = {}
    first = evolve(runs[0], 3, shared=shared)
    known = set(shared.tables)
    assert {kind for _, kind, _ in known} == {"density", "chi"}
    second = evolve(runs[1], 3, shared=shared)
    assert set(shared.tables) == known
    assert torch.equal(second.phi, evolve(runs[1], 3).phi)
    assert not torch.equal(first.phi, second.phi)


def test_files_written_behind_are_the_files(tmp_path, small_run):
    run = small_run("gr", grid=16, snapshot_redshifts=(50.0, 20.0), snapshot_fields=("phi", "chi"))
    now, later = tmp_path / "now", tmp_path / "later"
    now.mkdir()
    later.mkdir()
    expected = grow_member(run, now)
    with ThreadedWriter() as writer:
        paths = grow_member(run, later, writer=writer)
    assert [path.name for path in paths] == [path.name for path in expected]
    fields = [path.name for path in paths if path.suffix == ".h5"]
    assert len(fields) == 4
    for name in fields:
        assert torch.equal(wf.load_field(now / name)[0], wf.load_field(later / name)[0])


def test_the_writer_keeps_the_order_and_hands_errors_over():
    done: list[int] = []
    caller = threading.get_ident()
    with ThreadedWriter() as writer:
        for i in range(40):  # more than may wait
            writer.submit(lambda i=i: (time.sleep(0.001), done.append(i), done.append(threading.get_ident() - caller)))
        writer.settle()
        assert done[::2] == list(range(40))
        assert all(done[1::2])  # another thread

    def fails():
        raise WeakfieldError("disk full")

    def left_by(job, error=None):
        with ThreadedWriter() as writer:
            writer.submit(job)
            writer.submit(lambda: done.append(-1))
            if error is not None:
                raise error

    with pytest.raises(WeakfieldError, match="disk full"):
        left_by(fails)
    with pytest.raises(KeyboardInterrupt):
        left_by(lambda: time.sleep(0.05), KeyboardInterrupt())
    assert -1 not in done
    DirectWriter().submit(lambda: done.append(-2))
    assert done[-1] == -2


def test_lines_of_the_background_may_wait(tmp_path, small_run, monkeypatch):
    """As on a GPU: several lines at once give the same file, and an unstable run is named by the cycle it broke in."""
    run = small_run("gr", grid=8, snapshot_redshifts=(), spectra_redshifts=(20.0,))
    universe = evolve(run, 1)
    clock = Clock(run, universe.background)
    one, many = Outputs(run, tmp_path / "one"), Outputs(run, tmp_path / "many")
    THEORIES["staggered", "gr", "second-order"]().solve(universe, clock, True)
    write = Outputs._write_background
    for cycle in range(3):
        clock.cycle = cycle
        one._note_background(universe, clock)
        with monkeypatch.context() as patch:
            patch.setattr(Outputs, "_write_background", lambda self: None)
            many._note_background(universe, clock)
    assert many.background_text() == ""
    write(many)
    assert many.background_text() == one.background_text()
    assert len(one.background_text().splitlines()) == 5
    universe.phi[0, 0, 0] = torch.nan
    with pytest.raises(WeakfieldError, match="unstable in cycle 2"):
        one._note_background(universe, clock)


def test_pairs_of_a_grower_are_whole_at_its_end(tmp_path):
    study = tiny_study(pairs=2, simulation={"transfer": "eisenstein-hu", "step_limit_hubble": 0.1})
    folder = RunFolder(tmp_path)
    pairs = PairGrower(study, folder, alone=True)
    with pairs.writing():
        for seed in study.seeds.all:
            pairs.grow(seed)
    assert all(why_incomplete(study, seed, folder) is None for seed in study.seeds.all)


@on_a_gpu
@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("theory", ["gr", "newton"])
@pytest.mark.parametrize("deterministic", [False, True])
def test_gpu_agrees_with_the_cpu(theory, precision, deterministic, small_run):
    """N = 64, twenty cycles with radiation."""
    changes = {"grid": 64, "box_size_mpch": 1280.0, "precision": precision, "transfer": "camb"}
    there = small_run(theory, device="cuda", deterministic=deterministic, **changes)
    gpu, cpu = evolve(there, 20), evolve(small_run(theory, device="cpu", **changes), 20)
    assert gpu.phi.is_cuda
    assert_same_universe(gpu, cpu, precision)
    if deterministic:
        assert torch.equal(evolve(there, 20).phi, gpu.phi)


@on_a_gpu
def test_gpu_memory_is_stable_over_pairs(tmp_path):
    study = tiny_study(pairs=5, simulation={"grid": 32, "transfer": "camb", "device": "cuda", "step_limit_hubble": 0.1})
    folder, held = RunFolder(tmp_path), []
    pairs = PairGrower(study, folder, alone=True)
    with pairs.writing():
        for seed in study.seeds.all:
            pairs.grow(seed)
            held.append(torch.cuda.memory_allocated())
    assert len(set(held[1:])) == 1
    assert all(why_incomplete(study, seed, folder) is None for seed in study.seeds.all)


@on_a_gpu
def test_gpu_checkpoints_go_on(tmp_path, small_run, monkeypatch):
    from weakfield.config import OutputSettings
    from weakfield.simulation import evolution
    from weakfield.simulation.checkpoint import Checkpoints

    run = small_run("gr", device="cuda", deterministic=True, snapshot_redshifts=(20.0,), spectra_redshifts=())
    run = run.model_copy(update={"output": OutputSettings(dtype="float64", checkpoint_every=5)})
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    grow_member(run, whole)
    keep = Checkpoints.keep

    def dying(self, universe, clock, outputs):
        keep(self, universe, clock, outputs)
        if clock.cycle == 12:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(evolution.Checkpoints, "keep", dying)
        with pytest.raises(KeyboardInterrupt):
            grow_member(run, broken)
    grow_member(run, broken)
    assert torch.equal(wf.load_field(whole / "snap000_phi.h5")[0], wf.load_field(broken / "snap000_phi.h5")[0])
