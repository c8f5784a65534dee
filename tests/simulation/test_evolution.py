"""Properties of whole runs: determinism, precision, and what both members of a pair share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import weakfield as wf
from weakfield.formats import read_settings_ini
from weakfield.mesh.threads import fixed_threads
from weakfield.simulation import grow_member
from weakfield.simulation.clock import Clock
from weakfield.simulation.evolution import THEORIES
from weakfield.simulation.initial_conditions import initial_universe

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
        with fixed_threads(count):
            grow_member(run, folder)
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
