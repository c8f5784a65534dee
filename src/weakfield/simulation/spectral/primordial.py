"""Primordial non-Gaussianity of the local type (EQUATIONS 16.3)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from weakfield.config import RunSettings
from weakfield.cosmology import amplitude
from weakfield.fourier import quadratic, squared_wavenumbers


def primordial_modes(run: RunSettings, unit: Tensor) -> Tensor:
    """Unit modes (N, N, N//2+1) whose curvature is zeta_G + (3/5) f_nl (zeta_G^2 - mean), where modes are drawn.

    zeta is the curvature in g_ij = a^2 e^(2 zeta) delta_ij; Bardeen's potential is (3/5) zeta in matter domination, so
    a positive f_nl skews the density towards dense places. The modes of zeta are A times the unit modes: a true mode
    with transfer function T is -A T, and T = 3/5 for phi, which is minus Bardeen's potential.
    """
    f_nl, box = run.simulation.f_nl, run.simulation.box_size_mpch
    if f_nl == 0.0:
        return unit
    n = unit.shape[0]
    numbers = np.arange(3 * (n // 2) ** 2 + 1)
    scale = np.zeros(len(numbers))
    scale[1:] = amplitude(run.cosmology, box, 2.0 * np.pi * np.sqrt(numbers[1:]))
    strength = torch.from_numpy(scale[squared_wavenumbers(n)]).to(unit.device)
    drawn = unit != 0
    zeta = strength * unit
    square = quadratic.padded_product(zeta, zeta)
    return torch.where(drawn, unit + 0.6 * f_nl * square / torch.where(drawn, strength, 1.0), 0.0)
