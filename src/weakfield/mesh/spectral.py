"""The spectral mesh: continuum wavenumbers, and a window that is divided out of each field once (EQUATIONS 16.1).

Modes here are f_k = FFT(f) / N^3 on the half-complex mesh (..., N, N, N//2+1) [z, y, x], so that a field is the
unnormalised backward transform of its modes. Wavenumbers are those of the continuum, 2 pi n in units of 1 / box.
Nyquist planes are zero, also in anything that is added to modes. A deposit is divided once by the window W of the
spline. So are the modes of a field that particles read, and its spline then passes through the field.

Everything is defined by transforms and PyTorch; if the backend has a version of its own that makes fewer passes over
memory, that one is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor

from weakfield.mesh import fft
from weakfield.mesh.kernels.contract import Addition, Dragging, Kernels, SpectralSolvers
from weakfield.mesh.packed import D_PHI, D_PSI, METRIC_PHI, METRIC_PSI, STRESS
from weakfield.mesh.particles import Particles

#: by how many cells particles are shifted on the other three of the four interlaced meshes of a density
SHIFTS = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Continuum:
    """Wavenumbers and window of a mesh of ``n`` cells a side on a device, float64."""

    n: int
    device: torch.device

    @cached_property
    def numbers(self) -> np.ndarray:
        """(n,) wavenumbers of one axis in units of the fundamental: 0 to n/2 - 1, then negative; Nyquist positive."""
        index = np.arange(self.n)
        return np.where(index <= self.n // 2, index, index - self.n).astype(np.float64)

    @cached_property
    def inside_numpy(self) -> np.ndarray:
        """(n,): 1, but 0 on the Nyquist plane of an even mesh."""
        return np.where(2 * np.abs(self.numbers) < self.n, 1.0, 0.0)

    @cached_property
    def window_numpy(self) -> np.ndarray:
        """(n,) sinc^4(pi n_i / n) of one axis: the factor by which a deposit with cubic splines multiplies modes."""
        return np.asarray(np.sinc(self.numbers / self.n) ** 4)

    def _axes(self, values: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """The values of one axis as those of x, y and z, each broadcasting over the half-complex mesh."""
        one = torch.from_numpy(values).to(self.device)
        return one[None, None, : self.n // 2 + 1], one[None, :, None], one[:, None, None]

    @cached_property
    def k(self) -> tuple[Tensor, Tensor, Tensor]:
        """k_x, k_y, k_z, each zero on its own Nyquist plane: the symbols of the derivatives, divided by i."""
        return self._axes(2 * np.pi * self.numbers * self.inside_numpy)

    @cached_property
    def k2(self) -> Tensor:
        """(n, n, n//2+1): k^2, but 1 at k = 0, to avoid division by zero."""
        x, y, z = self._axes((2 * np.pi * self.numbers) ** 2)
        k2 = z + y + x
        k2[0, 0, 0] = 1.0
        return k2

    @cached_property
    def inside(self) -> Tensor:
        """(n, n, n//2+1): 1, but 0 on the Nyquist planes."""
        x, y, z = self._axes(self.inside_numpy)
        return z * y * x

    @cached_property
    def back(self) -> tuple[Tensor, ...]:
        """The phase factors that shift deposits on interlaced meshes back, in the order of ``SHIFTS``."""
        return tuple(self.moved_by(shift) for shift in SHIFTS)

    def moved_by(self, cells: float) -> Tensor:
        """(n, n, n//2+1): exp(i (k_x + k_y + k_z) cells / n)."""
        x, y, z = self._axes(np.exp(2j * np.pi * cells * self.numbers / self.n))
        return z * y * x

    @cached_property
    def per_window(self) -> Tensor:
        """(n, n, n//2+1): 1 / W, but 0 on the Nyquist planes."""
        x, y, z = self._axes(self.inside_numpy / self.window_numpy)
        return z * y * x

    def forget(self) -> None:
        """Give up the memory of what is known for every mode; it is made again when it is asked for."""
        for name in ("k2", "inside", "back", "per_window"):
            self.__dict__.pop(name, None)


@lru_cache(maxsize=8)
def continuum(n: int, device: torch.device) -> Continuum:
    """The ``Continuum`` of a mesh; the same object for the same mesh."""
    return Continuum(n, device)


def modes_of(field: Tensor, windowed: bool = False) -> Tensor:
    """f_k of a real field (..., N, N, N), divided by W if the field is a deposit (``windowed``)."""
    mesh = continuum(field.shape[-1], field.device)
    return fft.forward(field) * ((mesh.per_window if windowed else mesh.inside) / mesh.n**3)


def field_of(modes: Tensor, n: int) -> Tensor:
    """The real field (..., N, N, N) of f_k."""
    return fft.backward(modes, n, normalised=False)


def gradient_of(modes: Tensor, n: int) -> Tensor:
    """(3, N, N, N): the gradient of a field, x first."""
    mesh = continuum(n, modes.device)
    return torch.stack([field_of(1j * k * modes, n) for k in mesh.k])


def for_particles(modes: Tensor, n: int) -> Tensor:
    """(..., N, N, N): coefficients for particles to read, whose splines pass through the field of ``modes``."""
    return field_of(modes * continuum(n, modes.device).per_window, n)


def paint_shifted(
    kernels: Kernels,
    particles: Particles,
    weight: Tensor | None,
    scale: float,
    start: float,
    out: Tensor | None = None,
) -> Tensor:
    """The deposits of ``paint_pcs`` on the other three of four interlaced meshes, (3, N, N, N)."""
    if out is None:
        n = particles.grid
        out = particles.displacement.new_empty((len(SHIFTS), n, n, n))
    for deposit, shift in zip(out, SHIFTS, strict=True):
        kernels.paint_pcs(particles, weight, scale, deposit, start, shift)
    return out


def density_modes(kernels: Kernels, particles: Particles, weight: Tensor | None, scale: float, start: float) -> Tensor:
    """Modes of the density of particles, each counting ``weight`` times ``scale``, from ``interlaced`` deposits."""
    deposit = kernels.paint_pcs(particles, weight, scale, None, start)
    return interlaced(deposit, paint_shifted(kernels, particles, weight, scale, start))


def interlaced(deposit: Tensor, shifted: Tensor) -> Tensor:
    """Modes of a density from deposits on four meshes, with the window divided out.

    ``shifted`` (3, N, N, N) are the deposits on meshes that lie a quarter, a half and three quarters of a cell lower
    along each axis, so that particles appear that much further along (``SHIFTS``). Each is shifted back by
    exp(i (k_x + k_y + k_z) s / N). The mean of the four has images only of wave vectors k + 2 pi N m for which
    m_x + m_y + m_z is a multiple of four. Along an axis the nearest image is four times as far away as on one mesh, and
    its contribution at second order, which falls as the inverse square of the distance, is a sixteenth. The window
    keeps images along diagonals small.
    """
    back = continuum(deposit.shape[-1], deposit.device).back
    modes = modes_of(deposit, windowed=True)
    for other, phase in zip(shifted, back, strict=True):
        modes += modes_of(other, windowed=True) * phase
    return modes / (1 + len(back))


def contrast(
    kernels: Kernels, deposit: Tensor, shifted: Tensor, addition: Addition | None, out: Tensor, sums: Tensor
) -> Tensor:
    """A density (N, N, N) from ``interlaced`` deposits, with linear theory added, into ``out``.

    ``deposit`` may be one of several packed fields; ``sums`` (N,), float64, is set to its sum over each plane of
    constant z.
    """
    if (fused := _fused(kernels, deposit)) is not None:
        fused.contrast(deposit, shifted, addition, out, sums)
        return out
    sums.copy_(deposit.sum((1, 2), dtype=torch.float64))
    modes = interlaced(deposit.contiguous(), shifted)
    if addition is not None:
        kernels.add_realisation(*addition, modes)
    return out.copy_(field_of(modes, deposit.shape[-1]))


def solve_potential(
    kernels: Kernels,
    source: Tensor,
    factor: float,
    shift: float,
    shifted: Tensor | None,
    addition: Addition | None,
    out: Tensor,
) -> Tensor:
    """Modes factor (source + addition) / (k^2 + shift) into ``out``; the mode k = 0 is 0 if the shift is 0.

    With ``shifted`` (3, N, N, N) the source is a density from ``interlaced`` deposits.
    """
    if (fused := _fused(kernels, source)) is not None:
        fused.potential(source, factor, shift, shifted, addition, out)
        return out
    modes = modes_of(source) if shifted is None else interlaced(source, shifted)
    mesh = continuum(source.shape[-1], source.device)
    if addition is not None:
        kernels.add_realisation(*addition, modes)
    zero = factor * modes[0, 0, 0] / shift if shift else torch.zeros_like(modes[0, 0, 0])
    out.copy_(modes * (factor / (mesh.k2 + shift)))
    out[0, 0, 0] = zero
    return out


def potential_fields(kernels: Kernels, modes: Tensor, field: Tensor, gradient: Tensor) -> None:
    """A field (N, N, N) and its gradient (3, N, N, N) from the modes of the field."""
    if (fused := _fused(kernels, field)) is not None:
        fused.potential_fields(modes, field, gradient)
        return
    field.copy_(field_of(modes, field.shape[-1]))
    gradient.copy_(gradient_of(modes, field.shape[-1]))


def pack_metric(kernels: Kernels, phi: Tensor, chi: Tensor, out: Tensor) -> Tensor:
    """phi, psi = phi - chi and their gradients for particles to read, from modes, (N, N, N, 8)."""
    if (fused := _fused(kernels, out)) is not None:
        fused.pack_metric(phi, chi, out)
        return out
    n, psi = out.shape[0], phi - chi
    mesh = continuum(n, phi.device)
    out[..., METRIC_PHI] = for_particles(phi, n)
    out[..., METRIC_PSI] = for_particles(psi, n)
    for i, k in enumerate(mesh.k):
        out[..., D_PHI + i] = for_particles(1j * k * phi, n)
        out[..., D_PSI + i] = for_particles(1j * k * psi, n)
    return out


def pack_gradient(kernels: Kernels, modes: Tensor, out: Tensor) -> Tensor:
    """The gradient of a field for particles to read, from its modes, into the first three fields of (N, N, N, 4)."""
    if (fused := _fused(kernels, out)) is not None:
        fused.pack_gradient(modes, out)
        return out
    for i, k in enumerate(continuum(out.shape[0], modes.device).k):
        out[..., i] = for_particles(1j * k * modes, out.shape[0])
    return out


def pack_vector(kernels: Kernels, modes: Tensor, out: Tensor) -> Tensor:
    """A vector field for particles to read, from modes (3, N, N, N//2+1), into the first three of (N, N, N, 4)."""
    if (fused := _fused(kernels, out)) is not None:
        fused.pack_vector(modes, out)
        return out
    for i in range(3):
        out[..., i] = for_particles(modes[i], out.shape[0])
    return out


def stress_modes(packed: Tensor, gradient: Tensor, factor: float) -> dict[tuple[int, int], Tensor]:
    """S_ij = factor T_ij + 2 d_i phi d_j phi, modes by (i, j) with i <= j (EQUATIONS 16.2).

    ``packed`` (N, N, N, 8) is the deposited stress of particles; ``gradient`` (3, N, N, N) is the gradient of phi.
    """
    modes: dict[tuple[int, int], Tensor] = {}
    for field, i, j in STRESS:
        modes[i, j] = factor * modes_of(packed[..., field].contiguous(), windowed=True)
        modes[i, j] += modes_of(2 * gradient[i] * gradient[j])
    return modes


def solve_stress(
    kernels: Kernels,
    packed: Tensor,
    gradient: Tensor,
    factor: float,
    addition: Addition | None,
    chi: Tensor,
    field: Tensor,
    b: Dragging | None,
) -> None:
    """chi, as modes and in real space (``field``), and modes of a^2 B advanced in time, from S_ij of ``stress_modes``
    (EQUATIONS 5.2, 5.3 with k for kappa).

    chi = [k^2 S_ii - 3 k_i k_j S_ij] / (2 k^4) + ``addition``; (a^2 B_i)' = -2 i a^2 P_ij k_m S_jm / k^2, where P is
    the transverse projection. ``b`` is a^2 B, its increments a^2 times steps, its ``out`` modes. Without ``b`` only chi
    is computed.
    """
    if (fused := _fused(kernels, gradient)) is not None:
        fused.solve_stress(packed, gradient, factor, addition, chi, field, b)
        return
    mesh = continuum(gradient.shape[-1], gradient.device)
    s = stress_modes(packed, gradient, factor)
    v = [sum(mesh.k[j] * s[min(i, j), max(i, j)] for j in range(3)) for i in range(3)]
    contracted = mesh.k[0] * v[0] + mesh.k[1] * v[1] + mesh.k[2] * v[2]
    solved = (mesh.k2 * (s[0, 0] + s[1, 1] + s[2, 2]) - 3 * contracted) / (2 * mesh.k2**2)
    solved[0, 0, 0] = 0
    chi.copy_(solved)
    if addition is not None:
        kernels.add_realisation(*addition, chi)
    field.copy_(field_of(chi, field.shape[-1]))
    if b is not None:
        for i in range(3):
            rate = -2j * (v[i] - mesh.k[i] * contracted / mesh.k2) / mesh.k2
            rate[0, 0, 0] = 0
            b.out[i] = b.modes[i] + b.now * rate
            b.modes[i] = b.out[i] + b.ahead * rate


def transverse(modes: Tensor, factor: float) -> Tensor:
    """factor (V_i - k_i (k V) / k^2) / k^2 of a vector (3, N, N, N//2+1), 0 at k = 0."""
    mesh = continuum(modes.shape[1], modes.device)
    along = sum(k * v for k, v in zip(mesh.k, modes, strict=True)) / mesh.k2
    out = torch.stack([factor * (v - k * along) / mesh.k2 for k, v in zip(mesh.k, modes, strict=True)])
    out[:, 0, 0, 0] = 0
    return out


def transverse_traceless(s: dict[tuple[int, int], Tensor], factor: float) -> Tensor:
    """factor Lambda_ij,lm S_lm / k^2 of a symmetric tensor, (6, N, N, N//2+1) in the order xx xy xz yy yz zz.

    Lambda = P_il P_jm - P_ij P_lm / 2 with P_ij = delta_ij - k_i k_j / k^2; 0 at k = 0.
    """
    first = s[0, 0]
    mesh = continuum(first.shape[0], first.device)
    k, k2 = mesh.k, mesh.k2

    def part(i: int, j: int) -> Tensor:
        return s[min(i, j), max(i, j)]

    v = [sum(k[j] * part(i, j) for j in range(3)) for i in range(3)]  # k_j S_ij
    w = (k[0] * v[0] + k[1] * v[1] + k[2] * v[2]) / k2
    trace = s[0, 0] + s[1, 1] + s[2, 2] - w  # P_lm S_lm
    out = []
    for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)):
        across = part(i, j) - (k[i] * v[j] + k[j] * v[i]) / k2 + k[i] * k[j] * w / k2
        across = across - 0.5 * trace * (float(i == j) - k[i] * k[j] / k2)
        out.append(across * (factor / k2) * mesh.inside)
    tensor = torch.stack(out)
    tensor[:, 0, 0, 0] = 0
    return tensor


def _fused(kernels: Kernels, field: Tensor) -> SpectralSolvers | None:
    """The backend's solvers that make fewer passes over memory, if it has any for this field."""
    solvers = kernels.spectral_solvers
    return solvers if solvers is not None and solvers.takes(field.shape[1]) else None
