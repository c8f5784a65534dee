"""Cases with known answers: plane waves, a homogeneous box, point masses, and symmetries."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from weakfield.config import RunSettings, SimulationSettings
from weakfield.cosmology import Background, growth_factor, growth_rate, transfer_history
from weakfield.mesh import fft
from weakfield.mesh.kernels import cpu
from weakfield.mesh.particles import Particles
from weakfield.simulation.clock import Clock
from weakfield.simulation.evolution import THEORIES
from weakfield.simulation.realisation import Realisation
from weakfield.simulation.universe import Universe

N = 16


def bare_universe(theory: str, integrator: str = "second-order", box: float = 20.0, n: int = N, **changes) -> Universe:
    """Particles at rest at the cell centres, no noise."""
    settings = SimulationSettings(
        mesh="staggered", start="linear", grid=n, box_size_mpch=box, phi_integrator=integrator,
        transfer="eisenstein-hu",
        **({"step_limit_hubble": 0.01, "snapshot_redshifts": (1.0,), "spectra_redshifts": ()} | changes),
    )  # fmt: skip
    run = RunSettings(theory=theory, seed=0, simulation=settings)
    z, y, x = np.meshgrid(*[(np.arange(n) + 0.5) / n] * 3, indexing="ij")
    lattice = np.stack([x, y, z], -1).reshape(-1, 3)
    ids = np.arange(n**3)
    field = torch.zeros((n, n, n), dtype=torch.float64)
    modes = torch.zeros((n, n, n // 2 + 1), dtype=torch.complex128)
    return Universe(
        run=run, background=Background(run.cosmology, box), phi=field, chi=field.clone(),
        particles=Particles.at_rest(n, lattice, ids, run.cosmology.Omega_m / n**3, torch.float64),
        b_modes=torch.zeros((3, *modes.shape), dtype=modes.dtype), realisation=Realisation(modes, cpu),
        history=transfer_history(settings, run.cosmology),
    )  # fmt: skip


def add_wave(u: Universe, axis: int, amplitude: float, number: int = 1) -> None:
    """Displace along ``axis`` by amplitude x sin(2 pi number x), in the growing mode of linear theory."""
    a = 1.0 / (1.0 + u.run.simulation.initial_redshift)
    position = (u.particles.rest_cells()[axis].double() + 0.5) / u.n
    shift = amplitude * torch.sin(2 * np.pi * number * position)
    rate = u.background.conformal_hubble(a) * float(growth_rate(u.run.cosmology, 1 / a - 1))
    u.particles.displacement[axis] += shift
    u.particles.momentum[axis] += a * rate * shift / u.n


def evolve(u: Universe, until: float | None = None, cycles: int | None = None) -> Clock:
    clock, gravity = Clock(u.run, u.background), THEORIES["staggered", u.run.theory, u.run.simulation.phi_integrator]()
    while True:
        gravity.solve(u, clock, True)
        if clock.cycle == cycles or (until is not None and clock.passed(until)):
            return clock
        gravity.move(u, clock)
        clock.advance()


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_plane_wave_grows_as_linear_theory(theory, axis):
    """delta as D, phi as D / a, to 1e-3. On cell-centred particles the lattice force on a plane wave is exact.

    A box of 20 Mpc/h is so far inside the horizon that (H/k)^2 corrections of GR are below 1e-4.
    """
    u = bare_universe(theory, n=8)
    add_wave(u, axis, 1e-4)
    gravity = THEORIES["staggered", theory, "second-order"]()
    clock = Clock(u.run, u.background)
    gravity.solve(u, clock, True)
    before = float(cpu.paint(u.particles).std()), float(u.phi.std())
    z_0, z_1 = u.run.simulation.initial_redshift, 1.0
    clock = evolve(u, until=z_1)
    after = float(cpu.paint(u.particles).std()), float(u.phi.std())
    growth = float(growth_factor(u.run.cosmology, z_1) / growth_factor(u.run.cosmology, z_0))
    assert after[0] / before[0] == pytest.approx(growth, rel=1e-3)
    assert after[1] / before[1] == pytest.approx(growth * (1 + z_1) / (1 + z_0), rel=1e-3)


@pytest.mark.parametrize("integrator", ["second-order", "euler"])
@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_homogeneous_box_stays_homogeneous(theory, integrator):
    u = bare_universe(theory, integrator, snapshot_redshifts=(0.0,), step_limit_hubble=0.02, n=8)
    before = u.particles.displacement.clone()
    evolve(u, cycles=200)
    assert float(u.phi.abs().max()) < 1e-16
    assert float(u.chi.abs().max()) < 1e-16
    assert float((u.particles.displacement - before).abs().max()) < 1e-12


def some_particles(n: int, positions: list[tuple[float, float, float]]) -> Particles:
    """Particles at positions in cells."""
    return Particles.at_rest(n, np.array(positions) / n, np.arange(len(positions)), 1.0, torch.float64)


def newtonian_pull(p: Particles) -> tuple[torch.Tensor, float]:
    """grad phi at every particle, per cell, and the largest difference of phi between neighbouring nodes."""
    from weakfield.mesh.lattice import Lattice

    density = cpu.paint(p)
    modes = cpu.divide_by_laplacian(fft.forward(density), Lattice(p.grid), -1.0, 0.0, True)
    phi = fft.backward(modes, p.grid)
    return cpu.gradient(p, phi), float((phi - phi.roll(1, 0)).abs().max())


@pytest.mark.parametrize("n", [8, 9])
def test_no_force_on_a_particle_at_a_cell_centre(n):
    pull, scale = newtonian_pull(some_particles(n, [(3.5, 2.5, 6.5)]))
    assert float(pull.abs().max()) < 1e-13 * scale


def test_point_symmetric_pairs_feel_opposite_forces():
    """Particles mirrored at a cell centre; elsewhere in the cell the stencil has a self-force (docs/physics)."""
    centre = np.array([3.5, 3.5, 3.5])
    offsets = np.random.default_rng(2).uniform(-2.5, 2.5, (6, 3))
    p = some_particles(8, [*map(tuple, centre + offsets), *map(tuple, centre - offsets)])
    pull, scale = newtonian_pull(p)
    pull = pull[:, torch.argsort(p.ids)]
    assert float((pull[:, :6] + pull[:, 6:]).abs().max()) < 1e-12 * scale
    assert float(pull.abs().max()) > 0.1 * scale
    assert float(pull.sum(1).abs().max()) < 1e-12 * scale


def test_point_mass_has_the_green_function_of_the_lattice():
    """A particle on a node against the Fourier sum, done by hand."""
    n = 6
    u = bare_universe("newton", n=n, box=60.0, tiling=n)
    u.particles = some_particles(n, [(2.0, 1.0, 4.0)])
    clock = Clock(u.run, u.background)
    THEORIES["staggered", "newton", "second-order"]().solve(u, clock, False)
    m = np.arange(n)
    k2 = (2 * n * np.sin(np.pi * m / n)) ** 2
    kz, ky, kx = np.meshgrid(k2, k2, k2, indexing="ij")
    total = np.where(kx + ky + kz > 0, kx + ky + kz, np.inf)
    z, y, x = np.meshgrid(m - 4, m - 1, m - 2, indexing="ij")
    expected = np.zeros((n, n, n))
    for iz in m:
        for iy in m:
            for ix in m:
                expected += np.cos(2 * np.pi * (ix * x + iy * y + iz * z) / n) / total[iz, iy, ix]
    expected *= -u.background.four_pi_G / clock.a
    assert np.abs(u.phi.numpy() - expected).max() < 1e-13 * np.abs(expected).max()


def test_chi_and_frame_dragging_are_second_order():
    """Two crossed waves of amplitude e: chi and B grow as e^2."""
    amplitudes = np.array([0.5e-3, 1e-3, 2e-3])
    size: dict[str, list[float]] = {"chi": [], "B": []}
    for amplitude in amplitudes:
        u = bare_universe("gr", box=100.0, second_order_terms=False)
        add_wave(u, 0, amplitude)
        add_wave(u, 1, amplitude, number=2)  # of another length: equal ones make no vector by symmetry
        evolve(u, cycles=20)
        size["chi"].append(float(u.chi.std()))
        size["B"].append(float(u.b.std()))
    for name, values in size.items():
        slope = np.polyfit(np.log(amplitudes), np.log(values), 1)[0]
        assert slope == pytest.approx(2.0, abs=0.01), name


def translated(u: Universe, shift: tuple[int, int, int]) -> Universe:
    """The same universe moved by whole cells."""
    n = u.n
    rest = (u.particles.rest_cells() + torch.tensor(shift)[:, None]) % n
    moved = Particles.at_rest(n, ((rest + 0.5) / n).T.numpy(), u.particles.ids.numpy(), u.particles.mass, torch.float64)
    order = torch.argsort(u.particles.ids)[moved.ids]
    moved.displacement.copy_(u.particles.displacement[:, order])
    moved.momentum.copy_(u.particles.momentum[:, order])
    steps = (shift[2], shift[1], shift[0])
    b = fft.backward(u.b_modes, n, normalised=False).roll(steps, (1, 2, 3))
    return Universe(
        run=u.run, background=u.background, particles=moved, phi=u.phi.roll(steps, (0, 1, 2)),
        chi=u.chi.roll(steps, (0, 1, 2)), b_modes=fft.forward(b) / n**3, realisation=u.realisation, history=u.history,
    )  # fmt: skip


@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_translation_commutes_with_a_cycle(theory):
    u = bare_universe(theory, "euler", box=200.0)
    generator = torch.Generator().manual_seed(4)
    u.particles.displacement += 0.8 * torch.randn(u.particles.displacement.shape, generator=generator).double()
    u.particles.momentum += 1e-3 * torch.randn(u.particles.momentum.shape, generator=generator).double()
    u.phi += 1e-5 * torch.randn(u.phi.shape, generator=generator).double()
    evolve(u, cycles=1)  # makes chi, B and a step behind it
    shift = (3, 14, 5)
    other = translated(u, shift)
    gravity, clock = THEORIES["staggered", theory, "euler"](), Clock(u.run, u.background)
    clock.advance()
    for universe in (u, other):
        gravity.solve(universe, clock, True)
        gravity.move(universe, clock)
    steps = (shift[2], shift[1], shift[0])
    for name in ("phi", "chi"):
        ours = getattr(u, name).roll(steps, (0, 1, 2))
        assert float((getattr(other, name) - ours).abs().max()) < 1e-12 * float(ours.abs().max())
    order = torch.argsort(u.particles.ids)[other.particles.ids]
    for name in ("displacement", "momentum"):
        ours = getattr(u.particles, name)[:, order]
        assert float((getattr(other.particles, name) - ours).abs().max()) < 1e-12 * float(ours.abs().max())
