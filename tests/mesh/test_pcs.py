"""Cubic splines: hand-computable cases, adjointness and moments (EQUATIONS 16.1)."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weakfield.fourier import quadratic
from weakfield.mesh import spectral
from weakfield.mesh.kernels import cpu, kernels_for, reference
from weakfield.mesh.kernels.contract import WeightedStep
from weakfield.mesh.packed import METRIC_PHI, METRIC_PSI, PACKED, VECTOR, spread_out
from weakfield.mesh.particles import Particles
from weakfield.mesh.threads import threads

DTYPES = [torch.float64, torch.float32]
#: of the largest value: rounding of sums of 64 products; single: 6e-8 each, and as much again in a share near 0
TOLERANCE = {torch.float64: 1e-13, torch.float32: 2e-6}


def scattered(n: int, seed: int = 3, spread: float = 0.6, dtype: torch.dtype = torch.float64) -> Particles:
    """One particle a cell, displaced at random by up to some cells."""
    centres = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) / n] * 3, indexing="ij"), -1).reshape(-1, 3)
    particles = Particles.at_rest(n, centres, np.arange(n**3), 1.0 / n**3, dtype)
    generator = torch.Generator().manual_seed(seed)
    particles.displacement += spread * torch.randn(3, n**3, generator=generator, dtype=torch.float64).to(dtype)
    particles.momentum = 1e-3 * torch.randn(3, n**3, generator=generator, dtype=torch.float64).to(dtype)
    return particles


@pytest.fixture(params=["reference", "cpu"])
def kernels(request):
    return kernels_for("cpu", request.param)


@pytest.fixture(params=["cpu"])
def others(request):
    """Kinds that are held to the reference."""
    return kernels_for("cpu", request.param)


def test_a_particle_at_a_node_is_shared_by_hand(kernels):
    particles = Particles.at_rest(8, np.array([[2 / 8, 3 / 8, 5 / 8]]), np.array([0]), 1.0, torch.float64)
    painted = kernels.paint_pcs(particles)
    assert painted[5, 3, 2] == pytest.approx((2 / 3) ** 3, rel=1e-14)
    assert painted[5, 3, 1] == pytest.approx((2 / 3) ** 2 / 6, rel=1e-14)
    assert painted[4, 4, 3] == pytest.approx(1 / 216, rel=1e-14)
    assert float(painted.sum()) == pytest.approx(1.0, rel=1e-14)


def test_paint_and_read_are_adjoint(kernels):
    particles = scattered(12)
    generator = torch.Generator().manual_seed(5)
    weight = torch.randn(len(particles), generator=generator, dtype=torch.float64)
    fields = torch.randn(12, 12, 12, 8, generator=generator, dtype=torch.float64)
    read = kernels.read_pcs(particles, fields)
    painted = kernels.paint_pcs(particles, weight)
    for number in range(8):
        there = float((painted * fields[..., number]).sum())
        here = float((weight * read[number]).sum())
        assert there == pytest.approx(here, rel=1e-12, abs=1e-12 * float(weight.norm() * read[number].norm()))


def test_cubic_polynomials_keep_their_sum_and_centre(kernels):
    """Weights sum to 1 and the deposit's centre is where the particle is."""
    place = np.array([[0.4137, 0.5219, 0.4471]])
    particles = Particles.at_rest(16, place, np.array([0]), 1.0, torch.float64)
    painted = kernels.paint_pcs(particles).numpy()
    for axis, along in enumerate((2, 1, 0)):
        other = tuple(i for i in range(3) if i != along)
        assert (painted.sum(axis=other) * np.arange(16)).sum() / 16 == pytest.approx(place[0, axis], rel=1e-13)


def somewhere(n: int, count: int = 300, spread: float = 2.5, dtype: torch.dtype = torch.float64, seed: int = 0):
    """Random rest positions and displacements of several cells, momenta up to mildly relativistic."""
    rng = np.random.default_rng(seed)
    p = Particles.at_rest(n, rng.random((count, 3)), np.arange(count), 0.3 / count, dtype)
    p.displacement += torch.from_numpy(spread * rng.standard_normal((3, count))).to(dtype)
    p.momentum += torch.from_numpy(0.1 * rng.standard_normal((3, count))).to(dtype)
    return p


def sites(n: int, count: int, size: float = 1e-2, dtype: torch.dtype = torch.float64, seed: int = 1) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(size * rng.standard_normal((n, n, n, count))).to(dtype)


def assert_same(mine: torch.Tensor, right: torch.Tensor) -> None:
    """Equal to rounding of the largest of ``right``."""
    scale = max(float(right.abs().max()), 1e-30)
    assert mine.dtype == right.dtype
    assert float((mine - right).abs().max()) <= TOLERANCE[right.dtype] * scale


def all_results(kernels, p: Particles, size: float = 1e-2) -> dict[str, torch.Tensor]:
    """What every kernel makes of the particles in fields of the given size."""
    n, dtype = p.grid, p.displacement.dtype
    metric, vector = sites(n, PACKED, size, dtype), sites(n, VECTOR, 1e-3, dtype, 2)
    newton, gr = copy.deepcopy(p), copy.deepcopy(p)
    kernels.kick_drift_newton_pcs(newton, vector, WeightedStep(0.97, 0.02, 0.3))
    kernels.kick_drift_pcs(gr, metric, vector, WeightedStep(0.97, 0.02, 0.03, 0.11, 0.12))
    empty = metric.new_full((n, n, n, PACKED), torch.nan)
    results = {
        "paint": kernels.paint_pcs(p),
        "paint weights": kernels.paint_pcs(p, p.momentum[1].contiguous(), 2.0, metric.new_empty((n, n, n)), -0.5),
        "paint half a cell further": kernels.paint_pcs(p, None, 1.0, None, 0.0, 0.5),
        **{f"read {count}": kernels.read_pcs(p, sites(n, count, 1.0, dtype)) for count in (1, 3, 4, 7, 8)},
        "t0i": kernels.project_t0i_pcs(p, metric, metric.new_empty((3, n, n, n))),
        "t0i flat": kernels.project_t0i_pcs(p, None, metric.new_empty((3, n, n, n))),
        "newton q": newton.momentum,
        "newton x": newton.displacement,
        "gr q": gr.momentum,
        "gr x": gr.displacement,
    }
    for name, known, weight in (("flat", None, 0.05), ("", metric, 0.0), ("at the time", metric, 0.05)):
        energies = torch.full_like(p.displacement[0], torch.nan)
        stress = kernels.project_pcs(p, known, weight, 0.2, empty.clone(), -0.25, energies)
        results[f"energies {name}"] = energies
        results |= {f"stress {name} {number}": stress[..., number] for number in range(PACKED)}
    return results


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "size"), [(4, 0.15), (8, 1e-3), (9, 1e-2), (9, 0.15), (16, 1e-3)])
def test_kinds_agree(others, n, dtype, size):
    """Potentials of any size: those above 0.01 leave the short series of e^x."""
    p = somewhere(n, dtype=dtype)
    mine, right = all_results(others, p, size), all_results(reference, p, size)
    for name, expected in right.items():
        assert_same(mine[name], expected)
    assert not torch.equal(mine["gr q"], p.momentum)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_moves_particles_agrees_by_itself(others, dtype):
    """Kicks and steps large beside momenta and positions, frame dragging as large as the rest."""
    n, p = 9, somewhere(9, dtype=dtype)
    p.displacement -= torch.floor(p.displacement)
    metric, vector = sites(n, PACKED, 1e-2, dtype), sites(n, VECTOR, 0.05, dtype, 2)
    moved = []
    for kind in (others, reference):
        q = copy.deepcopy(p)
        kind.kick_drift_pcs(q, metric, vector, WeightedStep(1.0, 0.5, 0.0, 0.11, 0.12))
        r = copy.deepcopy(p)
        kind.kick_drift_pcs(r, metric, vector, WeightedStep(1.0, 0.0, 0.5, 0.11, 0.12))
        moved.append((q.momentum - p.momentum, r.displacement - p.displacement))
        assert torch.equal(r.momentum, p.momentum)
    assert_same(moved[0][0], moved[1][0])
    assert_same(moved[0][1], moved[1][1])


@pytest.mark.parametrize("count", [1, 5, 7, 8, 9])
def test_few_particles(others, count):
    p = somewhere(9, count)
    mine, right = all_results(others, p), all_results(reference, p)
    for name, expected in right.items():
        assert_same(mine[name], expected)


positions = st.lists(
    st.tuples(*[st.one_of(st.floats(-9, 20), st.integers(-9, 20).map(float), st.just(8.0), st.just(-1e-17))] * 3),
    min_size=1, max_size=21,
)  # fmt: skip


@settings(max_examples=10, deadline=None)
@given(positions, st.sampled_from([4, 8, 9]), st.integers(0, 10**6))
def test_kinds_agree_wherever_particles_are(places, n, seed):
    """On nodes, at the periodic edge, boxes away."""
    p = somewhere(n, len(places), seed=seed)
    p.displacement.copy_(torch.tensor(places, dtype=torch.float64).T - p.rest_cells())
    mine, right = all_results(cpu, p), all_results(reference, p)
    for name, expected in right.items():
        assert_same(mine[name], expected)


@settings(max_examples=30, deadline=None)
@given(st.integers(4, 11), st.integers(1, 60), st.floats(0, 6), st.integers(0, 10**6))
def test_deposits_are_adjoint_to_gathers_wherever_particles_are(n, count, spread, seed):
    p, fields = somewhere(n, count, spread, seed=seed), sites(n, 3, 1.0, seed=seed)
    for kind in (cpu, reference):
        read = kind.read_pcs(p, fields)
        left, right = (kind.paint_pcs(p, p.momentum[0]) * fields[..., 0]).sum(), p.momentum[0] * read[0]
        assert abs(float(left - right.sum())) <= 1e-12 * float(right.abs().sum())
        put = kind.project_t0i_pcs(p, None, fields.new_empty((3, n, n, n)))
        left, right = (put * fields.movedim(-1, 0)).sum(), p.mass * n**3 * (p.momentum * read).sum()
        assert abs(float(left - right)) <= 1e-12 * p.mass * n**3 * float((p.momentum * read).abs().sum())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "spread"), [(32, 0.0), (32, 0.4), (33, 1.5), (32, 40.0)])
def test_any_number_of_threads_gives_the_same_bits(n, spread, dtype):
    for drift in (-2.5, 0.0):  # all particles to one side
        p = somewhere(n, 900, spread, dtype, seed=6)
        p.displacement[2] += drift
        with threads(1):
            alone = all_results(cpu, p)
        for count in (2, 3):
            with threads(count):
                together = all_results(cpu, p)
            assert all(torch.equal(together[name], alone[name]) for name in alone)


@pytest.mark.parametrize("spread", [0.0, 0.3, 1.0, 2.5, 6.0, 40.0])
@pytest.mark.parametrize("n", [9, 32])
def test_stress_energy_does_not_depend_on_what_was_there(n, spread):
    """Every plane is filled once and before it is added to, however far particles reach and on however many slabs."""
    for drift in (-3.0, 0.0, 2.0):
        p = somewhere(n, 700, spread, seed=4)
        p.displacement[2] += drift
        results = []
        for before in (7.0, torch.nan):
            out = torch.full((n, n, n, PACKED), before, dtype=torch.float64)
            results.append(cpu.project_pcs(p, None, 0.0, 0.5, out, -0.25))
        expected = reference.project_pcs(p, None, 0.0, 0.5, out.clone(), -0.25)
        for number in range(PACKED):
            assert_same(results[0][..., number], expected[..., number])
        assert torch.equal(*results)


@pytest.mark.parametrize("spread", [0.1, 1.0, 3.0, 20.0])
def test_slabs_never_touch_their_own_colour(spread):
    """Planes that slabs of one colour deposit splines on are disjoint, whatever the displacements."""
    p = somewhere(32, 4000, spread)
    slabs, low, high = p.slabs(1)
    rest = p.rest_cells()[2]
    base = rest + torch.floor(p.displacement[2]).long()
    assert (low, high) == (int((base - rest).min()) - 1, int((base - rest).max()) + 1)
    slab = torch.searchsorted(torch.from_numpy(slabs), rest, right=True) - 1
    for colour in range(min(len(slabs) - 1, 2)):
        owner: dict[int, int] = {}
        for s in range(colour, len(slabs) - 1, 2):
            for z in {int(z) % 32 for b in base[slab == s] for z in range(int(b) - 1, int(b) + 3)}:
                assert owner.setdefault(z, s) == s


@pytest.mark.parametrize("size", [0.5, 0.011, 0.0099, 1e-3, 1e-8])
def test_e_to_the_potential_is_exact_to_rounding(size):
    """Momentum of a constant metric: q e^(3 phi - psi), all of it in the total."""
    n, p = 8, somewhere(8, 64)
    p.momentum.fill_(1.0)
    for phi, psi in itertools.product((-size, size), repeat=2):
        metric = torch.zeros((n, n, n, PACKED), dtype=torch.float64)
        metric[..., METRIC_PHI], metric[..., METRIC_PSI] = phi, psi
        total = cpu.project_t0i_pcs(p, metric, metric.new_empty((3, n, n, n))).sum(dim=(1, 2, 3))
        flat = cpu.project_t0i_pcs(p, None, metric.new_empty((3, n, n, n))).sum(dim=(1, 2, 3))
        # the splines' own rounding of a constant, a few 1e-16, is part of what is measured
        torch.testing.assert_close(total / flat, torch.full_like(flat, np.exp(3 * phi - psi)), rtol=2e-15, atol=0)


def test_in_single_precision_a_small_shift_is_not_rounded_away():
    """Frame dragging moves by far less than a position resolves; it has to join the step before the position does."""
    n, shift = 8, 1e-9
    p = somewhere(n, 4000, 0.5, torch.float32)
    p.momentum.mul_(1e-3)
    metric, drag = torch.zeros((n, n, n, PACKED)), torch.full((n, n, n, VECTOR), shift)
    moved, still = copy.deepcopy(p), copy.deepcopy(p)
    cpu.kick_drift_pcs(moved, metric, drag, WeightedStep(1.0, 0.0, 1.0))
    cpu.kick_drift_pcs(still, metric, torch.zeros_like(drag), WeightedStep(1.0, 0.0, 1.0))
    # n cells a box; rounding of 12000 positions of about 0.5, 3e-8 each, leaves 3e-10 on the mean
    difference = (moved.displacement.double() - still.displacement.double()).mean()
    assert float(difference) == pytest.approx(n * shift, abs=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "count"), [(9, 300), (16, 300), (32, 300), (16, 5)])
def test_gaps_between_rows_change_no_bit(n, count, dtype):
    """Fields laid out for the cache, or only some of them so."""
    p, results = somewhere(n, count, dtype=dtype), []
    packed = sites(n, PACKED, 1e-2, dtype), sites(n, VECTOR, 1e-3, dtype, 2)
    apart = tuple(spread_out(n, f.shape[-1], dtype).copy_(f) for f in packed)
    for metric, vector in (packed, apart, (packed[0], apart[1]), (apart[0], packed[1])):
        newton, gr = copy.deepcopy(p), copy.deepcopy(p)
        cpu.kick_drift_newton_pcs(newton, vector, WeightedStep(0.97, 0.02, 0.3))
        cpu.kick_drift_pcs(gr, metric, vector, WeightedStep(0.97, 0.02, 0.03, 0.11, 0.12))
        outs = (
            cpu.project_pcs(p, metric, 0.05, 0.2, out, -0.25)
            for out in (metric.new_empty((n, n, n, PACKED)), spread_out(n, PACKED, dtype))
        )
        results.append((newton.displacement, gr.momentum, gr.displacement, *outs, cpu.read_pcs(p, metric)))
    for others in results[1:]:
        assert all(torch.equal(mine, right) for mine, right in zip(others, results[0], strict=True))


def poisson_force(p: Particles) -> torch.Tensor:
    """Change of momenta by the gradient of the potential of the particles, the splines' window divided out twice."""
    n = p.grid
    whole = torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)
    kx, ky, kz = whole[None, None, : n // 2 + 1].abs(), whole[None, :, None], whole[:, None, None]
    window = torch.sinc(kx / n) ** 4 * torch.sinc(ky / n) ** 4 * torch.sinc(kz / n) ** 4
    k2 = (2 * np.pi) ** 2 * (kx**2 + ky**2 + kz**2)
    k2[0, 0, 0] = 1.0
    phi = -torch.fft.rfftn(cpu.paint_pcs(p)) / (k2 * window**2)
    phi[0, 0, 0] = 0.0
    if n % 2 == 0:
        phi[n // 2] = phi[:, n // 2] = phi[:, :, n // 2] = 0.0
    slopes = torch.zeros((n, n, n, VECTOR), dtype=torch.float64)
    for i, k in enumerate((kx, ky, kz)):
        slopes[..., i] = torch.fft.irfftn(2j * np.pi * k * phi, s=(n, n, n))
    moved = copy.deepcopy(p)
    cpu.kick_drift_newton_pcs(moved, slopes, WeightedStep(1.0, 1.0, 0.0))
    return moved.momentum - p.momentum


@pytest.mark.parametrize("n", [8, 9, 16])
def test_forces_add_up_to_nothing_and_none_pulls_itself(n):
    """Deposit and gather by one window, derivatives in Fourier space: both hold to rounding.

    Measured: the sum of all forces is below 2e-16 of the sum of their sizes; the force of a particle on itself,
    anywhere in a cell, below 1e-15 of what it exerts on another a cell away.
    """
    rng = np.random.default_rng(0)
    crowd = Particles.at_rest(n, rng.random((500, 3)), np.arange(500), 1.0, torch.float64)
    force = poisson_force(crowd)
    assert float((force.sum(1).abs() / force.abs().sum(1)).max()) < 2e-15
    for place in rng.random((8, 3)):
        alone = Particles.at_rest(n, np.tile(place, (8, 1)), np.arange(8), 1.0, torch.float64)  # 8 in one place as one
        two = np.concatenate([np.tile(place, (8, 1)), np.tile((place + np.array([1 / n, 0, 0])) % 1, (8, 1))])
        pair = Particles.at_rest(n, two, np.arange(16), 1.0, torch.float64)
        assert float(poisson_force(alone).abs().max()) < 1e-14 * float(poisson_force(pair).abs().max())


def interlaced_force(p: Particles) -> torch.Tensor:
    """The forces of interlaced deposits of the density, as universes have them."""
    n = p.grid
    modes = spectral.density_modes(cpu, p, None, 1.0, 0.0)
    phi = modes * quadratic.inverse_square_wavenumber(modes)
    packed = torch.zeros((n, n, n, VECTOR), dtype=torch.float64)
    return cpu.read_pcs(p, spectral.pack_gradient(cpu, phi, packed))[:3]


def test_interlaced_deposits_give_up_exact_momentum():
    """Measured: a particle pulls itself by up to 9 % of what it pulls another one a cell away.

    Of particles a third of a cell from their lattice sites the sum of forces is 2e-3 of the sum of their sizes.
    """
    n, rng = 16, np.random.default_rng(0)
    place = np.array([0.5, 0.5, 0.5])
    pair = Particles.at_rest(n, np.stack([place, place + np.array([1 / n, 0, 0])]), np.arange(2), 1.0, torch.float64)
    unit = float(interlaced_force(pair).abs().max())
    worst = 0.0
    for place in rng.random((20, 3)):
        alone = Particles.at_rest(n, place[None], np.arange(1), 1.0, torch.float64)
        worst = max(worst, float(interlaced_force(alone).abs().max()))
    assert 0.01 < worst / unit < 0.12
    force = interlaced_force(scattered(n, spread=0.3))
    assert float((force.sum(1).abs() / force.abs().sum(1)).max()) < 0.01


def test_interlaced_deposits_have_no_near_images():
    """A lattice of particles displaced by a wave: of second order is ((k + G) d)^2 / 2, whose images G = 2 pi N fall.

    The second harmonic of d = A sin(k x): delta_2k = -(2 k A)^2 / 8 cos for particles that fill space, by Bessel
    functions exactly. One deposit errs by about 2 (2k/G)^2, from images on either side; of four the nearest images
    along the axis are at 4 G, so that they err by a sixteenth of that, with images of higher order by a twelfth.
    """
    n, m, size = 32, 3, 0.05 / (2 * np.pi * 3)
    centres = (np.arange(n) + 0.5) / n
    x = centres + size * np.sin(2 * np.pi * m * centres)
    grid = np.stack(np.meshgrid(x, centres, centres, indexing="ij"), -1).reshape(-1, 3)
    p = Particles.at_rest(n, grid, np.arange(n**3), 1.0 / n**3, torch.float64)
    exact = np.mean(np.exp(-2j * np.pi * 2 * m * x))  # f_k of a sum of points
    one = complex(spectral.modes_of(cpu.paint_pcs(p, None, 1.0), windowed=True)[0, 0, 2 * m])
    four = complex(spectral.density_modes(cpu, p, None, 1.0, 0.0)[0, 0, 2 * m])
    assert abs(one / exact - 1) > 0.01
    assert abs(four / exact - 1) < abs(one / exact - 1) / 12
