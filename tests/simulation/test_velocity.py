"""The velocity of matter, against the reference program and against flows that are known."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import weakfield as wf
from weakfield.base.errors import BadInput
from weakfield.config import SimulationSettings
from weakfield.formats.spectra_text import read_spectrum_text
from weakfield.mesh import fft
from weakfield.simulation.clock import Clock
from weakfield.simulation.evolution import grow_member
from weakfield.simulation.initial_conditions import initial_universe
from weakfield.simulation.output import Outputs
from weakfield.simulation.universe import Universe
from weakfield.simulation.velocity import _growth_rate, measure_velocity, velocity_modes

DATA = Path(__file__).parents[1] / "data"
CASE = DATA / "velocity_gr"


@pytest.mark.slow
def test_the_velocities_of_the_reference_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(DATA / "tk_z100.dat", tmp_path)
    shutil.copy(CASE / "settings.ini", tmp_path)
    monkeypatch.chdir(tmp_path)
    wf.simulate("settings.ini")
    theirs, output = np.load(CASE / "velocity.npz"), tmp_path / "output"
    velocity, about = wf.load_field(output / "snap002_v.h5")
    expected = np.moveaxis(theirs["v"], -1, 0)
    # the issue of agreement is rounding; the text files of the reference program have seven digits
    assert np.abs(velocity.numpy() - expected).max() < 1e-8 * np.abs(expected).max()
    assert (about["units"], about["scale_factor"]) == ("c", pytest.approx(float(theirs["a"][0]), rel=1e-9))
    for i in range(3):
        for name, title in (("v", "velocity"), ("theta", "theta (div v)"), ("omega", "omega (curl v)")):
            table, columns = read_spectrum_text(output / f"pk{i:03d}_{name}.dat"), theirs[f"pk{i:03d}_{name}"]
            assert table.name == title
            assert np.array_equal(table.count, columns[:, 4])
            for ours, reference in ((table.dimensionless, columns[:, 1]), (table.error, columns[:, 3])):
                np.testing.assert_allclose(ours, reference, rtol=5e-6, atol=1e-9 * reference.max())


@pytest.mark.parametrize("theory", ["gr", "newton"])
def test_a_uniform_flow(small_run, theory: str) -> None:
    """Particles that all move alike make v = q / a wherever there are particles, as phi vanishes and they are slow."""
    run = small_run(theory, snapshot_fields=("v",), spectra_fields=("v",))
    universe = initial_universe(run)
    clock = Clock(run, universe.background)
    flow = torch.tensor([1e-5, -2e-5, 3e-5], dtype=torch.float64)
    universe.particles.momentum[:] = flow[:, None]
    universe.phi.zero_()
    measure_velocity(universe, clock)
    measured = universe.velocity
    assert measured is not None
    expected = (flow / clock.a)[:, None, None, None].expand_as(measured)
    assert torch.allclose(measured, expected, rtol=1e-5, atol=0.0)  # T00 has the kinetic energy, (q/a)^2 / 2
    assert float(velocity_modes(universe, "theta").abs().max()) < 1e-12


@pytest.mark.parametrize("theory", ["gr", "newton"])
def test_baryons_of_their_own_are_in_the_density_alone(small_run, theory: str) -> None:
    """Their momenta are not, as in the reference program: what moves alike has v = q / a times its share of matter."""
    run = small_run(
        theory, snapshot_fields=("v",), spectra_fields=(), baryon_treatment="sample", species_templates=("sc1",),
        template="sc1",
    )  # fmt: skip
    universe = initial_universe(run)
    clock = Clock(run, universe.background)
    flow = torch.tensor([1e-5, -2e-5, 3e-5], dtype=torch.float64)
    for one in universe.species:
        one.particles.displacement.zero_()
        one.particles.momentum[:] = flow[:, None]
    universe.phi.zero_()
    measure_velocity(universe, clock)
    assert universe.velocity is not None
    share = run.cosmology.omega_cdm / (run.cosmology.omega_cdm + run.cosmology.omega_b)
    expected = (share * flow / clock.a)[:, None, None, None].expand_as(universe.velocity)
    assert torch.allclose(universe.velocity, expected, rtol=1e-5, atol=0.0)


def test_nodes_without_matter_keep_what_they_had(small_run) -> None:
    run = small_run("newton", snapshot_fields=("v",), spectra_fields=())
    universe = initial_universe(run)
    clock = Clock(run, universe.background)
    universe.particles.displacement[2] = -universe.particles.rest_cells()[2].double()  # all of it in the plane z = 0
    measure_velocity(universe, clock)
    assert universe.velocity is not None
    first = universe.velocity.clone()
    assert bool((first[:, 1:] == 0).all())
    universe.velocity[:, 5] = 1e-3
    clock.advance()
    measure_velocity(universe, clock)
    # a dD/dtau = a^2 H dD/da, with D = a long before Lambda
    now, before = (a**2 * universe.background.conformal_hubble(a) for a in (clock.a, clock.a_before))
    kept = universe.velocity[:, 5]
    assert torch.allclose(kept, torch.full_like(kept, 1e-3 * now / before), rtol=1e-4, atol=0.0)


def test_the_growth_of_dust_is_exact(small_run) -> None:
    universe = initial_universe(small_run("newton"))
    background = universe.background
    for a in (0.01, 0.1):
        expected = a * background.conformal_hubble(a)  # D = a while there is no Lambda to speak of
        assert _growth_rate(background, a) / _growth_rate(background, 0.005) == pytest.approx(
            expected / (0.005 * background.conformal_hubble(0.005)), rel=2e-3
        )


def test_divergence_and_rotation_of_a_wave(small_run) -> None:
    run = small_run("gr", snapshot_fields=("v",))
    universe = initial_universe(run)
    n = universe.n
    x = torch.arange(n, dtype=torch.float64) * (2 * math.pi / n)
    wave = torch.sin(2 * x).expand(n, n, n)
    universe.velocity = torch.stack([wave, 0 * wave, 3 * wave])
    per_mpc = run.cosmology.h / run.simulation.box_size_mpch
    slope = n * math.sin(2 * math.pi * 2 / n) * per_mpc * torch.cos(2 * x).expand(n, n, n)
    theta = fft.backward(velocity_modes(universe, "theta"), n)
    omega = fft.backward(velocity_modes(universe, "omega"), n)
    assert torch.allclose(theta[0], slope, atol=1e-12)
    for found, expected in zip(omega, (0 * slope, -3 * slope, 0 * slope), strict=True):
        assert torch.allclose(found, expected, atol=1e-12)


def test_a_run_goes_on_from_its_checkpoint(small_run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The velocity is part of the state: where nodes are empty, it is that of the cycle before."""
    changes = {"snapshot_fields": ("v",), "spectra_fields": ("v",), "snapshot_redshifts": (70.0,),
               "spectra_redshifts": (70.0,)}  # fmt: skip
    run = small_run("gr", **changes)
    every = run.model_copy(update={"output": run.output.model_copy(update={"checkpoint_every": 1})})
    whole = grow_member(run, tmp_path / "whole")

    def stop(self: Outputs, universe: Universe, clock: Clock) -> None:
        if clock.cycle == 4:
            raise InterruptedError
        write(self, universe, clock)

    write = Outputs.write_due
    monkeypatch.setattr(Outputs, "write_due", stop)
    with pytest.raises(InterruptedError):
        grow_member(every, tmp_path / "parts")
    monkeypatch.setattr(Outputs, "write_due", write)
    with np.load(next((tmp_path / "parts").glob("*checkpoint.npz"))) as state:
        assert state["velocity"].shape == (3, 16, 16, 16)
    parts = grow_member(every, tmp_path / "parts")
    assert {path.name for path in parts} >= {"snap000_v.h5", "pk000_theta.dat", "pk000_omega.dat", "pk000_v.dat"}
    for one, other in zip(sorted(whole), sorted(parts), strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_where_there_is_no_velocity(small_run) -> None:
    with pytest.raises(ValueError, match="outputs ask for 'v', expected it with mesh = 'staggered' alone"):
        SimulationSettings(snapshot_fields=("v",))
    with pytest.raises(BadInput, match="v is not measured in this universe"):
        wf.Simulation(small_run("gr")).field("v")
    universe = wf.Simulation(small_run("gr", snapshot_fields=("v",)))
    assert universe.field("v").dims == ("component", "z", "y", "x")
