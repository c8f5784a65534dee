"""The Numba kernels against their PyTorch definitions, and both against identities."""

from __future__ import annotations

import copy
import inspect
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weakfield.mesh import fft
from weakfield.mesh.kernels import BACKENDS, cpu, reference
from weakfield.mesh.kernels.contract import Kernels, Step
from weakfield.mesh.lattice import Lattice
from weakfield.mesh.packed import PACKED
from weakfield.mesh.particles import Particles
from weakfield.mesh.threads import threads

DTYPES = [torch.float64, torch.float32]
#: rounding of a few hundred operations
TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-5}


def particles(n: int = 9, count: int = 300, spread: float = 2.0, dtype=torch.float64, seed: int = 0) -> Particles:
    """Random rest positions and displacements of a few cells, momenta up to mildly relativistic."""
    rng = np.random.default_rng(seed)
    p = Particles.at_rest(n, rng.random((count, 3)), np.arange(count), 0.3 / count, dtype)
    p.displacement += torch.from_numpy(spread * rng.standard_normal((3, count))).to(dtype)
    p.momentum += torch.from_numpy(0.3 * rng.standard_normal((3, count))).to(dtype)
    return p


def field(n: int, *lead: int, dtype=torch.float64, seed: int = 1, size: float = 1e-2) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(size * rng.standard_normal((*lead, n, n, n))).to(dtype)


def assert_same(a: torch.Tensor, b: torch.Tensor, dtype: torch.dtype) -> None:
    scale = max(float(b.abs().max()), 1e-30)
    assert float((a - b).abs().max()) <= TOLERANCE[dtype] * scale


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [8, 9])
def test_projections_agree(n, dtype):
    p, phi = particles(n, dtype=dtype), field(n, dtype=dtype)
    potential = field(n, dtype=dtype, seed=5)
    for second, fall in ((False, None), (True, None), (True, potential)):
        a, b = (
            k.project_stress_energy(p, phi, fall, 0.07, 0.1, second, phi.new_empty((n, n, n, PACKED)))
            for k in (cpu, reference)
        )
        for number in range(PACKED):
            assert_same(a[..., number], b[..., number], dtype)
    a, b = (k.project_t0i(p, phi, phi.new_empty((3, n, n, n))) for k in (cpu, reference))
    assert_same(a, b, dtype)
    a, b = (k.paint(p, p.momentum[0], 2.0) for k in (cpu, reference))
    assert_same(a, b, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [8, 9])
def test_gathers_agree(n, dtype):
    p, phi = particles(n, dtype=dtype), field(n, dtype=dtype)
    assert_same(cpu.read(p, phi), reference.read(p, phi), dtype)
    assert_same(cpu.gradient(p, phi), reference.gradient(p, phi), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "flags", [(False, False, False), (False, False, True), (False, True, True), (True, True, True)]
)
def test_motion_agrees(flags, dtype):
    n = 9
    p, phi, chi, b = (
        particles(n, dtype=dtype), field(n, dtype=dtype), field(n, dtype=dtype, seed=2),
        field(n, 3, dtype=dtype, seed=3),
    )  # fmt: skip
    moved = []
    for kernels in (cpu, reference):
        q = copy.deepcopy(p)
        metric = kernels.pack_metric(phi, chi, b, phi.new_empty((n, n, n, PACKED)))
        kernels.kick_drift_gr(q, metric, Step(0.11, 0.12, 0.02, 0.03, *flags))
        moved.append(q)
    assert_same(moved[0].momentum, moved[1].momentum, dtype)
    assert_same(moved[0].displacement, moved[1].displacement, dtype)
    assert not torch.equal(moved[0].momentum, p.momentum)


@pytest.mark.parametrize("dtype", DTYPES)
def test_newtonian_motion_agrees(dtype):
    moved = []
    for kernels in (cpu, reference):
        p = particles(dtype=dtype)
        kernels.kick_drift_newton(p, field(9, dtype=dtype), 0.02, 0.3)
        moved.append(p)
    assert_same(moved[0].momentum, moved[1].momentum, dtype)
    assert_same(moved[0].displacement, moved[1].displacement, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [5, 8, 9, 16, 19])
def test_sources_agree(n, dtype):
    phi, chi, extra, past = (field(n, dtype=dtype, seed=s) for s in range(4))
    packed, b = field(n, PACKED, dtype=dtype, seed=4).movedim(0, -1).contiguous(), field(n, 3, dtype=dtype, seed=5)
    for flags in ((False, False), (False, True), (True, False), (True, True)):
        for more in (None, extra):
            sums = [torch.zeros(n, dtype=torch.float64) for _ in range(2)]
            mine, right = (
                k.phi_source(packed, more, phi, chi, past, 1.1, 0.7, 0.4, *flags, torch.empty_like(phi), s)
                for k, s in zip((cpu, reference), sums, strict=True)
            )
            torch.testing.assert_close(*sums, rtol=1e-12, atol=1e-12)
            assert_same(mine, right, dtype)
    mine, right = (k.stress_divergence(packed, phi, 1.7, phi.new_empty((4, n, n, n))) for k in (cpu, reference))
    for component in range(4):
        assert_same(mine[component], right[component], dtype)
    mine, right = (k.pack_metric(phi, chi, b, phi.new_empty((n, n, n, PACKED))) for k in (cpu, reference))
    assert torch.equal(mine, right)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [5, 8, 9, 16, 19])
def test_spectral_solutions_agree(n, dtype):
    lattice = Lattice(n)
    modes = fft.forward(field(n, 4, dtype=dtype))
    a, b = (k.divide_by_laplacian(modes[0].clone(), lattice, 1.3, 40.0, False) for k in (cpu, reference))
    assert_same(a, b, dtype)
    a, b = (k.divide_by_laplacian(modes[0].clone(), lattice, 1.3, 0.0, True) for k in (cpu, reference))
    assert_same(a, b, dtype)
    assert a[0, 0, 0] == 0
    a, b = (k.solve_chi(modes, lattice, torch.empty_like(modes[0])) for k in (cpu, reference))
    assert_same(a, b, dtype)
    a, b = (k.advance_b(modes, lattice, -0.4, modes[1:].clone()) for k in (cpu, reference))
    assert_same(a, b, dtype)
    a, b = (k.transverse_part(modes[1:].clone(), lattice, 0.4) for k in (cpu, reference))
    assert_same(a, b, dtype)


@pytest.mark.parametrize("n", [8, 9])
def test_realisations_agree(n):
    unit = fft.forward(field(n))
    strength = np.random.default_rng(0).random(3 * (n // 2) ** 2 + 1)
    window = np.sinc(np.arange(n // 2 + 1) / n).astype(np.float32)
    for w in (None, window):
        a, b = (k.add_realisation(unit, strength, w, 0.7, unit.clone()) for k in (cpu, reference))
        assert_same(a, b, torch.float64)


@settings(max_examples=30, deadline=None)
@given(st.integers(4, 11), st.integers(1, 60), st.floats(0, 6), st.integers(0, 10**6))
def test_paint_and_read_are_adjoint(n, count, spread, seed):
    """<paint(w), f> = <w, read(f)> for any positions."""
    p, f = particles(n, count, spread, seed=seed), field(n, seed=seed)
    w = p.momentum[0]
    for kernels in (cpu, reference):
        left, right = (kernels.paint(p, w) * f).sum(), (w * kernels.read(p, f)).sum()
        size = float((w.abs() * kernels.read(p, f).abs()).sum()) + 1e-30
        assert abs(float(left - right)) <= 1e-12 * size + 1e-16


@settings(max_examples=30, deadline=None)
@given(
    st.integers(4, 11), st.integers(1, 60), st.sampled_from([-1.0, 0.0, 0.5, 1.0, 3.0, -7.25]), st.integers(0, 10**6)
)
def test_paint_conserves_mass_on_faces_and_across_the_edge(n, count, shift, seed):
    p = particles(n, count, 0.0, seed=seed)
    p.displacement.copy_(torch.floor(p.displacement) + shift)  # on cell faces, some beyond the periodic edge
    painted = cpu.paint(p)
    assert float(painted.sum()) == pytest.approx(count, rel=1e-13)
    assert_same(painted, reference.paint(p), torch.float64)


def test_gradient_of_a_plane_is_its_slope_inside_the_box():
    n = 8
    x = torch.arange(n, dtype=torch.float64)
    plane = (2 * x[None, None, :] - 3 * x[None, :, None] + 5 * x[:, None, None]).expand(n, n, n).contiguous()
    rest = np.random.default_rng(0).uniform(0.1, (n - 1.5) / n, (50, 3))  # away from the periodic jump
    p = Particles.at_rest(n, rest, np.arange(50), 1.0, torch.float64)
    expected = torch.tensor([2.0, -3.0, 5.0], dtype=torch.float64)[:, None].expand(3, 50)
    torch.testing.assert_close(cpu.gradient(p, plane), expected)


def test_slabs_never_touch_their_own_colour():
    """Planes that slabs of one colour deposit on are disjoint, whatever the displacements."""
    for spread in (0.1, 1.0, 3.0, 20.0):
        p = particles(32, 4000, spread)
        slabs, low, high = p.slabs()
        assert slabs[0] == 0
        assert slabs[-1] == 32
        rest = p.rest_cells()[2]
        base = rest + torch.floor(p.displacement[2]).long()
        assert (low, high) == (int((base - rest).min()), int((base - rest).max()))
        slab = torch.searchsorted(torch.from_numpy(slabs), rest, right=True) - 1
        for colour in range(min(len(slabs) - 1, 2)):
            owner: dict[int, int] = {}
            for s in range(colour, len(slabs) - 1, 2):
                planes = {int(z) % 32 for b in base[slab == s] for z in (b, b + 1)}
                for z in planes:
                    assert owner.setdefault(z, s) == s


positions = st.lists(
    st.tuples(*[st.one_of(st.floats(-9, 20), st.integers(-9, 20).map(float), st.just(8.0), st.just(-1e-17))] * 3),
    min_size=1, max_size=21,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(positions, st.sampled_from([8, 9]), st.integers(0, 10**6))
def test_kernels_agree_wherever_particles_are(places, n, seed):
    """On cell faces, at the periodic edge, boxes away, few or many; both kinds put and read the same."""
    rng = np.random.default_rng(seed)
    p = particles(n, len(places), 0.0, seed=seed)
    rest = p.rest_cells()
    p.displacement.copy_(torch.tensor(places, dtype=torch.float64).T - rest)
    p.momentum.copy_(torch.from_numpy(0.1 * rng.standard_normal((3, len(places)))))
    phi, chi, b = field(n, seed=seed), field(n, seed=seed + 1), field(n, 3, seed=seed + 2)
    packed = phi.new_empty((n, n, n, PACKED))
    mine, right = (
        k.project_stress_energy(p, phi, chi, 0.05, 0.2, True, packed.clone(), -0.3) for k in (cpu, reference)
    )
    assert_same(mine, right, torch.float64)
    assert_same(cpu.project_t0i(p, phi, b.clone()), reference.project_t0i(p, phi, b.clone()), torch.float64)
    metric, moved = reference.pack_metric(phi, chi, b, packed), []
    for kernels in (cpu, reference):
        q = copy.deepcopy(p)
        kernels.kick_drift_gr(q, metric, Step(0.11, 0.12, 0.02, 0.03, True, True, True))
        kernels.kick_drift_newton(q, phi, 0.02, 0.03)
        moved.append(q)
    assert_same(moved[0].momentum, moved[1].momentum, torch.float64)
    assert_same(moved[0].displacement, moved[1].displacement, torch.float64)


def test_in_single_precision_a_small_shift_is_not_rounded_away():
    """Frame dragging moves by far less than a position resolves; it has to join the step before the position does."""
    n, shift = 8, 1e-9
    p = particles(n, 4000, 0.5, dtype=torch.float32)
    p.momentum.mul_(1e-3)
    single, double = copy.deepcopy(p), copy.deepcopy(p)
    double.displacement, double.momentum = double.displacement.double(), double.momentum.double()
    zero, b = torch.zeros(n, n, n), torch.full((3, n, n, n), shift)
    still = copy.deepcopy(single)
    for q, drag in ((single, b), (still, torch.zeros_like(b))):
        metric = cpu.pack_metric(zero, zero, drag, torch.empty(n, n, n, PACKED))
        cpu.kick_drift_gr(q, metric, Step(1.0, 1.0, 0.0, 1.0, False, False, True))
    moved = (single.displacement.double() - still.displacement.double()).mean()
    # rounding of 12000 positions of about 0.5, 3e-8 each, leaves 3e-10 on the mean
    assert float(moved) == pytest.approx(shift, abs=5e-10)


@pytest.mark.parametrize("spread", [0.0, 0.3, 1.0, 2.5, 6.0, 40.0])
@pytest.mark.parametrize("n", [9, 32])
def test_stress_energy_does_not_depend_on_what_was_there(n, spread):
    """Every plane is filled once and before it is added to, however far particles reach and on however many slabs."""
    phi = field(n)
    for drift in (-3.0, 0.0, 2.0):  # all particles to one side
        p = particles(n, 700, spread, seed=4)
        p.displacement[2] += drift
        results = []
        for before in (7.0, torch.nan):
            packed = torch.full((n, n, n, PACKED), before, dtype=torch.float64)
            results.append(cpu.project_stress_energy(p, phi, None, 0.0, 0.5, True, packed, -0.25))
        expected = reference.project_stress_energy(p, phi, None, 0.0, 0.5, True, packed.clone(), -0.25)
        assert_same(results[0], expected, phi.dtype)
        assert torch.equal(*results)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("n", "spread"), [(32, 0.0), (32, 0.4), (32, 1.5), (33, 3.0), (32, 40.0), (6, 0.4)])
def test_motion_that_packs_its_metric_on_the_way_gives_the_same_bits(n, spread, dtype):
    """Rings of a few planes, with any number of threads, or the whole mesh where particles reach too far."""
    phi, chi, b = (0.1 * f for f in (field(n, dtype=dtype), field(n, seed=1, dtype=dtype), field(n, 3, dtype=dtype)))
    step = Step(0.11, 0.12, 0.02, 0.03, True, True, True)
    for drift in (-2.5, 0.0, 1.0):  # all particles to one side
        p = particles(n, 900, spread, seed=6, dtype=dtype)
        p.displacement[2] += drift
        right = copy.deepcopy(p)
        cpu.kick_drift_gr(right, cpu.pack_metric(phi, chi, b, phi.new_empty((n, n, n, PACKED))), step)
        for count in (1, 2, 3):
            moved = copy.deepcopy(p)
            with threads(count):
                cpu.kick_drift_fields(moved, phi, chi, b, phi.new_full((n, n, n, PACKED), torch.nan), step)
            assert torch.equal(moved.displacement, right.displacement)
            assert torch.equal(moved.momentum, right.momentum)


@pytest.mark.slow
def test_a_second_process_compiles_nothing():
    """Compiled kernels are kept on disk: one process may compile them, the next finds every one."""
    code = (
        "import torch; from weakfield.mesh.kernels.cpu import motion, projection, solvers, sources, transform, warm;"
        "warm.compile_kernels(torch.float64, 'gr');"
        "print(sum(sum(f.stats.cache_misses.values()) for m in (motion, projection, solvers, sources, transform)"
        " for f in vars(m).values() if hasattr(f, 'stats')))"
    )
    for _ in range(2):
        answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(answer.stdout) == 0


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_backends_are_called_alike(backend: str) -> None:
    """mypy compares the number of arguments; here their names and defaults, for calls by name."""
    if backend in ("cuda", "deterministic"):
        pytest.importorskip("triton")
    offered = BACKENDS[backend]()
    for name, definition in vars(Kernels).items():
        if inspect.isfunction(definition) and not name.startswith("_"):
            there = [(p.name, p.default) for p in inspect.signature(getattr(offered, name)).parameters.values()]
            wanted = [(p.name, p.default) for p in inspect.signature(definition).parameters.values()]
            assert there == wanted[1:], name  # without self
