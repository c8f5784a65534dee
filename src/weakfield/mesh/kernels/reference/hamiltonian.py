"""The source of phi on the spectral mesh, in real space (EQUATIONS 16.2)."""

from __future__ import annotations

import torch
from torch import Tensor

from weakfield.mesh.kernels.contract import Extrapolation


def hamiltonian_source(
    contrast: Tensor, phi: Tensor, past_phi: Tensor, chi: Tensor, past_chi: Tensor, gradient: Tensor,
    past_gradient: Tensor, ahead: Extrapolation, density: float, hubble: float, out: Tensor,
) -> Tensor:  # fmt: skip
    """R* - 3 H phi'* - 3 H^2 phi* - memory into ``out`` (N, N, N), all fields in real space.

    R = (grad phi)^2 / 2 + e^(-2 phi) [density contrast + (3/2) (H^2 - e^(-2 psi) (H - phi')^2)], where ``contrast`` is
    that of T00 and ``density`` = 4 pi G / a. Stars mark fields that ``ahead`` extrapolates from phi, chi (N, N, N) and
    the gradient of phi (3, N, N, N) in the two previous cycles.
    """

    def at(weights: tuple[float, float], now: Tensor, past: Tensor) -> Tensor:
        return weights[0] * now + weights[1] * past

    f, c = at(ahead.phi, phi, past_phi), at(ahead.chi, chi, past_chi)
    rate, memory = at(ahead.rate, phi, past_phi), at(ahead.memory, phi, past_phi)
    slopes = at(ahead.phi, gradient, past_gradient)
    curvature = 0.5 * (slopes**2).sum(0) + hamiltonian(contrast, f, c, rate, density, hubble)
    return out.copy_(curvature - 3 * hubble * rate - 3 * hubble**2 * f - memory)


def hamiltonian(contrast: Tensor, phi: Tensor, chi: Tensor, rate: Tensor, density: float, hubble: float) -> Tensor:
    """e^(-2 phi) [density contrast + (3/2) (H^2 - e^(-2 psi) (H - phi')^2)], (N, N, N): R without the gradient term."""
    psi = phi - chi
    expansion = 1.5 * (torch.exp(-2 * psi) * (2 * hubble * rate - rate**2) - hubble**2 * torch.expm1(-2 * psi))
    return torch.exp(-2 * phi) * (density * contrast + expansion)


def extrapolate(metric: Tensor, past: Tensor, ahead: Extrapolation) -> Tensor:
    """The metric that particles read, (N, N, N, 8), with phi and psi = phi - chi a step ahead; overwrites ``past``."""
    (p, q), (c, d) = ahead.phi, ahead.chi
    for phi, psi, many in ((0, 1, 1), (2, 5, 3)):
        f, g = metric[..., phi : phi + many], past[..., phi : phi + many]
        s, t = metric[..., psi : psi + many], past[..., psi : psi + many]
        t.copy_(c * s + d * t + (p - c) * f + (q - d) * g)
        g.copy_(p * f + q * g)
    return past
