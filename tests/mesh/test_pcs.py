"""Cubic splines: hand-computable cases, adjointness and moments (PHYSICS 16.1)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from weakfield.mesh.kernels import kernels_for
from weakfield.mesh.particles import Particles


def scattered(n: int, seed: int = 3, spread: float = 0.6, dtype: torch.dtype = torch.float64) -> Particles:
    """One particle a cell, displaced at random by up to some cells."""
    centres = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) / n] * 3, indexing="ij"), -1).reshape(-1, 3)
    particles = Particles.at_rest(n, centres, np.arange(n**3), 1.0 / n**3, dtype)
    generator = torch.Generator().manual_seed(seed)
    particles.displacement += spread * torch.randn(3, n**3, generator=generator, dtype=torch.float64).to(dtype)
    particles.momentum = 1e-3 * torch.randn(3, n**3, generator=generator, dtype=torch.float64).to(dtype)
    return particles


@pytest.fixture(params=["reference"])
def kernels(request):
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
    for lane in range(8):
        there = float((painted * fields[..., lane]).sum())
        here = float((weight * read[lane]).sum())
        assert there == pytest.approx(here, rel=1e-12, abs=1e-12 * float(weight.norm() * read[lane].norm()))


def test_cubic_polynomials_keep_their_sum_and_centre(kernels):
    """Weights sum to 1 and the deposit's centre is where the particle is."""
    place = np.array([[0.4137, 0.5219, 0.4471]])
    particles = Particles.at_rest(16, place, np.array([0]), 1.0, torch.float64)
    painted = kernels.paint_pcs(particles).numpy()
    for axis, along in enumerate((2, 1, 0)):
        other = tuple(i for i in range(3) if i != along)
        assert (painted.sum(axis=other) * np.arange(16)).sum() / 16 == pytest.approx(place[0, axis], rel=1e-13)
