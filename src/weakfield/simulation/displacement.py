"""The lattice kernel that turns a displacement potential into the wanted density (EQUATIONS 3.3)."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor

from weakfield.mesh import fft
from weakfield.mesh.lattice import Lattice


def displacement_kernel(n: int, template: np.ndarray, tiling: int, corrected: bool) -> Tensor:
    """K(n), by which the source is divided to get the displacement potential, real ``(N, N, N//2+1)``.

    Uncorrected, it is the standard lattice Laplacian. Corrected, it is minus the cloud-in-cell density response of the
    undisplaced ``template`` (positions (T, 3) in template units, tiled ``tiling`` times along each side) to a unit
    potential at one node.
    """
    if not corrected:
        return Lattice(n).k2()
    kernel = torch.zeros((n, n, n), dtype=torch.float64)
    for offset, value in _density_response(n, template, tiling).items():
        x, y, z = (int(o) % n for o in offset)
        kernel[z, y, x] += value
    return fft.forward(kernel).real.contiguous()


def _density_response(n: int, template: np.ndarray, tiling: int) -> dict[tuple[int, int, int], float]:
    """The kernel around the origin, as a map from node offset (x, y, z) to value."""
    response: dict[tuple[int, int, int], float] = {}
    strength = n**2 * n**3 / (len(template) * tiling**3)

    def add(offset: np.ndarray, value: float) -> None:
        key = (int(offset[0]), int(offset[1]), int(offset[2]))
        response[key] = response.get(key, 0.0) + value

    unit = np.eye(3, dtype=int)
    for position in template:
        for sign in itertools.product((1, -1), repeat=3):
            distance = np.array([n / tiling * (p if s > 0 else 1 - p) for p, s in zip(position, sign, strict=True)])
            if np.any(distance >= 1):
                continue
            w = 1 - distance
            for i in range(3):
                j, k = (i + 1) % 3, (i + 2) % 3
                on_plane = w[i] > 0.9  # a particle on a node plane is pulled from both sides
                for b, c in itertools.product((0, 1), repeat=2):
                    weight = strength * w[j] * w[k] * (1 - w[j] if b else w[j]) * (1 - w[k] if c else w[k])
                    node = b * sign[j] * unit[j] + c * sign[k] * unit[k]
                    add(node, (2 if on_plane else 1) * weight)
                    add(node + sign[i] * unit[i], -weight)
                    if on_plane:
                        add(node - sign[i] * unit[i], -weight)
    return response
