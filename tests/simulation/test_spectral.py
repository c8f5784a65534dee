"""Universes on the spectral mesh: their start, their order, what they write (EQUATIONS 16)."""

from __future__ import annotations

import pytest
import torch

from helpers.spectral_runs import band, potential, response, rms, spectral_run
from weakfield.config import OutputSettings
from weakfield.formats import load_field
from weakfield.fourier import quadratic
from weakfield.mesh import spectral
from weakfield.mesh.kernels import kernels_for
from weakfield.mesh.threads import fixed_threads
from weakfield.simulation.clock import Clock
from weakfield.simulation.evolution import THEORIES, at_redshifts, grow_member
from weakfield.simulation.initial_conditions import initial_universe
from weakfield.simulation.realisation import Realisation
from weakfield.simulation.spectral.primordial import primordial_modes
from weakfield.simulation.spectral.start import spectral_initial_state
from weakfield.simulation.spectral.weights import Growth
from weakfield.simulation.study_cache import StudyCache

THEORY_NAMES = ("newton", "gr")


def started(run):
    """The start of a run, before it is rounded."""
    shared, kernels = StudyCache(run), kernels_for("cpu")
    u = initial_universe(run, shared=shared)
    realisation = Realisation(primordial_modes(run, shared.noise(run.seed, run.inverted)), kernels)
    return spectral_initial_state(run, u.background, u.history, realisation, kernels, shared, u.radiation)


@pytest.mark.parametrize("theory", THEORY_NAMES)
def test_particles_get_the_density_that_the_field_equation_demands(theory):
    """Of the contrast, all modes, before each correction: what is left falls by a factor of some tens a pass."""
    residuals = started(spectral_run(theory)).residuals
    assert len(residuals) == 3
    assert residuals[1] < residuals[0] / 30
    assert residuals[2] < residuals[1] / 10
    assert residuals[2] < 1e-6  # and the last correction takes a tenth of that


@pytest.mark.parametrize("theory", THEORY_NAMES)
def test_phi_of_the_first_cycle_is_that_of_the_particles(theory):
    """Solved from the particles, Newton's phi is the start's; in GR the equation of cycle 0 holds with it."""
    run = spectral_run(theory, snapshot_redshifts=(100.0,))
    start = started(run)
    ((universe, _),) = at_redshifts(run)
    weight = band(16, 320.0, 0.0, 1.0)
    assert rms(universe.phi_modes - start.phi, weight) < 1e-3 * rms(start.phi, weight)


def test_inverted_start_is_the_odd_part_turned_round():
    """The linear parts change sign, the second order does not: their sum is even."""
    plus, minus = started(spectral_run("gr")), started(spectral_run("gr", inverted=True))
    even, odd = (plus.phi + minus.phi) / 2, (plus.phi - minus.phi) / 2
    q = quadratic.second_order_fields(odd)
    background, a = initial_universe(spectral_run("gr")).background, 1 / 101
    growth, pull = Growth(background, a), background.four_pi_G * background.cosmology.Omega_m / a
    expected = (q.gradient_squared / 2 - (1 - growth.E / growth.D**2) * q.psi_0) / pull - 4 * q.theta_0
    assert float((even - expected).abs().max()) < 1e-12 * float(odd.abs().max())


@pytest.mark.parametrize("theory", THEORY_NAMES)
def test_f_nl_skews_the_density_to_dense_places_by_the_amount_it_must(theory):
    """phi -> phi - f_nl (phi^2 - mean) on scales that transfer functions leave alone; the sign is Planck's."""
    f_nl, options = 2.0e3, {"box_size_mpch": 5120.0}  # large scales: T is near 1
    plain, skew = (started(spectral_run(theory, f_nl=value, **options)) for value in (0.0, f_nl))
    opposite = started(spectral_run(theory, f_nl=-f_nl, **options))
    linear = plain.phi
    change = (skew.phi - opposite.phi) / 2
    square = quadratic.padded_product(linear, linear)
    weight = band(16, 5120.0, 0.0, 0.0025)
    amount, alike = response(change, -f_nl * square, weight)
    assert alike > 0.95
    assert amount == pytest.approx(1.0, abs=0.08)  # the transfer functions of the legs are within some % of 1
    contrast = _contrast(skew)
    assert _skewness(contrast) > _skewness(_contrast(plain)) > _skewness(_contrast(opposite))


def _contrast(start):
    painted = kernels_for("cpu").paint_pcs(start.particles, None, 1.0, None, -1.0)
    return spectral.field_of(spectral.modes_of(painted, windowed=True), 16)


def _skewness(field):
    return float((field**3).mean() / (field**2).mean() ** 1.5)


def test_fields_written_are_what_they_are_called(tmp_path):
    """B has no divergence, h_ij no trace and no divergence; densities have their mean; every name is served."""
    names = ("phi", "chi", "B", "T00", "hij", "p", "Tij", "rhoN", "psiN")
    spectra = ("phi", "chi", "B", "hij", "T00", "delta", "rhoN", "psiN", "deltaN")
    for theory in THEORY_NAMES:
        run = spectral_run(
            theory, snapshot_fields=names, spectra_fields=spectra, snapshot_particles=True, snapshot_gadget=True
        ).model_copy(update={"output": OutputSettings(dtype="float64")})
        folder = tmp_path / theory
        folder.mkdir()
        paths = grow_member(run, folder)
        assert len(paths) == 1 + len(names) + 2 + len(spectra)
        field = {name: load_field(folder / f"snap000_{name}.h5")[0].double() for name in names}
        attributes = load_field(folder / "snap000_phi.h5")[1]
        assert attributes["mesh"] == "spectral"
        k = spectral.continuum(16, torch.device("cpu")).k
        b = spectral.modes_of(field["B"])
        divergence = sum(axis * part for axis, part in zip(k, b, strict=True))
        assert float(divergence.abs().max()) < 1e-12 * float(b.abs().max()) * 100
        xx, xy, xz, yy, _, zz = spectral.modes_of(field["hij"])
        assert float((xx + yy + zz).abs().max()) < 1e-12 * float(xx.abs().max())
        assert float((k[0] * xx + k[1] * xy + k[2] * xz).abs().max()) < 1e-11 * float(xx.abs().max()) * 50
        omega = run.cosmology.Omega_m
        assert float(field["T00"].mean()) == pytest.approx(omega, rel=1e-4)
        assert float(field["rhoN"].mean()) == pytest.approx(omega, rel=1e-12)
        if theory == "newton":
            assert float((field["psiN"] - field["phi"]).abs().max()) < 1e-12 * float(field["phi"].abs().max())


@pytest.mark.parametrize("theory", THEORY_NAMES)
@pytest.mark.parametrize("death", [1, 2, 9])
def test_killed_and_resumed_is_the_same_to_the_bit(theory, death, tmp_path, monkeypatch):
    """Killed after the kicks of a cycle, with the checkpoint of every cycle on disk."""
    output = OutputSettings(dtype="float64", checkpoint_every=1)
    run = spectral_run(theory, snapshot_fields=("phi", "chi", "B")).model_copy(update={"output": output})
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    grow_member(run, whole)
    gravity = THEORIES["spectral", theory, "second-order"]
    move = gravity.move

    def killed(self, universe, clock):
        if clock.cycle == death:
            raise KeyboardInterrupt
        move(self, universe, clock)

    with monkeypatch.context() as patch:
        patch.setattr(gravity, "move", killed)
        with pytest.raises(KeyboardInterrupt):
            grow_member(run, broken)
    grow_member(run, broken)
    for path in whole.iterdir():
        assert (broken / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("theory", THEORY_NAMES)
def test_same_bits_for_any_number_of_threads(theory, tmp_path):
    written = []
    for count in (1, 2, 3):
        folder = tmp_path / str(count)
        folder.mkdir()
        with fixed_threads(count):
            grow_member(spectral_run(theory, snapshot_fields=("phi", "chi", "B")), folder)
        written.append([(folder / f"snap000_{name}.h5").read_bytes() for name in ("phi", "chi", "B")])
    assert written[0] == written[1] == written[2]


def test_second_order_is_that_of_the_continuum():
    """16^3 cells, inverted twins, z = 10: the even part of Newton is F2's, that of GR - Newton is C1.

    A few dozen modes on a small mesh: bounds are wider than those of docs/relativity.md.
    """
    n, box = 16, 320.0
    phi = {(t, i): potential(spectral_run(t, inverted=i))[10.0] for t in THEORY_NAMES for i in (False, True)}
    even = {t: (phi[t, False] + phi[t, True]) / 2 for t in THEORY_NAMES}
    odd = {t: (phi[t, False] - phi[t, True]) / 2 for t in THEORY_NAMES}
    q = quadratic.second_order_fields(odd["newton"])
    run = spectral_run("gr")
    clock = Clock(run, initial_universe(run).background)
    hubble = clock.background.conformal_hubble(1 / 11)
    weight = band(n, box, 0.0, 0.045)
    growth = 4 / hubble**2 * (q.gradient_squared / 12 - 5 / 21 * q.psi_0)
    amount, alike = response(even["newton"], growth, weight)
    assert amount == pytest.approx(1.0, abs=0.03)
    assert alike > 0.998
    difference = even["gr"] - even["newton"]
    amount, alike = response(difference, -4 * q.theta_0, weight)
    assert amount == pytest.approx(1.0, abs=0.12)
    assert alike > 0.97
    assert rms(odd["gr"] - odd["newton"], weight) < 0.5 * rms(difference, weight)
    linear = started(run).phi
    assert rms(odd["newton"] - odd["gr"], weight) < 1e-5 * rms(linear, weight)
