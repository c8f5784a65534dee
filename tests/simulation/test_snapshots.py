"""What a snapshot holds: Gadget-2 files as the reference program writes them, thinned and coarsened outputs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import weakfield as wf
from weakfield.formats import load_gadget, load_particles, read_spectrum_text
from weakfield.simulation import grow_member
from weakfield.simulation.clock import Clock
from weakfield.simulation.evolution import THEORIES
from weakfield.simulation.initial_conditions import initial_universe
from weakfield.simulation.snapshots import coarsened, gadget_snapshot, snapshot_field

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def gadget_run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("gadget16")
    shutil.copy(DATA / "tk_z100.dat", folder)
    text = (DATA / "gadget16_gr" / "settings.ini").read_text().replace("50, 10, 1", "10")
    (folder / "settings.ini").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        wf.simulate("settings.ini")
    return folder / "output"


def test_gadget_snapshot_of_the_reference_program(gadget_run):
    ours, theirs = load_gadget(gadget_run / "snap000_cdm"), load_gadget(DATA / "gadget16_gr" / "snap000_cdm")
    assert np.array_equal(ours.ids, theirs.ids)
    for name in ("scale_factor", "box_size_mpch", "omega_m", "omega_lambda", "h", "particle_density"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-15)
    # stored as float32: the last digit may round either way
    np.testing.assert_allclose(ours.positions, theirs.positions, rtol=2.4e-7)
    np.testing.assert_allclose(ours.momenta, theirs.momenta, rtol=1e-6, atol=1e-6 * np.abs(theirs.momenta).max())


def test_gadget_header_byte_by_byte(gadget_run):
    ours, theirs = ((folder / "snap000_cdm").read_bytes() for folder in (gadget_run, DATA / "gadget16_gr"))
    assert len(ours) == len(theirs)
    assert ours[:264] == theirs[:264]


def universe_after(run, cycles: int):
    universe = initial_universe(run)
    clock, gravity = (
        Clock(run, universe.background),
        THEORIES[run.simulation.mesh, run.theory, run.simulation.phi_integrator](),
    )
    for _ in range(cycles):
        gravity.solve(universe, clock, True)
        gravity.move(universe, clock)
        clock.advance()
    gravity.solve(universe, clock, True)
    return universe, clock


@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_where_steps_land_only_momenta_are_carried_on(small_run, theory):
    universe, clock = universe_after(small_run(theory), 3)
    snapshot = gadget_snapshot(universe, clock, clock.redshift)
    order = np.argsort(universe.particles.ids.numpy())
    np.testing.assert_allclose(snapshot.positions, universe.particles.positions().numpy().T[order], atol=1e-14)
    kicked = universe_after(small_run(theory), 3)[0].particles.momentum
    gradient = universe.kernels.gradient(universe.particles, universe.phi) * universe.n
    kicked -= 0.5 * clock.previous_step * clock.a * gradient
    # q^2 / a^2 is below 1e-4
    np.testing.assert_allclose(snapshot.momenta, kicked.numpy().T[order], rtol=1e-3, atol=1e-9)


def test_thinned_and_coarsened_outputs(small_run, tmp_path):
    fields = ("phi", "B", "hij")
    for name, changes in {"full": {}, "less": {"tracer_factor": 8, "downgrade_factor": 4}}.items():
        (tmp_path / name).mkdir()
        run = small_run(
            "gr", snapshot_fields=fields, snapshot_particles=True, snapshot_gadget=True, spectra_redshifts=(),
            snapshot_redshifts=(60.0,), **changes,
        )  # fmt: skip
        grow_member(run, tmp_path / name)
    full, less = tmp_path / "full", tmp_path / "less"
    for name in fields:
        fine, coarse = (wf.load_field(folder / f"snap000_{name}.h5")[0] for folder in (full, less))
        assert coarse.shape[-1] == 4
        block = fine[..., 4:8, 8:12, 12:16]
        torch.testing.assert_close(coarse[..., 1, 2, 3], block.mean(dim=(-3, -2, -1)), rtol=1e-12, atol=1e-20)
    for load, name in ((load_particles, "snap000_cdm.h5"), (load_gadget, "snap000_cdm")):
        every, eighth = load(full / name), load(less / name)
        assert np.array_equal(eighth.ids, np.arange(0, 16**3, 8))
        assert np.array_equal(eighth.positions, every.positions[::8])
        assert np.array_equal(eighth.momenta, every.momenta[::8])


def test_coarsening_keeps_the_mean():
    field = torch.randn((3, 8, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert coarsened(field, 1) is field
    torch.testing.assert_close(coarsened(field, 2).mean(dim=(1, 2, 3)), field.mean(dim=(1, 2, 3)))
    assert coarsened(field, 8).shape == (3, 1, 1, 1)


def test_densities_of_matter(small_run):
    """The plain density has the mean of matter; T00 differs from it by kinetic energy and the metric."""
    universe, clock = universe_after(small_run("gr"), 2)
    density, t00 = (snapshot_field(universe, clock, name) for name in ("rhoN", "T00"))
    assert float(density.mean()) == pytest.approx(universe.mean_density, rel=1e-13)
    torch.testing.assert_close(t00, density * (1 + 3 * universe.phi), rtol=1e-6, atol=0.0)
    newton, newton_clock = universe_after(small_run("newton"), 2)
    torch.testing.assert_close(snapshot_field(newton, newton_clock, "psiN"), newton.phi, rtol=1e-11, atol=1e-18)
    assert torch.equal(snapshot_field(newton, newton_clock, "rhoN"), snapshot_field(newton, newton_clock, "T00"))


def test_momentum_density_and_stress_sum_over_particles(small_run):
    universe, clock = universe_after(small_run("gr"), 2)
    total = universe.particles.mass * universe.particles.momentum.sum(1)
    scale = universe.particles.mass * universe.particles.momentum.abs().sum(1)
    mean = snapshot_field(universe, clock, "p").mean(dim=(1, 2, 3))
    assert float(((mean - total) / scale).abs().max()) < 1e-4  # the metric factor 1 + 2 phi is not uniform
    stress = snapshot_field(universe, clock, "Tij")
    assert stress.shape == (6, 16, 16, 16)
    kinetic = universe.particles.mass * (universe.particles.momentum**2).sum(1) / clock.a**2
    torch.testing.assert_close(stress[[0, 3, 5]].mean(dim=(1, 2, 3)), kinetic, rtol=1e-3, atol=0.0)


def test_spectra_of_newtonian_quantities(small_run, tmp_path):
    fields = ("phi", "psiN", "rhoN", "deltaN", "delta")
    run = small_run("newton", snapshot_redshifts=(), spectra_redshifts=(60.0,), spectra_fields=fields)
    grow_member(run, tmp_path)
    power = {name: read_spectrum_text(tmp_path / f"pk000_{name}.dat").dimensionless for name in fields}
    np.testing.assert_allclose(power["psiN"], power["phi"], rtol=1e-6)
    np.testing.assert_array_equal(power["deltaN"], power["delta"])
    # printed with seven digits
    scale = run.cosmology.Omega_m**2 * 61.0**6
    np.testing.assert_allclose(power["rhoN"], power["delta"] * scale, rtol=3e-6)
