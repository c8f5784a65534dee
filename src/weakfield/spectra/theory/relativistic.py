"""The second-order relativistic part of the potential in Poisson gauge, beside its Newtonian growth.

Metric of PHYSICS 1, ds^2 = a^2 [-e^(2 psi) dtau^2 + e^(-2 phi) dx^2], dust, Einstein-de Sitter (a ~ tau^2), one
first-order potential varphi(x), constant in time, for both. To second order the traceless and the trace part of the
spatial Einstein equations are

    chi = phi - psi = -10 Theta_0,    3 phi'' + 9 H phi' = (7/2) (grad varphi)^2 - 10 Psi_0,

    lap Psi_0 = -[(lap varphi)^2 - (d_i d_j varphi)^2] / 2,    lap Theta_0 = Psi_0 - (grad varphi)^2 / 3,

so that phi = varphi + C1 + C2 (tau_i / tau)^5 + tau^2 [(grad varphi)^2 / 12 - (5/21) Psi_0]. The last term is the
Newtonian one, exactly: what relativity adds are C1, constant, and a decaying C2. Both follow from the initial
conditions.

* ``growing_mode_difference``: no decaying mode, and a conserved curvature zeta that is Gaussian up to
  zeta_2 = (a_nl - 1) zeta_1^2: C1 = -4 Theta_0 + (5/3) (1 - a_nl) varphi^2. With a_nl = 0 this is the solution of
  Matarrese, Mollerach & Bruni 1998 (astro-ph/9707278), their phi^(2) / 2 = phi - varphi^2; with any a_nl that of
  Bartolo, Matarrese & Riotto 2005 (astro-ph/0501614). Single-field inflation has a_nl = 1.
* ``linear_start_difference``: what these simulations start from: particles displaced and set moving by linear theory at
  tau_i (PHYSICS 3, 13.1), with Poisson-gauge displacement in GR and N-body-gauge displacement in Newton, and a phi
  that obeys the constraints of those particles at second order. Both theories then carry the same Newtonian transient,
  which cancels in the difference, and the relativistic rest is C1 + C2 (tau_i / tau)^5.

``physics`` of both: docs/theory_spectra.md.
"""

from __future__ import annotations

from weakfield.spectra.theory.kernels import DOT, PER_A, PER_B, PER_C, A, B, Kernel, Laurent

#: (grad varphi)^2, varphi lap varphi and lap^-1 d_i (lap varphi d_i varphi), as kernels of two varphi
GRADIENT_SQUARED = -DOT
POTENTIAL_LAPLACIAN = -(A + B) / 2
FLUX = -(DOT * (A + B) + 2.0 * A * B) / 2 * PER_C
PSI_0 = (A * B - DOT * DOT) / 2 * PER_C
THETA_0 = -(PSI_0 - GRADIENT_SQUARED / 3) * PER_C
#: chi = phi - psi, constant in time
CHI = -10.0 * THETA_0
#: the Newtonian growth of phi, over tau^2
GROWTH = GRADIENT_SQUARED / 12 - 5 / 21 * PSI_0


def growing_mode_difference(a_nl: float = 1.0) -> Kernel:
    """GR - Newton of phi for initial conditions that are right at second order; dimensionless, constant in time.

    Kernel of two early (Einstein-de Sitter) linear potentials, whose power is that of varphi.
    """
    return Kernel({None: -4.0 * THETA_0 + 5 / 3 * (1.0 - a_nl)})


def linear_start_difference(conformal_hubble: float, growth: float) -> Kernel:
    """GR - Newton of phi for particles started with linear theory; dimensionless.

    ``conformal_hubble`` H_i [h/Mpc]: at the start, tau_i = 2 / H_i. ``growth``: scale factor over the initial one, by
    which the decaying part falls as growth^(-5/2).
    """
    start = _difference_at_start(conformal_hubble)
    rate = CHI - 0.5  # H_i^-1 d/dtau of the difference is 2 (rate - difference) / (H_i tau_i) = rate - difference
    constant: Kernel = start * 0.6 + Kernel({None: 0.4 * rate})
    decaying: Kernel = start * 0.4 + Kernel({None: -0.4 * rate})
    return constant + decaying * float(growth**-2.5)


def newtonian_transient(conformal_hubble: float, growth: float) -> Kernel:
    """Newtonian phi at second order after a linear start, less its growing mode; dimensionless, arguments as above.

    At tau_i, 4 lap phi = (24 / tau_i^2) delta_2, and by continuity phi' = (2 / tau_i) [(tau_i^2 / 6) W - phi] with
    W = lap^-1 d_i (lap varphi d_i varphi); what exceeds the growing mode is C1 + C2 (tau_i / tau)^5.
    """
    square = 4.0 / conformal_hubble**2  # tau_i^2
    start = _displaced(square, 0.0) * (24.0 / square) / -4 * PER_C
    rate = square / 6 * FLUX - start  # tau_i / 2 times d phi / d tau
    decaying = -0.4 * (rate - square * GROWTH)
    constant = start - square * GROWTH - decaying
    return Kernel({None: constant + decaying * growth**-2.5})


def _difference_at_start(conformal_hubble: float) -> Kernel:
    """phi of GR minus phi of Newton at tau_i, from the Hamiltonian and momentum constraints of the particles.

    GR (second order, with the velocities u_i = -(tau_i / 3) a d_i varphi of linear theory at the particles' places):
      (4 lap - 72 / tau_i^2) phi = (24 / tau_i^2) delta_2 + 4 varphi lap varphi + (10/3) (grad varphi)^2
                                   - (324 / tau_i^2) varphi^2 + 8 lap^-1 d_i (lap varphi d_i varphi)
    Newton: 4 lap phi = (24 / tau_i^2) delta_2. delta_2 is what the linear displacement makes at second order, of
    d = grad xi with xi = -(tau_i^2 / 6) varphi in Newton and 5 lap^-1 varphi more in GR.
    """
    square = 4.0 / conformal_hubble**2  # tau_i^2
    newton, gr = (_displaced(square, gauge) * (24.0 / square) for gauge in (0.0, 5.0))
    source = gr + 4.0 * POTENTIAL_LAPLACIAN + 10 / 3 * GRADIENT_SQUARED - 324.0 / square + 8.0 * FLUX
    return Kernel({18.0 / square: -source / 4, None: newton / 4 * PER_C})


def _displaced(tau_squared: float, gauge: float) -> Laurent:
    """Second-order contrast (k.k1)(k.k2) xi_1 xi_2 / 2 of the displacement grad xi, xi = -(tau^2/6 + gauge/k^2) phi."""
    reach = [tau_squared / 6 + gauge * per for per in (PER_A, PER_B)]
    return (DOT + A) * (DOT + B) * reach[0] * reach[1] / 2
