"""Our own transforms against DUCC's and against identities; which sizes they take; bits for any number of threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.fft

from weakfield.mesh.kernels.cpu import transform

KINDS = [np.float64, np.float32]
#: rounding of log2(N^3) butterflies, relative to the largest number
ROUNDING = {np.float64: 3e-15, np.float32: 2e-6}
COMPLEX = {np.float64: np.complex128, np.float32: np.complex64}


def noise(*shape: int, kind=np.float64, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(kind)


def complex_noise(*shape: int, kind=np.float64) -> np.ndarray:
    return (noise(*shape) + 1j * noise(*shape, seed=1)).astype(COMPLEX[kind])


def assert_close(a: np.ndarray, b: np.ndarray, kind) -> None:
    assert np.abs(a - b).max() <= ROUNDING[kind] * np.abs(b).max()


def test_sizes():
    assert [n for n in range(4, 161) if transform.fits(n)] == [16, 32, 48, 64, 80, 96, 128, 144, 160]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [16, 32, 48, 64, 80, 96, 144])
def test_agrees_with_another_library(n, kind):
    """Every radix (2, 3, 4, 5, 8) comes in one of these."""
    field = noise(2, n, n, n, kind=kind)
    modes = np.empty((2, n, n, n // 2 + 1), COMPLEX[kind])
    transform.forward(field, modes, 1)
    assert_close(modes, scipy.fft.rfftn(field.astype(np.float64), axes=(1, 2, 3)), kind)
    anything = complex_noise(n, n, n // 2 + 1, kind=kind)  # not Hermitian where a real field's modes are
    kept = anything.copy()
    back = transform.backward(anything, np.empty((n, n, n), kind), 0.5, False, 1)
    assert np.array_equal(anything, kept)
    right = scipy.fft.irfftn(scipy.fft.ifftn(anything.astype(np.complex128), axes=(0, 1)), s=(n,), axes=(2,))
    assert_close(back, 0.5 * n**3 * right, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_same_bits_for_any_number_of_threads_and_whether_modes_may_go(kind):
    n, field = 48, noise(48, 48, 48, kind=kind)
    one = transform.forward(field, np.empty((n, n, n // 2 + 1), COMPLEX[kind]), 1)
    back = transform.backward(one, np.empty((n, n, n), kind), 1.0, False, 1)
    for threads in (2, 3, 5):
        modes = transform.forward(field, np.empty_like(one), threads)
        assert np.array_equal(modes, one)
        assert np.array_equal(transform.backward(modes, np.empty((n, n, n), kind), 1.0, True, threads), back)


def test_a_plane_wave_is_one_mode():
    n, (kx, ky, kz) = 32, (3, -5, 7)
    z, y, x = np.meshgrid(*[np.arange(n)] * 3, indexing="ij")
    modes = np.empty((n, n, n // 2 + 1), np.complex128)
    transform.forward(np.cos(2 * np.pi * (kx * x + ky * y + kz * z) / n), modes, 2)
    assert abs(modes[kz, ky, kx] - n**3 / 2) < 1e-10
    modes[kz, ky, kx] = 0
    assert np.abs(modes).max() < 1e-10


def test_callers_in_threads_of_their_own_do_not_disturb_each_other():
    n, fields = 32, [noise(32, 32, 32, seed=s) for s in range(6)]
    alone = [transform.forward(f, np.empty((n, n, n // 2 + 1), np.complex128), 1) for f in fields]
    with ThreadPoolExecutor(3) as pool:
        jobs = [
            pool.submit(transform.forward, f, np.empty((n, n, n // 2 + 1), np.complex128), 1)
            for f in fields
            for _ in "ab"
        ]
    for i, job in enumerate(jobs):
        assert np.array_equal(job.result(), alone[i // 2])
