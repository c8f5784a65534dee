"""Linear theory against exact relations, CAMB's own spectra and Einstein-de Sitter."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from weakfield.base.errors import BadInput
from weakfield.config import CosmologySettings, SimulationSettings
from weakfield.cosmology import second_order_growth
from weakfield.cosmology.nonlinear import nonlinear_boost
from weakfield.spectra.theory import (
    LinearTheory,
    chi_kernel,
    matter_bispectrum,
    newtonian_kernel,
    potential_bispectrum,
    relativistic_kernel,
    started_kernel,
    tree_level,
)
from weakfield.spectra.theory.kernels import F2, potential_kernel
from weakfield.spectra.theory.relativistic import linear_start_difference

K = np.geomspace(0.03, 1.0, 9)
SETTINGS = {"grid": 48, "box_size_mpch": 250.0}  # 0.025 to 1.04 h/Mpc


def theory(transfer: str = "eisenstein-hu", **cosmology: float) -> LinearTheory:
    return LinearTheory(SimulationSettings(transfer=transfer, **SETTINGS), CosmologySettings(**cosmology))


def einstein_de_sitter() -> LinearTheory:
    """No Lambda, and next to no radiation."""
    base = CosmologySettings(t_cmb_kelvin=0.1)
    return theory(t_cmb_kelvin=0.1, omega_cdm=base.h**2 * (1 - base.Omega_r) - base.omega_b)


@pytest.fixture(scope="module")
def camb_spectra() -> dict[float, tuple[np.ndarray, np.ndarray]]:
    """k and the linear matter power that CAMB itself prints (synchronous gauge), z = 0 and 1."""
    import camb

    c = CosmologySettings()
    parameters = camb.set_params(
        H0=100 * c.h, ombh2=c.omega_b, omch2=c.omega_cdm, TCMB=c.t_cmb_kelvin, nnu=c.n_ur, mnu=0.0,
        num_massive_neutrinos=0, tau=0.0535, As=c.a_s, ns=c.n_s, pivot_scalar=c.k_pivot_invmpc,
    )  # fmt: skip
    parameters.set_matter_power(redshifts=[0.0, 1.0], kmax=4.0, silent=True)
    parameters.NonLinear = camb.model.NonLinear_none
    k, z, power = camb.get_results(parameters).get_matter_power_spectrum(minkh=0.01, maxkh=2.0, npoints=300)
    return {float(at): (k, row) for at, row in zip(z, power, strict=True)}


@pytest.mark.parametrize("z", [0.0, 1.0])
def test_matter_power_is_cambs(camb_spectra, z):
    k, power = camb_spectra[z]
    expected = np.exp(CubicSpline(np.log(k), np.log(power))(np.log(K)))
    # CAMB's own spectra truncate radiation late and use its default accuracy
    np.testing.assert_allclose(theory("camb").matter_power(K, z, "synchronous"), expected, rtol=2e-3)


@pytest.mark.parametrize("z", [0.0, 1.0])
def test_potential_bispectrum_has_the_amplitude_of_cambs_power(camb_spectra, z):
    # equilateral, F2 = 1/8 + 3 e/8, 2/7 for e = 3/7, which grows as Omega_m(z)^(-1/143), by 0.8 % until today:
    # B_delta = 6 F2 P^2, B_Phi = -C^3 6 F2 P^2, C = (3/2) Omega_m H0^2 (1 + z) / k^2
    omega = CosmologySettings().Omega_m
    e = 3 / 7 * (1 + (1 - omega) / omega / (1 + z) ** 3) ** (1 / 143)
    six = 6 * (1 + 3 * e) / 8
    k, power = camb_spectra[z]
    matter = np.exp(CubicSpline(np.log(k), np.log(power))(np.log(K)))
    contrast = 1.5 * CosmologySettings().Omega_m / 2997.92458**2 * (1 + z) / K**2
    found = theory("camb")
    np.testing.assert_allclose(matter_bispectrum(found, K, K, K, z), six * matter**2, rtol=5e-3)
    np.testing.assert_allclose(potential_bispectrum(found, K, K, K, z), -six * contrast**3 * matter**2, rtol=5e-3)


def test_poisson_holds_exactly_in_nbody_gauge():
    # the Eisenstein-Hu provider solves the constraint without radiation: Phi = -C delta with Omega_m, not omega_m
    found = theory(t_cmb_kelvin=2.7255)
    for z in (0.0, 3.0):
        phi, delta = found.potential_transfer(K, z), found.matter_transfer(K, z)
        # between nodes each is a spline of its own
        np.testing.assert_allclose(phi, -found.poisson(z) / K**2 * delta, rtol=2e-6)


@pytest.mark.parametrize("slope", [0.9, -1.5])
@pytest.mark.parametrize("cosine", [0.0, 0.5, -0.8])
def test_squeezed_bispectra_of_a_power_law(slope, cosine):
    # a long mode k_L and both short ones: B -> P(k_L) P(k) [13/7 + 8/7 mu^2 - mu^2 dlnP/dlnk]; of Phi, where
    # C(k_L) C(k)^2 stands before it and P_Phi = C^2 P: times -1 / C(k_L)
    long, contrast = 1e-5, 0.3
    k3 = np.sqrt(1 + long**2 + 2 * long * cosine)
    expected = 13 / 7 + 8 / 7 * cosine**2 - cosine**2 * slope
    value = tree_level(F2, lambda k: k**slope, long, 1.0, k3) / long**slope
    # asymmetry of the two short modes: of order k_L / k; rounding of terms (k / k_L) that cancel: 1e-16 * 1e5
    assert float(value) == pytest.approx(expected, abs=1e-4)
    potential = tree_level(
        potential_kernel(contrast), lambda k: contrast**2 * k ** (slope - 4), long, 1.0, k3
    ) / (contrast**4 * long ** (slope - 4))  # fmt: skip
    assert float(potential) * contrast / long**2 == pytest.approx(-expected, abs=1e-4)


def test_time_scaling_of_the_bispectra_in_einstein_de_sitter():
    # Phi constant: P_Phi constant, B_Phi ~ 1/C ~ a; B_delta ~ a^4
    found, sides = einstein_de_sitter(), (0.2, 0.3, 0.4)
    one, three = (float(potential_bispectrum(found, *sides, z)) for z in (1.0, 3.0))
    assert one / three == pytest.approx(2, rel=1e-4)  # Omega_r = 2e-10
    one, three = (float(matter_bispectrum(found, *sides, z)) for z in (1.0, 3.0))
    assert one / three == pytest.approx(16, rel=1e-4)
    assert one > 0 > float(potential_bispectrum(found, *sides, 1.0))


def test_relativistic_kernels_in_time():
    found, settings = einstein_de_sitter(), SimulationSettings(transfer="eisenstein-hu", **SETTINGS)
    sides = (0.2, 0.3, 0.4)
    early, late = (float(relativistic_kernel(found, settings, z, "growing-mode")(*sides)) for z in (10.0, 0.0))
    assert early == pytest.approx(late, rel=1e-4)
    # the transient of a linear start: 23 % of the growing mode at growth 2, 5 % at 10, 1 % at 100
    for z, lost in ((49.5, 0.4), (9.1, 0.1), (0.01, 0.02)):
        ratio = float(started_kernel(found, settings, z)(*sides) / newtonian_kernel(found, z)(*sides))
        assert 1 - lost < ratio < 1
    with pytest.raises(BadInput, match="start is 'lpt'"):
        relativistic_kernel(found, settings, 1.0, "lpt")


def test_relativistic_kernels_with_lambda():
    found, settings = theory(t_cmb_kelvin=0.1), SimulationSettings(transfer="eisenstein-hu", **SETTINGS)
    # equilateral, Theta_0 = -5/24 and varphi^2 = 1: of two potentials of the redshift, whatever their growth
    growth = second_order_growth(found.cosmology, 1.0)
    expected = (5 / 6 * growth.rate + growth.rate * (growth.rate - 1) / 3) / growth.omega_m
    kernel = relativistic_kernel(found, settings, 1.0, "growing-mode")
    assert float(kernel(0.1, 0.1, 0.1)) == pytest.approx(expected)
    assert expected > 1.05 * 5 / 6  # Lambda matters
    assert float(chi_kernel(found, 1.0)(0.1, 0.1, 0.1)) == pytest.approx(
        5 / 24 * (6 + 4 * growth.rate**2 / growth.omega_m)
    )
    # a linear start begins where the constraints put it, and its transient is that without Lambda while there is none
    hubble, sides = found.conformal_hubble(100.0), (0.1, 0.2, 0.25)
    for z, growth_since in ((100.0, 1.0), (20.0, 101 / 21)):
        value = float(relativistic_kernel(found, settings, z)(*sides))
        assert value == pytest.approx(float(linear_start_difference(hubble, growth_since)(*sides)), rel=1e-3)


def test_gauges_agree_deep_inside_the_horizon():
    found = theory("camb")
    nbody, poisson, synchronous = (found.matter_power(K, 1.0, gauge) for gauge in ("nbody", "poisson", "synchronous"))
    np.testing.assert_allclose(nbody, synchronous, rtol=1e-6)
    excess = poisson / nbody - 1
    # delta_nbody = delta_poisson + 3 H theta / k^2: (k / H)^2 suppressed, of one sign
    assert (excess > 0).all()
    assert excess[0] / excess[-1] == pytest.approx((K[-1] / K[0]) ** 2, rel=0.01)
    with pytest.raises(BadInput, match="gauge is 'comoving'"):
        found.matter_power(K, 1.0, "comoving")


def test_nonlinear_boost():
    cosmology = CosmologySettings()
    for model in ("hmcode", "halofit"):
        boost = nonlinear_boost(cosmology, [0.0, 1e-3, 1.0], 1.0, model)
        assert boost[0] == 1
        assert boost[1] == pytest.approx(1, abs=2e-3)  # the fits differ from linear theory by a per mille there
        assert 2 < boost[2] < 4  # Takahashi et al. 2012, figure 5: about 3 at z = 1
    with pytest.raises(BadInput, match="expected 0 to 10"):
        nonlinear_boost(cosmology, [20.0], 1.0)
    with pytest.raises(BadInput, match="'hmcodd', expected one of halofit, hmcode"):
        nonlinear_boost(cosmology, [0.1], 1.0, "hmcodd")


def test_a_start_that_knows_one_redshift_is_compared_with_camb(tmp_path):
    settings = SimulationSettings(
        transfer="file", transfer_file=tmp_path / "tk.dat", newton_velocities="poisson", start="linear", **SETTINGS
    )
    found = LinearTheory(settings, CosmologySettings())
    np.testing.assert_allclose(found.potential_power(K, 1.0), theory("camb").potential_power(K, 1.0), rtol=1e-12)
    with pytest.raises(BadInput, match="expected a redshift of 0 or above"):
        found.potential_power(K, -0.03)
