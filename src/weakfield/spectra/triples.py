"""Sums of f1 f2 f3 over all closed triples of modes, one sum for each triangle of shells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.fourier.triangles import GridGroup, ShellModes
from weakfield.mesh import fft
from weakfield.spectra.slabs import slab_sums

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]


def triple_sums(
    amplitudes: Sequence[Tensor], modes: ShellModes, triangles: Integers, groups: Sequence[GridGroup]
) -> Reals:
    """sum f1(k1) f2(k2) f3(k3) over k1 + k2 + k3 = 0 with k_a in shell ``triangles[t, a]``, (T,).

    ``amplitudes``: one field or three, complex (modes,) in the order of ``modes``. Computed on a CPU by ``slab_sums``,
    on a GPU by ``grid_sums``, which is also the definition.
    """
    if amplitudes[0].is_cuda:
        return grid_sums(amplitudes, modes, triangles, groups)
    return slab_sums([field.numpy() for field in amplitudes], modes, triangles, groups)


def grid_sums(
    amplitudes: Sequence[Tensor], modes: ShellModes, triangles: Integers, groups: Sequence[GridGroup]
) -> Reals:
    """The same as ``triple_sums``, with every shell transformed to whole grids, in PyTorch on any device."""
    result = np.zeros(len(triangles))
    for group in groups:
        rows = triangles[group.rows]
        for shift in group.shifts:
            grids = [shell_fields(field, modes, group.size, shift) for field in amplitudes]
            a, b, c = (grids * 3)[:3] if len(grids) == 1 else grids
            result[group.rows] += site_sums(a, b, c, rows).cpu().numpy()
        result[group.rows] /= group.sites
    return result


def site_sums(a: Tensor, b: Tensor, c: Tensor, triangles: NDArray[np.int64]) -> Tensor:
    """sum_x a_i b_j c_l for every row (i, j, l) of ``triangles``, (T,); fields (shells, sites)."""
    result = a.new_zeros(len(triangles))
    pairs, place = np.unique(triangles[:, :2], axis=0, return_inverse=True)
    for number, (i, j) in enumerate(pairs.tolist()):
        rows = torch.from_numpy(np.flatnonzero(place.ravel() == number)).to(a.device)
        third = torch.from_numpy(triangles[rows.cpu().numpy(), 2]).to(a.device)
        result[rows] = c[third] @ (a[i] * b[j])
    return result


def shell_fields(amplitudes: Tensor, modes: ShellModes, size: int, shift: float) -> Tensor:
    """D_s(x) = sum over the modes of shell s of f exp(i k x) at the sites of a grid moved by ``shift`` cells.

    Returns (shells, size^3). Wavenumbers beyond the grid's own act as their aliases, which have the same values there.
    """
    device = amplitudes.device
    z, y, x = (torch.from_numpy(axis.astype(np.int64)).to(device) for axis in (modes.z, modes.y, modes.x))
    values = amplitudes * torch.exp(2j * np.pi * shift / size * (x + y + z).double())
    spectrum = torch.zeros((modes.count, size, size, size // 2 + 1), dtype=torch.complex128, device=device)
    for shell, (begin, end) in enumerate(zip(modes.start.tolist(), modes.stop.tolist(), strict=True)):
        part = slice(begin, end)
        flat = spectrum[shell].view(-1)
        for sign, allowed in ((1, x[part] >= 0), (-1, x[part] > 0)):
            kz, ky, kx = ((sign * axis[part]) % size for axis in (z, y, x))
            kept = allowed & (kx <= size // 2)
            value = values[part] if sign == 1 else values[part].conj()
            index = (kz * size + ky) * (size // 2 + 1) + kx
            flat.index_add_(0, index[kept], value[kept])
    return fft.backward(spectrum, size, normalised=False).reshape(modes.count, -1)
