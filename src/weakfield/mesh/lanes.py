"""Fields of one site side by side: (N, N, N, 8), so that a particle meets all of them in one stretch of memory.

The stress-energy that particles leave on the mesh has the lanes T00 to YZ (the eighth stays 0), the metric that moves
them PHI to LZ. Lanes CHI to BZ are where the kernels expect them; LX to LZ hold B_i(o) - B_i(o - e_i) at the node o,
whose trilinear interpolation is the derivative of B_i along its own axis (PHYSICS 6.2).
"""

from __future__ import annotations

LANES = 8
T00, XX, YY, ZZ, XY, XZ, YZ = range(7)
PHI, CHI, BX, BY, BZ, LX, LY, LZ = range(8)

#: (lane, i, j) of the stress tensor
STRESS = ((XX, 0, 0), (YY, 1, 1), (ZZ, 2, 2), (XY, 0, 1), (XZ, 0, 2), (YZ, 1, 2))
#: lanes of the stress tensor in the order of files: xx, xy, xz, yy, yz, zz
STORED = (XX, XY, XZ, YY, YZ, ZZ)

#: lanes of the metric on the spectral mesh: phi, psi and their gradients, each a field of its own (PHYSICS 16.1)
METRIC_PHI, METRIC_PSI, D_PHI, D_PSI = 0, 1, 2, 5
#: lanes of what has three components there: the gradient that moves a Newtonian particle, or a^2 B
VECTOR = 4
