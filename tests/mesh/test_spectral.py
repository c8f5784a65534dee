"""The spectral mesh by plane waves whose answers are known, and its kernels against their definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from weakfield.mesh import fft, spectral
from weakfield.mesh.kernels import cpu, reference
from weakfield.mesh.kernels.contract import Addition, Dragging, Extrapolation
from weakfield.mesh.packed import D_PHI, D_PSI, METRIC_PHI, METRIC_PSI, PACKED, STRESS, T00, VECTOR, XX, YZ, spread_out
from weakfield.mesh.threads import threads

DTYPES = [torch.float64, torch.float32]
#: of the largest number
TOLERANCE = {torch.float64: 1e-13, torch.float32: 1e-6}


def noise(*shape: int, dtype=torch.float64, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).to(dtype)


def modes(n: int, *lead: int, dtype=torch.float64, seed: int = 0) -> Tensor:
    """Those of noise that falls as 1 / k, without Nyquist planes."""
    f = spectral.modes_of(noise(*lead, n, n, n, seed=seed))
    return (f / spectral.continuum(n, f.device).k2.sqrt()).to(fft.COMPLEX[dtype])


def addition(n: int) -> Addition:
    """Seeded modes with a strength by n^2, as linear radiation adds them; none in the mean or on a Nyquist plane."""
    unit = n**3 * spectral.modes_of(noise(n, n, n, seed=9))
    unit[0, 0, 0] = 0
    return unit, np.random.default_rng(3).random(3 * (n // 2) ** 2 + 1), None, 1e-5


def assert_same(a: Tensor, b: Tensor) -> None:
    assert a.dtype == b.dtype
    assert float((a - b).abs().max()) <= TOLERANCE[b.real.dtype] * float(b.abs().max())


def wave(n: int, *numbers: int) -> Tensor:
    """The phase 2 pi (n_x x + n_y y + n_z z) at the nodes, [z, y, x]."""
    x = torch.arange(n, dtype=torch.float64) / n
    return 2 * np.pi * (numbers[0] * x + numbers[1] * x[:, None] + numbers[2] * x[:, None, None])


def window(n: int, *numbers: int) -> float:
    return float(np.prod(np.sinc(np.array(numbers) / n) ** 4))


# ---------------------------------------------------------------------------------------------------------------
# The definition, which every kind of kernels has to give; by hand


@pytest.mark.parametrize("kernels", [reference, cpu], ids=["definition", "cpu"])
class TestPlaneWaves:
    n, numbers = 16, (2, -1, 3)

    @property
    def k(self) -> np.ndarray:
        return 2 * np.pi * np.array(self.numbers)

    @property
    def phase(self) -> Tensor:
        return wave(self.n, *self.numbers)

    def test_gradient(self, kernels):
        field, gradient = torch.empty(self.n, self.n, self.n, dtype=torch.float64), noise(3, self.n, self.n, self.n)
        spectral.potential_fields(kernels, spectral.modes_of(torch.sin(self.phase)), field, gradient)
        assert_same(field, torch.sin(self.phase))
        for i in range(3):
            assert_same(gradient[i], self.k[i] * torch.cos(self.phase))

    def test_metric_has_psi_and_what_splines_need(self, kernels):
        phi, chi = spectral.modes_of(torch.sin(self.phase)), spectral.modes_of(0.25 * torch.cos(self.phase))
        out = spectral.pack_metric(kernels, phi, chi, noise(self.n, self.n, self.n, PACKED))
        psi, per = torch.sin(self.phase) - 0.25 * torch.cos(self.phase), 1 / window(self.n, *self.numbers)
        slope = torch.cos(self.phase) + 0.25 * torch.sin(self.phase)
        assert_same(out[..., METRIC_PHI], per * torch.sin(self.phase))
        assert_same(out[..., METRIC_PSI], per * psi)
        for i in range(3):
            assert_same(out[..., D_PHI + i], per * self.k[i] * torch.cos(self.phase))
            assert_same(out[..., D_PSI + i], per * self.k[i] * slope)

    def test_gradient_and_vector_for_particles(self, kernels):
        per, out = 1 / window(self.n, *self.numbers), torch.zeros(self.n, self.n, self.n, VECTOR, dtype=torch.float64)
        f = spectral.modes_of(torch.sin(self.phase))
        spectral.pack_gradient(kernels, f, out)
        for i in range(3):
            assert_same(out[..., i], per * self.k[i] * torch.cos(self.phase))
        spectral.pack_vector(kernels, torch.stack([f, 2 * f, -f]), out)
        for i, factor in enumerate((1, 2, -1)):
            assert_same(out[..., i], factor * per * torch.sin(self.phase))

    def test_a_density_loses_its_window(self, kernels):
        packed, sums = torch.zeros(self.n, self.n, self.n, PACKED, dtype=torch.float64), torch.zeros(self.n).double()
        packed[..., T00] = 0.5 + window(self.n, *self.numbers) * torch.sin(self.phase)
        moved = torch.stack([self.phase - float(self.k.sum()) * shift / self.n for shift in spectral.SHIFTS])
        shifted = 0.5 + window(self.n, *self.numbers) * torch.sin(moved)
        out = spectral.contrast(kernels, packed[..., T00], shifted, None, torch.empty_like(self.phase), sums)
        assert_same(out, 0.5 + torch.sin(self.phase))
        half = spectral.contrast(kernels, packed[..., T00], 0 * shifted, None, out.clone(), sums.clone())
        assert_same(half, 0.125 + 0.25 * torch.sin(self.phase))
        assert_same(sums, packed[..., T00].sum((1, 2)))
        again, more = (
            spectral.contrast(kernels, packed[..., T00].clone(), shifted, None, out.clone(), sums.clone().zero_()),
            sums,
        )
        assert_same(again, out)
        apart = spread_out(self.n, PACKED, torch.float64).copy_(packed)
        assert torch.equal(spectral.contrast(kernels, apart[..., T00], shifted, None, out.clone(), more), out)
        assert_same(more, packed[..., T00].sum((1, 2)))

    def test_poisson(self, kernels):
        out = torch.empty(self.n, self.n, self.n // 2 + 1, dtype=torch.complex128)
        k2 = float((self.k**2).sum())
        source = 2.0 + torch.sin(self.phase)
        spectral.solve_potential(kernels, source, -3.0, 0.0, None, None, out)
        assert_same(spectral.field_of(out, self.n), -3.0 / k2 * torch.sin(self.phase))
        spectral.solve_potential(kernels, source, -3.0, 7.0, None, None, out)
        assert_same(spectral.field_of(out, self.n), -6.0 / 7.0 - 3.0 / (k2 + 7.0) * torch.sin(self.phase))

    def test_nyquist_planes_are_zero(self, kernels):
        f = torch.cos(wave(self.n, self.n // 2, 0, 0)) + torch.cos(wave(self.n, 1, self.n // 2, 2))
        f += torch.cos(wave(self.n, 3, 1, self.n // 2))
        out = torch.full((self.n, self.n, self.n // 2 + 1), torch.nan, dtype=torch.complex128)
        spectral.solve_potential(kernels, f, 1.0, 1.0, torch.stack([f] * 3), None, out)
        assert float(out.abs().max()) < 1e-14
        for axis in range(3):
            assert not out.select(axis, self.n // 2).any()

    @pytest.mark.parametrize("numbers", [(2, -1, 3), (0, 0, 2), (0, 3, 0), (1, 0, 0), (3, 2, 0)])
    def test_chi_and_b_of_a_known_stress(self, kernels, numbers):
        """S_ij = A_ij sin(k x): chi = (k^2 A_ii - 3 k A k) / (2 k^4) sin, (a^2 B)' = -2 a^2 (A k)^T / k^2 cos."""
        n, k = self.n, 2 * np.pi * np.array(numbers)
        phase, k2 = wave(n, *numbers), float((k**2).sum())
        amplitude = noise(3, 3, seed=1).numpy()
        amplitude = amplitude + amplitude.T
        packed = torch.zeros(n, n, n, PACKED, dtype=torch.float64)
        for number, i, j in STRESS:
            packed[..., number] = window(n, *numbers) * amplitude[i, j] / 5.0 * torch.sin(phase)
        chi, b, b_now = (torch.zeros(*lead, n, n, n // 2 + 1, dtype=torch.complex128) for lead in ((), (3,), (3,)))
        field, none = torch.empty(n, n, n, dtype=torch.float64), torch.zeros(3, n, n, n, dtype=torch.float64)
        spectral.solve_stress(kernels, packed, none, 5.0, None, chi, field, Dragging(b, 0.3, 0.5, b_now))
        expected = (k2 * np.trace(amplitude) - 3 * k @ amplitude @ k) / (2 * k2**2)
        assert_same(field, expected * torch.sin(phase))
        assert_same(spectral.field_of(chi, n), field)
        v = amplitude @ k
        rate = -2 * (v - k * (k @ v) / k2) / k2
        for i in range(3):
            for moved, step in ((b_now, 0.3), (b, 0.8)):
                made = spectral.field_of(moved, n)[i]
                assert float((made - step * rate[i] * torch.cos(phase)).abs().max()) < 1e-13 * np.abs(rate).max()

    def test_products_of_the_gradient(self, kernels):
        """2 d_x phi d_x phi alone: -2 i k_x S_xx of a wave along x has no transverse part, and chi = -S_xx / k^2."""
        n = self.n
        packed, gradient = (torch.zeros(shape, dtype=torch.float64) for shape in ((n, n, n, PACKED), (3, n, n, n)))
        gradient[0] = torch.sin(wave(n, 2, 0, 0))
        packed[..., XX] = packed[..., YZ] = 0.7  # a mean makes nothing
        chi, b, b_now = (torch.zeros(*lead, n, n, n // 2 + 1, dtype=torch.complex128) for lead in ((), (3,), (3,)))
        field = torch.empty(n, n, n, dtype=torch.float64)
        spectral.solve_stress(kernels, packed, gradient, 1.0, None, chi, field, Dragging(b, 1.0, 1.0, b_now))
        assert_same(field, torch.cos(wave(n, 4, 0, 0)) / (8 * np.pi) ** 2)
        assert float(b.abs().max()) < 1e-17


# ---------------------------------------------------------------------------------------------------------------
# Fused kernels against the definition

SIDES = [16, 48, 80]


def everything(kernels, n: int, dtype: torch.dtype) -> dict[str, Tensor]:
    """What every function makes of the same noise."""
    made: dict[str, Tensor] = {}
    more, complexes = addition(n), fft.COMPLEX[dtype]
    packed = spread_out(n, PACKED, dtype).copy_(noise(n, n, n, PACKED))
    gradient = noise(3, n, n, n, dtype=dtype, seed=1)
    for extra, label in ((None, ""), (more, " with radiation")):
        sums = torch.zeros(n, dtype=torch.float64)
        made["contrast" + label] = spectral.contrast(
            kernels, packed[..., T00], gradient, extra, torch.empty(n, n, n, dtype=dtype), sums
        )
        made["sums" + label] = sums
        for shift in (0.0, 30.0):
            made[f"potential {shift}" + label] = spectral.solve_potential(
                kernels, gradient[0].contiguous(), -1.7, shift, None if shift else gradient, extra,
                torch.full((n, n, n // 2 + 1), torch.nan, dtype=complexes),
            )  # fmt: skip
        for vector in (True, False):
            chi, b = torch.full((n, n, n // 2 + 1), torch.nan, dtype=complexes), modes(n, 3, dtype=dtype, seed=5)
            b_now, field = torch.full_like(b, torch.nan), torch.empty(n, n, n, dtype=dtype)
            spectral.solve_stress(
                kernels, packed, gradient, 0.7, extra, chi, field, Dragging(b, 0.4, 0.6, b_now) if vector else None,
            )  # fmt: skip
            part = f" {'with' if vector else 'without'} B" + label
            made |= {"chi modes" + part: chi, "chi" + part: field}
            if vector:
                made |= {"B" + part: b, "B now" + part: b_now}
    phi, chi = modes(n, dtype=dtype, seed=2), modes(n, dtype=dtype, seed=3)
    field, slopes = torch.empty(n, n, n, dtype=dtype), torch.empty(3, n, n, n, dtype=dtype)
    spectral.potential_fields(kernels, phi, field, slopes)
    made |= {"field": field, "gradient": slopes}
    made["metric"] = spectral.pack_metric(kernels, phi, chi, torch.empty(n, n, n, PACKED, dtype=dtype))
    made["metric with gaps"] = spectral.pack_metric(kernels, phi, chi, spread_out(n, PACKED, dtype))
    empty = torch.zeros(n, n, n, VECTOR, dtype=dtype)
    made["packed gradient"] = spectral.pack_gradient(kernels, phi, empty.clone())
    made["packed vector"] = spectral.pack_vector(kernels, modes(n, 3, dtype=dtype, seed=4), empty)
    return made


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIDES)
def test_fused_agree_with_the_definition(n, dtype):
    made, right = everything(cpu, n, dtype), everything(reference, n, dtype)
    for name, value in made.items():
        scale, tolerance = float(right[name].abs().max()), TOLERANCE[dtype]
        if dtype == torch.float32 and name.startswith(("chi", "B")):
            tolerance = 1e-5  # the squares have a mean, hundreds of times their largest mode, and round accordingly
        assert float((value - right[name]).abs().max()) <= tolerance * scale, name


@pytest.mark.parametrize("dtype", DTYPES)
def test_fused_give_the_same_bits_on_any_number_of_threads(dtype):
    made = []
    for count in (1, 2, 3):
        with threads(count):
            made.append(everything(cpu, 48, dtype))
    for other in made[1:]:
        for name, value in other.items():
            assert torch.equal(value, made[0][name]), name


# ---------------------------------------------------------------------------------------------------------------
# The source of phi, and the metric a step ahead

AHEAD = Extrapolation(phi=(1.9, -0.9), chi=(2.1, -1.1), rate=(40.0, -38.5), memory=(-7.0, 3.0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("strong", [False, True], ids=["weak", "strong"])
@pytest.mark.parametrize("n", [7, 20, 32])
def test_hamiltonian_source(n, strong, dtype):
    """In single precision as near to the double answer as the reference is; beyond +-0.01 exponentials are whole."""
    size = 0.1 if strong else 1e-4
    fields = [size * noise(n, n, n, seed=i) for i in range(4)]
    slopes = [size * noise(3, n, n, n, seed=4 + i) for i in range(2)]
    density = noise(n, n, n, seed=6)
    exact = reference.hamiltonian_source(density, *fields, *slopes, AHEAD, 3.0, 8.0, density.clone())
    inputs = [f.to(dtype) for f in (density, *fields, *slopes)]
    source = inputs[0].clone()
    made = cpu.hamiltonian_source(source, *inputs[1:], AHEAD, 3.0, 8.0, source)
    assert made is source
    assert_same(made, exact.to(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [7, 16])
def test_extrapolation(n, dtype):
    metric, past = noise(n, n, n, PACKED, dtype=dtype), noise(n, n, n, PACKED, dtype=dtype, seed=1)
    right = reference.extrapolate(metric, past.clone(), AHEAD)
    apart = tuple(spread_out(n, PACKED, dtype).copy_(f) for f in (metric, past))
    assert cpu.extrapolate(metric, past, AHEAD) is past
    assert_same(past, right)
    assert torch.equal(cpu.extrapolate(*apart, AHEAD), past)
