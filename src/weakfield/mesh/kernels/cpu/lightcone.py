"""Which particles lie in a shell around a vertex, and fields at any points (EQUATIONS 19.2, 19.4).

Light cones are written from the main memory of the machine on every device.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

#: nothing is fused or reordered: what is on a cone must not depend on the machine
_INLINE: Any = {"cache": True, "error_model": "numpy", "forceinline": True}
_EXACT: Any = {"cache": True, "error_model": "numpy", "parallel": True}
#: relative, far beyond what rounding does to a square
_MARGIN = 1e-9


@njit(**_INLINE)
def _in_view(x, y, z, vertices, i, nearer, farther, inner, outer, cosine, axis):
    """Whether a particle is in the shell and the opening around a vertex; the squares leave out most without a root."""
    x, y, z = x - vertices[i, 0], y - vertices[i, 1], z - vertices[i, 2]
    square = x * x + y * y + z * z
    if square < nearer or square > farther:
        return False
    d = np.sqrt(square)
    if d < inner or d >= outer:
        return False
    return cosine == -1.0 or (x * axis[0] + y * axis[1] + z * axis[2]) / d > cosine


@njit(**_EXACT)
def first_image_on_shell(positions, tracer, ids, vertices, inner, outer, cosine, axis, image):
    """``image[p]``: the first of ``vertices`` (I, 3) in whose shell particle p lies, or -1.

    ``positions`` are (3, P); particles whose ID ``tracer`` does not divide are left out.
    """
    nearer, farther = max(inner, 0.0) ** 2 * (1 - _MARGIN), outer**2 * (1 + _MARGIN)
    for p in prange(positions.shape[1]):
        found = -1
        if tracer == 1 or ids[p] % tracer == 0:
            x, y, z = positions[0, p], positions[1, p], positions[2, p]
            for i in range(len(vertices)):
                if _in_view(x, y, z, vertices, i, nearer, farther, inner, outer, cosine, axis):
                    found = i
                    break
        image[p] = found


@njit(**_EXACT)
def images_on_shell(positions, tracer, ids, vertices, inner, outer, cosine, axis, counts, index, image):
    """All such images: without room in ``image``, their number by particle into ``counts``.

    With it, ``counts`` says where those of each particle begin in ``index`` (of particles) and ``image`` (of vertices).
    """
    nearer, farther = max(inner, 0.0) ** 2 * (1 - _MARGIN), outer**2 * (1 + _MARGIN)
    write = len(image) > 0
    for p in prange(positions.shape[1]):
        found = 0
        if tracer == 1 or ids[p] % tracer == 0:
            x, y, z = positions[0, p], positions[1, p], positions[2, p]
            for i in range(len(vertices)):
                if _in_view(x, y, z, vertices, i, nearer, farther, inner, outer, cosine, axis):
                    if write:
                        index[counts[p] + found] = p
                        image[counts[p] + found] = i
                    found += 1
        if not write:
            counts[p] = found


@njit(**_EXACT)
def interpolated(field, points, shift, out):
    """Values of a periodic field [z, y, x] at ``points`` (3, P), in boxes, linear between sites at i + shift."""
    n = field.shape[0]
    for p in prange(points.shape[1]):
        x, y, z = points[0, p] * n - shift[0], points[1, p] * n - shift[1], points[2, p] * n - shift[2]
        i, j, k = np.floor(x), np.floor(y), np.floor(z)
        fx, fy, fz = x - i, y - j, z - k
        i0, j0, k0 = np.int64(i) % n, np.int64(j) % n, np.int64(k) % n
        i1, j1, k1 = (i0 + 1) % n, (j0 + 1) % n, (k0 + 1) % n
        low = (1 - fy) * ((1 - fx) * field[k0, j0, i0] + fx * field[k0, j0, i1])
        low += fy * ((1 - fx) * field[k0, j1, i0] + fx * field[k0, j1, i1])
        high = (1 - fy) * ((1 - fx) * field[k1, j0, i0] + fx * field[k1, j0, i1])
        high += fy * ((1 - fx) * field[k1, j1, i0] + fx * field[k1, j1, i1])
        out[p] = (1 - fz) * low + fz * high


@njit(**_INLINE)
def _cubic(r, j):
    """The cubic B-spline at the j-th of the four nodes around a place, ``r`` cells beyond the second of them."""
    s = 1.0 - r
    if j == 0:
        return s * s * s / 6.0
    if j == 1:
        return 2.0 / 3.0 - r * r + r * r * r / 2.0
    if j == 2:
        return 2.0 / 3.0 - s * s + s * s * s / 2.0
    return r * r * r / 6.0


@njit(**_EXACT)
def splined(field, points, out):
    """Values at ``points`` (3, P), in boxes, of the cubic splines whose coefficients are a periodic field [z, y, x]."""
    n = field.shape[0]
    for p in prange(points.shape[1]):
        x, y, z = points[0, p] * n, points[1, p] * n, points[2, p] * n
        i, j, k = np.floor(x), np.floor(y), np.floor(z)
        fx, fy, fz = x - i, y - j, z - k
        i0, j0, k0 = np.int64(i) - 1, np.int64(j) - 1, np.int64(k) - 1
        total = 0.0
        for c in range(4):
            plane, of_plane = (k0 + c) % n, 0.0
            for b in range(4):
                row, of_row = (j0 + b) % n, 0.0
                for a in range(4):
                    of_row += _cubic(fx, a) * field[plane, row, (i0 + a) % n]
                of_plane += _cubic(fy, b) * of_row
            total += _cubic(fz, c) * of_plane
        out[p] = total
