"""The solvers that go through memory once against their definition by transforms and reference kernels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from weakfield.mesh import fft, solvers
from weakfield.mesh.kernels import cpu, reference
from weakfield.mesh.kernels.contract import Dragging, Poisson
from weakfield.mesh.lattice import Lattice
from weakfield.mesh.threads import threads

DTYPES = [torch.float64, torch.float32]
#: rounding of transforms; B loses a digit where the longitudinal part of the source is taken off
TOLERANCE = {torch.float64: 1e-13, torch.float32: 1e-5}


def noise(n: int, *lead: int, dtype=torch.float64, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((*lead, n, n, n))).to(dtype)


def workspace(n: int, dtype: torch.dtype) -> torch.Tensor:
    return torch.empty((4, n, n, n // 2 + 1), dtype=fft.COMPLEX[dtype])


def addition(n: int, windowed: bool, factor: float = 0.7) -> solvers.Addition:
    """Seeded modes with a strength by n^2, as linear radiation adds them; none in the mean."""
    unit = fft.forward(noise(n, seed=9))
    unit[0, 0, 0] = 0
    strength = np.random.default_rng(3).random(3 * (n // 2) ** 2 + 1)
    window = np.sinc(np.arange(n // 2 + 1) / n).astype(np.float32) if windowed else None
    return unit, strength, window, factor


def assert_same(a: torch.Tensor, b: torch.Tensor) -> None:
    assert float((a - b).abs().max()) <= TOLERANCE[b.real.dtype] * float(b.abs().max())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [16, 48])
def test_potential(n, dtype):
    source, lattice = noise(n, dtype=dtype), Lattice(n)
    for shift, clear, more in ((0.0, True, None), (40.0, False, None), (0.0, True, addition(n, True)),
                               (40.0, False, addition(n, False))):  # fmt: skip
        out, means = {}, {}
        for kernels in (cpu, reference):
            out[kernels] = torch.empty_like(source)
            means[kernels] = float(
                solvers.solve_potential(
                    kernels, source, workspace(n, dtype)[0], lattice, Poisson(-1.3, shift, clear, more), out[kernels]
                )
            )
        assert_same(out[cpu], out[reference])
        assert means[cpu] == pytest.approx(means[reference], rel=1e-5, abs=0 if clear else 1e-9)
        if clear:
            assert means[cpu] == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [16, 48])
def test_chi_and_b(n, dtype):
    """B of now, B kept for the next cycle, and chi; B may take the place of its source."""
    lattice, carried = Lattice(n), fft.forward(noise(n, 3, dtype=dtype, seed=4))
    for ahead, more in ((0.0, None), (-0.7, addition(n, False))):
        chi, b, kept = {}, {}, {}
        for kernels in (cpu, reference):
            divergence, kept[kernels] = noise(n, 4, dtype=dtype), carried.clone()
            chi[kernels] = torch.empty_like(divergence[0])
            solvers.solve_chi_and_b(
                kernels, divergence, workspace(n, dtype), lattice, more, chi[kernels],
                Dragging(kept[kernels], -1.9, ahead, divergence[1:]),
            )  # fmt: skip
            b[kernels] = divergence[1:]
        assert_same(chi[cpu], chi[reference])
        assert_same(b[cpu], b[reference])
        assert_same(kept[cpu], kept[reference])
        assert torch.equal(kept[cpu][:, 0, 0, 0], carried[:, 0, 0, 0])  # the mean of B has no equation
        if ahead == 0:
            assert_same(fft.backward(kept[cpu], n, normalised=False), b[cpu])
    alone, untouched = torch.empty_like(chi[cpu]), carried.clone()
    solvers.solve_chi_and_b(cpu, noise(n, 4, dtype=dtype), workspace(n, dtype), lattice, more, alone, None)
    assert torch.equal(alone, chi[cpu])
    assert torch.equal(untouched, carried)


def test_same_bits_for_any_number_of_threads():
    n, lattice, found = 32, Lattice(32), []
    for count in (1, 2, 3):
        with threads(count):
            divergence, b_modes = noise(n, 4), fft.forward(noise(n, 3, seed=4))
            chi, phi = torch.empty(n, n, n, dtype=torch.float64), torch.empty(n, n, n, dtype=torch.float64)
            solvers.solve_potential(
                cpu,
                divergence[0],
                workspace(n, phi.dtype)[0],
                lattice,
                Poisson(1.0, 3.0, False, addition(n, True)),
                phi,
            )
            solvers.solve_chi_and_b(
                cpu, divergence, workspace(n, phi.dtype), lattice, addition(n, False), chi,
                Dragging(b_modes, 0.3, 0.2, divergence[1:]),
            )  # fmt: skip
            found.append((phi, chi, divergence[1:], b_modes))
    for others in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], others, strict=True))
