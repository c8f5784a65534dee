"""The second order of one universe as fields: what Newton and relativity each make of a given linear potential.

Growing mode of dust and Lambda in Poisson gauge, with the metric ds^2 = a^2 [-e^(2 psi) dtau^2 + e^(-2 phi) dx^2]
(EQUATIONS 1); the equations stand in ``relativistic``. Fields are real ``(..., N, N, N)`` [z, y, x], either tensors on
any device or arrays, and the result is of the same kind. Products are free of aliases; Nyquist planes and means are
zero.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.config import CosmologySettings
from weakfield.cosmology import SecondOrderGrowth, second_order_growth
from weakfield.cosmology.background import HUBBLE_LENGTH_MPCH
from weakfield.fourier.quadratic import QuadraticFields, second_order_fields
from weakfield.mesh import fft
from weakfield.spectra.theory.relativistic import (
    EINSTEIN_DE_SITTER,
    chi_coefficient,
    difference_coefficients,
    newtonian_coefficients,
    require_lambda,
)

Field = TypeVar("Field", Tensor, NDArray[np.float32], NDArray[np.float64])


def relativistic_potential(
    potential: Field,
    box_size_mpch: float,
    z: float | None = None,
    cosmology: CosmologySettings | None = None,
    a_nl: float = 1.0,
) -> Field:
    """C1, the field that relativity adds to phi at second order: phi of GR minus phi of Newton, dimensionless.

    ``potential``: the early linear potential varphi, that of matter domination (3/5 of zeta far outside the horizon),
    (..., N, N, N) [z, y, x]; it is a linear potential of redshift z divided by
    ``weakfield.cosmology.early_potential_growth``. Without ``z`` and ``cosmology`` the universe is Einstein-de Sitter,
    where C1 = -4 Theta_0 is constant in time. ``a_nl``: 1 for single-field inflation, the start of the simulations;
    local f_NL belongs in ``potential``.

    This is for a universe started in its growing mode (EQUATIONS 16.3; with Lambda,
    ``weakfield.spectra.theory.relativistic``). C1 is the same in boxes of any size; ``box_size_mpch`` is required with
    all fields, and checked.
    """
    found = _quadratic(potential, box_size_mpch)
    theta, square = difference_coefficients(_growth(z, cosmology), a_nl)
    return _field(theta * found.theta_0 + square * found.square, potential)


def second_order_chi(
    potential: Field, box_size_mpch: float, z: float | None = None, cosmology: CosmologySettings | None = None
) -> Field:
    """chi = phi - psi of GR at second order, dimensionless; arguments as in ``relativistic_potential``."""
    found = _quadratic(potential, box_size_mpch)
    return _field(chi_coefficient(_growth(z, cosmology)) * found.theta_0, potential)


def newtonian_potential(
    potential: Field, box_size_mpch: float, z: float, cosmology: CosmologySettings | None = None
) -> Field:
    """Newton's phi at second order at redshift ``z``, dimensionless: F2 through Poisson's equation.

    Arguments as in ``relativistic_potential``; without ``cosmology`` the universe is Einstein-de Sitter.
    """
    found = _quadratic(potential, box_size_mpch)
    omega_m = 1.0 if cosmology is None else cosmology.Omega_m
    poisson = 1.5 * omega_m * (1.0 + z) * (box_size_mpch / HUBBLE_LENGTH_MPCH) ** 2  # in boxes^-2
    gradient, psi = newtonian_coefficients(_growth(z, cosmology), poisson)
    return _field(gradient * found.gradient_squared + psi * found.psi_0, potential)


def psi_0(potential: Field, box_size_mpch: float) -> Field:
    """Psi_0 [(h/Mpc)^2], lap Psi_0 = -[(lap varphi)^2 - varphi,_ij varphi,_ij] / 2, of varphi = ``potential``."""
    return _field(_quadratic(potential, box_size_mpch).psi_0 / box_size_mpch**2, potential)


def theta_0(potential: Field, box_size_mpch: float) -> Field:
    """Theta_0, dimensionless, lap Theta_0 = Psi_0 - (grad varphi)^2 / 3, of varphi = ``potential``."""
    return _field(_quadratic(potential, box_size_mpch).theta_0, potential)


def _growth(z: float | None, cosmology: CosmologySettings | None) -> SecondOrderGrowth:
    if cosmology is None:
        return EINSTEIN_DE_SITTER
    if z is None:
        raise BadInput("a cosmology is given without a redshift z, expected both or, for Einstein-de Sitter, neither")
    require_lambda(cosmology)
    return second_order_growth(cosmology, z)


def _quadratic(potential: Tensor | NDArray[np.float32] | NDArray[np.float64], box_size_mpch: float) -> QuadraticFields:
    """Quadratic fields of a checked potential, in units of the box."""
    shape = tuple(potential.shape)
    if len(shape) < 3 or len(set(shape[-3:])) != 1:
        raise BadInput(f"potential has the shape {shape}, expected (N, N, N)")
    if not box_size_mpch > 0:
        raise BadInput(f"box_size_mpch is {box_size_mpch}, expected a length above 0")
    field = potential if isinstance(potential, Tensor) else torch.from_numpy(np.array(potential, order="C"))
    if field.dtype not in fft.COMPLEX:
        raise BadInput(f"potential is of type {field.dtype}, expected float32 or float64")
    return second_order_fields(fft.forward(field.contiguous()) / shape[-1] ** 3)


def _field(modes: Tensor, like: Field) -> Field:
    """The real field of modes, a tensor or an array as ``like`` is one."""
    field = fft.backward(modes.contiguous(), modes.shape[-2], normalised=False)
    return field if isinstance(like, Tensor) else field.numpy()
