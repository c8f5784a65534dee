"""The second-order relativistic part of the potential in Poisson gauge, beside its Newtonian growth.

Metric of EQUATIONS 1, ds^2 = a^2 [-e^(2 psi) dtau^2 + e^(-2 phi) dx^2], for dust and Lambda. At first order both
potentials are g varphi(x), where g = D/a is 1 early on. With f = d ln D / d ln a, Omega = Omega_m(a) and
L = Lambda a^2, the traceless and the trace part of the spatial Einstein equations are, to second order,

    chi = phi - psi = -(6 + 4 f^2 / Omega) g^2 Theta_0,
    3 phi'' + 9 H phi' + 3 L phi = lap chi + [2 f^2 / (3 Omega) - 1/2] g^2 (grad varphi)^2
                                   + 3 H chi' + 3 L chi + (15/2) g'^2 varphi^2 - 3 L g^2 varphi^2,

    lap Psi_0 = -[(lap varphi)^2 - (d_i d_j varphi)^2] / 2,    lap Theta_0 = Psi_0 - (grad varphi)^2 / 3.

Their growing solution is phi = g varphi + C1 + N with

    C1 = -4 (f / Omega) g^2 Theta_0 + [f (f - 1) / (3 Omega)] g^2 varphi^2 + (5/3) (1 - a_nl) g varphi^2,
    N = 2 a / (3 H0^2 Omega_m) g^2 [(grad varphi)^2 / 2 - (1 + e) Psi_0],     e = -E / D^2 (``second_order_growth``).

N is exactly what Newton's equations give for the same varphi, so what relativity adds is C1. That C1 solves the
equations follows from the first integral g (1 + 2 f / (3 Omega)) = 5/3 of linear growth. In Einstein-de Sitter,
f = Omega = g = 1 and e = 3/7, so that chi = -10 Theta_0, C1 = -4 Theta_0 + (5/3) (1 - a_nl) varphi^2 and
N = tau^2 [(grad varphi)^2 / 12 - (5/21) Psi_0]. The same problem, dust and Lambda to second order, is treated by
Villa & Rampf 2016 (1505.04782).

Two kinds of initial conditions:

* ``growing_mode_difference``: C1; no decaying mode, and a conserved curvature zeta that is Gaussian up to
  zeta_2 = (a_nl - 1) zeta_1^2. With a_nl = 0 and without Lambda this is the solution of Matarrese, Mollerach & Bruni
  1998 (astro-ph/9707278), their phi^(2) / 2 = phi - varphi^2; with any a_nl that of Bartolo, Matarrese & Riotto 2005
  (astro-ph/0501614). Single-field inflation has a_nl = 1.
* ``linear_start_difference``: particles displaced and set moving by linear theory at tau_i, in Einstein-de Sitter
  (EQUATIONS 3, 13.1), with Poisson-gauge displacement in GR and N-body-gauge displacement in Newton, and a phi
  that obeys the constraints of those particles at second order. Both theories then carry the same Newtonian transient,
  which cancels in the difference; the rest is C1 and what a linear start has beyond it, ``linear_start_excess``,
  whose two parts go like the growing and the decaying solution of linear theory.

The physics of all this is in docs/theory_spectra.md.
"""

from __future__ import annotations

from weakfield.base.errors import BadInput
from weakfield.config import CosmologySettings
from weakfield.cosmology import SecondOrderGrowth
from weakfield.spectra.theory.kernels import DOT, PER_A, PER_B, PER_C, A, B, Kernel, Laurent

#: (grad varphi)^2, varphi lap varphi and lap^-1 d_i (lap varphi d_i varphi), as kernels of two varphi
GRADIENT_SQUARED = -DOT
POTENTIAL_LAPLACIAN = -(A + B) / 2
FLUX = -(DOT * (A + B) + 2.0 * A * B) / 2 * PER_C
PSI_0 = (A * B - DOT * DOT) / 2 * PER_C
THETA_0 = -(PSI_0 - GRADIENT_SQUARED / 3) * PER_C
#: chi = phi - psi in Einstein-de Sitter, constant in time
CHI = -10.0 * THETA_0
#: the Newtonian growth of phi in Einstein-de Sitter, over tau^2
GROWTH = GRADIENT_SQUARED / 12 - 5 / 21 * PSI_0

EINSTEIN_DE_SITTER = SecondOrderGrowth()


def require_lambda(cosmology: CosmologySettings) -> None:
    """Raise ``BadInput`` for dark energy other than Lambda, with which relativity's second order is another."""
    if cosmology.has_fluid:
        raise BadInput(
            f"omega_fld is {cosmology.omega_fld:g}, expected 0: relativity's second order is known for dust and Lambda"
        )


def difference_coefficients(growth: SecondOrderGrowth = EINSTEIN_DE_SITTER, a_nl: float = 1.0) -> tuple[float, float]:
    """The coefficients of Theta_0 and of varphi^2 in C1, where varphi is the early linear potential."""
    square = growth.potential**2 / growth.omega_m
    return (
        -4.0 * growth.rate * square,
        growth.rate * (growth.rate - 1.0) / 3.0 * square + 5 / 3 * (1.0 - a_nl) * growth.potential,
    )


def chi_coefficient(growth: SecondOrderGrowth = EINSTEIN_DE_SITTER) -> float:
    """The coefficient of Theta_0 in chi, where varphi is the early linear potential."""
    return -(6.0 + 4.0 * growth.rate**2 / growth.omega_m) * growth.potential**2


def newtonian_coefficients(growth: SecondOrderGrowth, poisson: float) -> tuple[float, float]:
    """The coefficients of (grad varphi)^2 and Psi_0 in Newton's phi at second order [squared length].

    ``poisson`` = (3/2) Omega_m H0^2 (1 + z), an inverse length squared (``LinearTheory.poisson``).
    """
    square = growth.potential**2 / poisson
    return 0.5 * square, -(1.0 + growth.displacement) * square


def growing_mode_difference(a_nl: float = 1.0, growth: SecondOrderGrowth = EINSTEIN_DE_SITTER) -> Kernel:
    """C1, GR - Newton of phi for initial conditions that are correct at second order; dimensionless.

    It is a kernel of two early (Einstein-de Sitter) linear potentials, whose power is that of varphi. Without Lambda,
    the default, it is constant in time; ``weakfield.cosmology.second_order_growth`` gives the ``growth`` of a redshift
    and a cosmology.
    """
    theta, square = difference_coefficients(growth, a_nl)
    return Kernel({None: theta * THETA_0 + square})


def growing_mode_chi(growth: SecondOrderGrowth = EINSTEIN_DE_SITTER) -> Kernel:
    """phi - psi at second order for dust, Poisson gauge; kernel of two early linear potentials, dimensionless."""
    return Kernel({None: chi_coefficient(growth) * THETA_0})


def growing_mode_newton(growth: SecondOrderGrowth, poisson: float) -> Kernel:
    """Newton's phi at second order from two early linear potentials; dimensionless, arguments as above."""
    gradient, psi = newtonian_coefficients(growth, poisson)
    return Kernel({None: gradient * GRADIENT_SQUARED + psi * PSI_0})


def linear_start_excess(conformal_hubble: float) -> tuple[Kernel, Kernel]:
    """What GR - Newton of phi has beyond C1 after a linear start: a growing and a decaying part, dimensionless.

    The parts are given at the start, where ``conformal_hubble`` is H_i [h/Mpc] and tau_i = 2 / H_i; later they go like
    the two solutions of the linear potential. They are kernels of two linear potentials of the start, which is
    Einstein-de Sitter.
    """
    start = _difference_at_start(conformal_hubble)
    rate = CHI - 0.5  # H_i^-1 d/dtau of the difference is 2 (rate - difference) / (H_i tau_i) = rate - difference
    constant: Kernel = start * 0.6 + Kernel({None: 0.4 * rate})
    decaying: Kernel = start * 0.4 + Kernel({None: -0.4 * rate})
    return constant + growing_mode_difference() * -1.0, decaying


def linear_start_difference(conformal_hubble: float, growth: float) -> Kernel:
    """GR - Newton of phi for particles started with linear theory, in Einstein-de Sitter; dimensionless.

    ``conformal_hubble`` H_i [h/Mpc] at the start. ``growth``: scale factor over the initial one, by which the decaying
    part falls as growth^(-5/2).
    """
    constant, decaying = linear_start_excess(conformal_hubble)
    return growing_mode_difference() + constant + decaying * float(growth**-2.5)


def newtonian_excess(conformal_hubble: float) -> tuple[Kernel, Kernel]:
    """What Newtonian phi has beyond its growing mode after a linear start, in two parts as ``linear_start_excess``.

    At tau_i, 4 lap phi = (24 / tau_i^2) delta_2, and by continuity phi' = (2 / tau_i) [(tau_i^2 / 6) W - phi] with
    W = lap^-1 d_i (lap varphi d_i varphi); what exceeds the growing mode is C1 + C2 (tau_i / tau)^5.
    """
    square = 4.0 / conformal_hubble**2  # tau_i^2
    start = _displaced(square, 0.0) * (24.0 / square) / -4 * PER_C
    rate = square / 6 * FLUX - start  # tau_i / 2 times d phi / d tau
    decaying = -0.4 * (rate - square * GROWTH)
    constant = start - square * GROWTH - decaying
    return Kernel({None: constant}), Kernel({None: decaying})


def newtonian_transient(conformal_hubble: float, growth: float) -> Kernel:
    """``newtonian_excess`` at a later time in Einstein-de Sitter, arguments as in ``linear_start_difference``."""
    constant, decaying = newtonian_excess(conformal_hubble)
    return constant + decaying * float(growth**-2.5)


def _difference_at_start(conformal_hubble: float) -> Kernel:
    """phi of GR minus phi of Newton at tau_i, from the Hamiltonian and momentum constraints of the particles.

    GR (second order, with the velocities u_i = -(tau_i / 3) a d_i varphi of linear theory at the particles' places):
      (4 lap - 72 / tau_i^2) phi = (24 / tau_i^2) delta_2 + 4 varphi lap varphi + (10/3) (grad varphi)^2
                                   - (324 / tau_i^2) varphi^2 + 8 lap^-1 d_i (lap varphi d_i varphi)
    Newton: 4 lap phi = (24 / tau_i^2) delta_2. delta_2 is the second-order contrast that the linear displacement
    d = grad xi makes, with xi = -(tau_i^2 / 6) varphi in Newton and 5 lap^-1 varphi more in GR.
    """
    square = 4.0 / conformal_hubble**2  # tau_i^2
    newton, gr = (_displaced(square, gauge) * (24.0 / square) for gauge in (0.0, 5.0))
    source = gr + 4.0 * POTENTIAL_LAPLACIAN + 10 / 3 * GRADIENT_SQUARED - 324.0 / square + 8.0 * FLUX
    return Kernel({18.0 / square: -source / 4, None: newton / 4 * PER_C})


def _displaced(tau_squared: float, gauge: float) -> Laurent:
    """Second-order contrast (k.k1)(k.k2) xi_1 xi_2 / 2 of the displacement grad xi, xi = -(tau^2/6 + gauge/k^2) phi."""
    reach = [tau_squared / 6 + gauge * per for per in (PER_A, PER_B)]
    return (DOT + A) * (DOT + B) * reach[0] * reach[1] / 2
