"""The Triton kernels against their PyTorch definitions: on a GPU where there is one, else in Triton's interpreter."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weakfield.mesh import fft
from weakfield.mesh.kernels import reference
from weakfield.mesh.kernels.contract import Step, WeightedStep
from weakfield.mesh.lattice import Lattice
from weakfield.mesh.packed import METRIC_PHI, METRIC_PSI, PACKED, T00, VECTOR
from weakfield.mesh.particles import Particles

pytest.importorskip("triton", reason="Triton is not installed: pip install 'weakfield[test]'")

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
DTYPES = [torch.float64, torch.float32]
#: rounding of a few hundred operations. A scalar that loses its last 29 bits on the way into a kernel, as a Python
#: float does in Triton, is off by up to 6e-8 and would fail in double precision.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}


@pytest.fixture(scope="module")
def cuda():
    """The kernels, interpreted where there is no GPU; what conftest.py sets has to be set before Triton loads."""
    from weakfield.mesh.kernels import cuda

    return cuda


def particles(n: int = 9, count: int = 300, spread: float = 2.0, dtype=torch.float64, seed: int = 0) -> Particles:
    """Random rest positions, displacements of a few cells (many across the edge), momenta up to mildly relativistic."""
    rng = np.random.default_rng(seed)
    p = Particles.at_rest(n, rng.random((count, 3)), np.arange(count), 0.3 / count, dtype)
    p.displacement += torch.from_numpy(spread * rng.standard_normal((3, count))).to(dtype)
    p.momentum += torch.from_numpy(0.3 * rng.standard_normal((3, count))).to(dtype)
    return p.to(DEVICE)


def field(n: int, *lead: int, dtype=torch.float64, seed: int = 1, size: float = 1e-2) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(size * rng.standard_normal((*lead, n, n, n))).to(dtype).to(DEVICE)


def sites(n: int, dtype=torch.float64, seed: int = 4) -> torch.Tensor:
    return field(n, PACKED, dtype=dtype, seed=seed, size=1.0).movedim(0, -1).contiguous()


def modes(n: int, *lead: int, dtype=torch.float64, seed: int = 1) -> torch.Tensor:
    return fft.forward(field(n, *lead, dtype=dtype, seed=seed))


def assert_same(a: torch.Tensor, b: torch.Tensor, dtype: torch.dtype) -> None:
    scale = max(float(b.abs().max()), 1e-30)
    assert float((a - b).abs().max()) <= TOLERANCE[dtype] * scale


both = pytest.mark.parametrize("dtype", DTYPES)
sizes = pytest.mark.parametrize("n", [8, 9])


@both
@sizes
def test_deposits_agree(cuda, n, dtype):
    p, phi, potential = particles(n, dtype=dtype), field(n, dtype=dtype), field(n, dtype=dtype, seed=2)
    for second, shift in ((False, None), (True, None), (True, potential)):
        a, b = (k.project_stress_energy(p, phi, shift, 0.037, 0.1, second, sites(n, dtype)) for k in (cuda, reference))
        for number in range(PACKED):  # each by itself: they differ by orders of magnitude
            assert_same(a[..., number], b[..., number], dtype)
    a, b = (k.project_t0i(p, phi, field(n, 3, dtype=dtype)) for k in (cuda, reference))
    assert_same(a, b, dtype)
    for weight in (None, p.momentum[0]):
        a, b = (k.paint(p, weight, 2.3, None, -0.7) for k in (cuda, reference))
        assert_same(a, b, dtype)


@both
@sizes
def test_gathers_agree(cuda, n, dtype):
    p, f = particles(n, dtype=dtype), field(n, dtype=dtype)
    assert_same(cuda.read(p, f), reference.read(p, f), dtype)
    assert_same(cuda.gradient(p, f), reference.gradient(p, f), dtype)


@both
@pytest.mark.parametrize(
    "flags", [(False, False, False), (False, False, True), (False, True, True), (True, True, True)]
)
def test_motion_agrees(cuda, flags, dtype):
    p, metric, moved = particles(dtype=dtype), 1e-2 * sites(9, dtype), []
    for kernels in (cuda, reference):
        q = copy.deepcopy(p)
        kernels.kick_drift_gr(q, metric, Step(0.11, 0.12, 0.023, 0.031, *flags))
        moved.append(q)
    assert_same(moved[0].momentum, moved[1].momentum, dtype)
    assert_same(moved[0].displacement, moved[1].displacement, dtype)
    assert not torch.equal(moved[0].momentum, p.momentum)


@both
def test_newtonian_motion_agrees(cuda, dtype):
    moved = []
    for kernels in (cuda, reference):
        p = particles(dtype=dtype)
        kernels.kick_drift_newton(p, field(9, dtype=dtype), 0.023, 0.31)
        moved.append(p)
    assert_same(moved[0].momentum, moved[1].momentum, dtype)
    assert_same(moved[0].displacement, moved[1].displacement, dtype)


def pcs_metric(n: int, dtype=torch.float64, seed: int = 4) -> torch.Tensor:
    """phi, psi and their gradients, larger than a weak field has them."""
    return 0.02 * sites(n, dtype, seed)


def pcs_vector(n: int, dtype=torch.float64, size: float = 1e-4, seed: int = 5) -> torch.Tensor:
    """Three components, and a field of no meaning that must not reach a particle."""
    vector = size * sites(n, dtype, seed)[..., :VECTOR]
    vector[..., 3] = torch.nan
    return vector.contiguous()


@both
@sizes
def test_pcs_deposits_agree(cuda, n, dtype):
    p, metric = particles(n, dtype=dtype), pcs_metric(n, dtype)
    for weight, scale in ((None, 1.0), (p.momentum[0], 2.3)):
        a, b = (k.paint_pcs(p, weight, scale, None, -0.7) for k in (cuda, reference))
        assert_same(a, b, dtype)
    a, b = (k.paint_pcs(p, None, 1.0, None, 0.0, 0.5) for k in (cuda, reference))
    assert_same(a, b, dtype)
    out = torch.empty_like(a)
    assert cuda.paint_pcs(p, out=out) is out
    assert_same(out, reference.paint_pcs(p), dtype)
    for fields, weight in ((None, 0.037), (metric, 0.0), (metric, 0.037)):
        kept = [torch.full_like(p.displacement[0], torch.nan) for _ in range(2)]
        a, b = (
            k.project_pcs(p, fields, weight, 0.1, sites(n, dtype), -0.3, energies)
            for k, energies in zip((cuda, reference), kept, strict=True)
        )
        assert_same(*kept, dtype)
        for number in range(PACKED - 1):
            assert_same(a[..., number], b[..., number], dtype)
        assert not a[..., -1].any()
    for fields in (None, metric):
        a, b = (k.project_t0i_pcs(p, fields, field(n, 3, dtype=dtype)) for k in (cuda, reference))
        for component in range(3):
            assert_same(a[component], b[component], dtype)


@both
@sizes
@pytest.mark.parametrize("width", [1, 3, PACKED])
def test_pcs_gathers_agree(cuda, width, n, dtype):
    p, fields = particles(n, dtype=dtype), sites(n, dtype)[..., :width].contiguous()
    a, b = (k.read_pcs(p, fields) for k in (cuda, reference))
    assert a.shape == (width, len(p))
    assert_same(a, b, dtype)


@both
@sizes
def test_pcs_motion_agrees(cuda, n, dtype):
    """What is compared is the change, beside which the momentum or the displacement before would hide an error."""
    p, slopes = particles(n, dtype=dtype), pcs_vector(n, dtype, size=1.0)
    metric, dragging = pcs_metric(n, dtype), pcs_vector(n, dtype)
    for move in (
        lambda k, q: k.kick_drift_newton_pcs(q, slopes, WeightedStep(0.97, 0.23, 0.31)),
        lambda k, q: k.kick_drift_pcs(q, metric, dragging, WeightedStep(0.97, 0.23, 0.31, 0.11, 0.12)),
    ):
        changes = []
        for kernels in (cuda, reference):
            q = copy.deepcopy(p)
            move(kernels, q)
            changes.append((q.momentum - p.momentum, q.displacement - p.displacement))
        for a, b in zip(*changes, strict=True):
            assert b.abs().max() > 1e-3
            assert_same(a, b, dtype)


@both
def test_dragging_is_seen(cuda, dtype):
    """Small beside the other terms above: by itself, with momenta so large that the kick shows its derivative."""
    n, kicks, drifts = 9, [], []
    metric, dragging = torch.zeros_like(sites(n, dtype)), pcs_vector(n, dtype, size=1.0)
    for kernels in (cuda, reference):
        p = particles(n, dtype=dtype)
        before = p.momentum.clone()
        kernels.kick_drift_pcs(p, metric, dragging, WeightedStep(1.0, 0.1, 0.0, 0.9, 0.8))
        kicks.append(p.momentum - before)
        before = p.displacement.clone()
        p.momentum.zero_()
        kernels.kick_drift_pcs(p, metric, dragging, WeightedStep(1.0, 0.0, 0.7, 0.9, 0.8))
        drifts.append(p.displacement - before)
    for a, b in (kicks, drifts):
        assert b.abs().max() > 0.01
        assert_same(a, b, dtype)


def test_exponentials_of_the_metric(cuda):
    """Of constant potentials, by the sum over the mesh: 1e-6 in single and 1e-13 in double precision."""
    n, p = 4, particles(4, 40)
    painted = len(p) * p.mass * n**3
    for dtype, tolerance in ((torch.float64, 1e-13), (torch.float32, 1e-6)):
        q, metric = copy.deepcopy(p), torch.zeros_like(sites(n, dtype))
        q.displacement, q.momentum = p.displacement.to(dtype), torch.zeros_like(p.momentum, dtype=dtype)
        for potential in (0.0, -1e-5, 0.07):
            metric[..., METRIC_PHI], metric[..., METRIC_PSI] = potential, -potential
            value = float(metric[0, 0, 0, METRIC_PHI])  # as the precision holds it
            t00 = cuda.project_pcs(q, metric, 0.0, 0.1, sites(n, dtype))[..., T00].sum(dtype=torch.float64)
            assert float(t00) == pytest.approx(painted * np.exp(3 * value), rel=tolerance)
        q.momentum.fill_(1.0)
        t0i = cuda.project_t0i_pcs(q, metric, field(n, 3, dtype=dtype)).sum(dim=(1, 2, 3), dtype=torch.float64)
        assert t0i.tolist() == pytest.approx([painted * np.exp(4 * value)] * 3, rel=tolerance)


def test_the_exponential_of_small_numbers(cuda):
    """To the last digits of one plus a small number, and still an exponential where the field is no longer weak."""
    from weakfield.mesh.kernels.cuda.pcs import _exp

    for dtype, reach, tolerance in (
        (torch.float64, 1e-4, 3e-16), (torch.float64, 1.0, 1e-15), (torch.float64, 4.0, 1e-9),
        (torch.float32, 0.25, 1.2e-7), (torch.float32, 1.0, 4e-7), (torch.float32, 4.0, 1e-5),
    ):  # fmt: skip
        x = torch.linspace(-reach, reach, 4097, dtype=torch.float64).to(dtype)
        small = _exp.fn(x)  # nothing but operators, which mean the same for a tensor here
        torch.testing.assert_close(small.double(), torch.exp(x.double()), rtol=tolerance, atol=0)


@pytest.mark.parametrize(("n", "count"), [(2, 5), (6, 1), (6, 64), (6, 129)])
def test_pcs_counts_around_a_block(cuda, n, count):
    """Also on a mesh of two cells a side, where a spline meets every node twice."""
    p, metric, dragging = particles(n, count), pcs_metric(n), pcs_vector(n)
    a, b = (k.project_pcs(p, metric, 0.037, 0.1, sites(n)) for k in (cuda, reference))
    assert_same(a, b, torch.float64)
    assert_same(cuda.paint_pcs(p), reference.paint_pcs(p), torch.float64)
    moved = [copy.deepcopy(p), copy.deepcopy(p)]
    for kernels, q in zip((cuda, reference), moved, strict=True):
        kernels.kick_drift_pcs(q, metric, dragging, WeightedStep(0.97, 0.23, 0.31, 0.11, 0.12))
    assert_same(moved[0].momentum, moved[1].momentum, torch.float64)
    assert_same(moved[0].displacement, moved[1].displacement, torch.float64)


@both
@sizes
def test_sources_agree(cuda, n, dtype):
    phi, chi, past, extra = (field(n, dtype=dtype, seed=s) for s in range(4))
    t, planes = sites(n, dtype), torch.empty((2, n), dtype=torch.float64, device=DEVICE)
    for implicit, second, more in (
        (False, False, None),
        (False, True, extra),
        (True, False, None),
        (True, True, extra),
    ):
        a, b = (
            k.phi_source(t, more, phi, chi, past, 1.1, 0.7, 0.4, implicit, second, torch.empty_like(phi), sums)
            for k, sums in ((cuda, planes[0]), (reference, planes[1]))
        )
        assert_same(a, b, dtype)
        assert_same(planes[0], planes[1], dtype)
    a, b = (k.stress_divergence(t, phi, 1.7e-4, phi.new_empty((4, n, n, n))) for k in (cuda, reference))
    for component in range(4):
        assert_same(a[component], b[component], dtype)
    a, b = (k.pack_metric(phi, chi, field(n, 3, dtype=dtype), torch.empty_like(t)) for k in (cuda, reference))
    assert torch.equal(a, b)  # copies and differences


@both
@sizes
def test_spectral_solutions_agree(cuda, n, dtype):
    lattice, f = Lattice(n), modes(n, 4, dtype=dtype)
    for shift, clear in ((40.1, False), (0.0, True), (0.0, False)):
        a, b = (k.divide_by_laplacian(f[0].clone(), lattice, 1.3, shift, clear) for k in (cuda, reference))
        assert_same(a, b, dtype)
        assert (a[0, 0, 0] == 0) == clear
    a, b = (k.solve_chi(f, lattice, torch.empty_like(f[0])) for k in (cuda, reference))
    assert_same(a, b, dtype)
    in_place = f.clone()
    assert torch.equal(cuda.solve_chi(in_place, lattice, in_place[0]), a)
    a, b = (k.advance_b(f, lattice, -0.43, f[1:].clone()) for k in (cuda, reference))
    assert_same(a, b, dtype)
    a, b = (k.transverse_part(f[1:].clone(), lattice, 0.43) for k in (cuda, reference))
    assert_same(a, b, dtype)


@both
@sizes
def test_realisations_agree(cuda, n, dtype):
    """Unit modes are double; what they are added to has the precision of the run."""
    unit, out = modes(n), modes(n, dtype=dtype, seed=2)
    strength = np.random.default_rng(0).random(3 * (n // 2) ** 2 + 1)
    window = np.sinc(np.arange(n // 2 + 1) / n).astype(np.float32)
    for w in (None, window):
        a, b = (k.add_realisation(unit, strength, w, 0.7, out.clone()) for k in (cuda, reference))
        assert_same(a, b, dtype)


@settings(max_examples=12, deadline=None)
@given(
    st.integers(4, 11), st.integers(1, 40), st.sampled_from([0.0, 0.5, 1.0, -7.25, 1e-17, -1e-17]), st.floats(0, 6),
    st.integers(0, 10**6), st.sampled_from(DTYPES),
)  # fmt: skip
def test_any_positions(cuda, n, count, shift, spread, seed, dtype):
    """Faces, edges and far displacements: deposits and gathers as the reference, mass conserved."""
    p = particles(n, count, spread, dtype, seed)
    if spread < 3:  # on cell faces, or next to them on either side, some across the periodic edge
        p.displacement.copy_(torch.floor(p.displacement) + shift)
    phi = field(n, dtype=dtype, seed=seed)
    a, b = (k.project_stress_energy(p, phi, phi, 0.1, 0.3, True, sites(n, dtype)) for k in (cuda, reference))
    assert_same(a, b, dtype)
    assert_same(cuda.gradient(p, phi), reference.gradient(p, phi), dtype)
    painted = cuda.paint(p)
    assert_same(painted, reference.paint(p), dtype)
    assert float(painted.sum(dtype=torch.float64)) == pytest.approx(count, rel=TOLERANCE[dtype])


@settings(max_examples=8, deadline=None)
@given(
    st.integers(3, 11), st.integers(1, 40), st.sampled_from([0.0, 0.5, 1.0, -7.25, 1e-17, -1e-17]), st.floats(0, 6),
    st.integers(0, 10**6), st.sampled_from(DTYPES),
)  # fmt: skip
def test_any_positions_on_the_spectral_mesh(cuda, n, count, shift, spread, seed, dtype):
    """As above, for splines."""
    p = particles(n, count, spread, dtype, seed)
    if spread < 3:
        p.displacement.copy_(torch.floor(p.displacement) + shift)
    metric = pcs_metric(n, dtype, seed)
    a, b = (k.project_pcs(p, metric, 0.1, 0.3, sites(n, dtype)) for k in (cuda, reference))
    assert_same(a, b, dtype)
    assert_same(cuda.read_pcs(p, metric), reference.read_pcs(p, metric), dtype)
    painted = cuda.paint_pcs(p)
    assert_same(painted, reference.paint_pcs(p), dtype)
    assert float(painted.sum(dtype=torch.float64)) == pytest.approx(count, rel=TOLERANCE[dtype])


def test_deterministic_deposits_are_the_reference(cuda):
    from weakfield.mesh.kernels import deterministic

    p, phi = particles(), field(9)
    a, b = (k.project_stress_energy(p, phi, None, 0.0, 0.1, True, sites(9)) for k in (deterministic, deterministic))
    assert torch.equal(a, b)
    assert_same(a, reference.project_stress_energy(p, phi, None, 0.0, 0.1, True, sites(9)), torch.float64)
    assert torch.equal(deterministic.paint(p), deterministic.paint(p))
    assert torch.equal(deterministic.project_t0i(p, phi, field(9, 3)), deterministic.project_t0i(p, phi, field(9, 3)))
    metric = pcs_metric(9)
    for deposit in (
        lambda k: k.paint_pcs(p, p.momentum[0], 2.3, None, -0.7),
        lambda k: k.project_pcs(p, metric, 0.037, 0.1, sites(9), -0.3),
        lambda k: k.project_t0i_pcs(p, metric, field(9, 3)),
    ):
        assert torch.equal(deposit(deterministic), deposit(deterministic))
        assert_same(deposit(deterministic), deposit(reference), torch.float64)
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_tensor_that_is_not_contiguous_is_refused(cuda):
    with pytest.raises(ValueError, match="expected a contiguous one"):
        cuda.read(particles(), field(9).transpose(0, 2))


def test_scalars_keep_their_last_bits(cuda):
    from weakfield.mesh.kernels.cuda.launch import scalars

    assert scalars(field(4), 0.1)[0].item() == 0.1


def test_sums_of_planes(cuda):
    """T00 of particles and radiation, summed over each plane of constant z."""
    n, t = 9, sites(9)
    phi, extra = field(n), field(n, seed=2)
    sums = torch.empty(n, dtype=torch.float64, device=DEVICE)
    cuda.phi_source(t, extra, phi, phi, phi, 1.1, 0.7, 0.4, False, True, torch.empty_like(phi), sums)
    torch.testing.assert_close(sums, (t[..., 0] + extra).sum(dim=(1, 2)), rtol=0, atol=1e-12)
