"""Packed fields, (N, N, N, 8): the fields of one site lie side by side, so that a particle finds all of them together
in memory.

The stress-energy that particles leave on the mesh has the fields T00 to YZ (the eighth stays 0); the metric that moves
them has the fields PHI to LZ. The kernels rely on the positions of CHI to BZ. LX to LZ hold B_i(o) - B_i(o - e_i) at
the node o; interpolated trilinearly, these differences are the derivative of B_i along its own axis (EQUATIONS 6.2).
"""

from __future__ import annotations

import torch
from torch import Tensor

#: how many fields a site has
PACKED = 8
T00, XX, YY, ZZ, XY, XZ, YZ = range(7)
PHI, CHI, BX, BY, BZ, LX, LY, LZ = range(8)

#: (which field, i, j) of the stress tensor
STRESS = ((XX, 0, 0), (YY, 1, 1), (ZZ, 2, 2), (XY, 0, 1), (XZ, 0, 2), (YZ, 1, 2))
#: the stress tensor in the order of files: xx, xy, xz, yy, yz, zz
STORED = (XX, XY, XZ, YY, YZ, ZZ)

#: the metric on the spectral mesh: phi, psi and their gradients, each component a field of its own (EQUATIONS 16.1)
METRIC_PHI, METRIC_PSI, D_PHI, D_PSI = 0, 1, 2, 5
#: how many fields a site has for a vector there, one of them spare: the gradient that moves a Newtonian particle, or
#: a^2 B
VECTOR = 4


def spread_out(n: int, count: int, dtype: torch.dtype, device: torch.device | str = "cpu") -> Tensor:
    """An uninitialised tensor (n, n, n, count) with a gap after every row and every plane.

    The 64 nodes around a particle are in 16 rows. In a tensor without gaps and with n a power of two, these rows lie a
    multiple of 4096 bytes apart, so they all map to the same few places of the first-level cache, which cannot hold
    them. Rows 4 nodes (modulo 8) apart and planes 16 (modulo 64) apart fill it evenly. The kernels for splines accept
    tensors with or without gaps.
    """
    row = n + (4 - n) % 8
    plane = n * row + (16 - n * row) % 64
    flat = torch.empty(n * plane * count, dtype=dtype, device=device)
    return flat.as_strided((n, n, n, count), (plane * count, row * count, count, 1))
