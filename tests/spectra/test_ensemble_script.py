"""docs/scripts/ensemble.py on universes made of theory: nothing is left, whatever is planted beside it is found."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from weakfield.cosmology import Background, second_order_growth
from weakfield.fourier import quadratic
from weakfield.spectra.theory.relativistic import difference_coefficients, newtonian_coefficients

NAMES = ("gradient_squared", "psi_0", "theta_0", "square")


@pytest.fixture
def script(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "docs" / "scripts"))
    return importlib.import_module("ensemble")


def plant(script: ModuleType, folder: Path, seed: int, factor: float, third: float) -> None:
    """A seed whose universes are linear and second-order theory; GR has ``factor`` C1 and ``third`` C1 of third order.

    All of it small: what is of eighth order is below what is asked for.
    """
    mesh = script.Mesh(24)
    early = 0.05 * script.early_potential(script.replace(mesh.case, seed=seed), 10.0)
    products = quadratic.second_order_fields(early)
    kept = {name: script.kept_modes(mesh, getattr(products, name)) for name in NAMES}
    background = Background(mesh.case.cosmology, mesh.box)
    for half, amplitude in ((False, 1.0), (True, 0.5)):
        found: dict[str, list] = {"newton": [[], []], "gr": [[], []]}
        for z in script.REDSHIFTS:
            growth = second_order_growth(mesh.case.cosmology, z)
            gradient, psi = newtonian_coefficients(growth, background.four_pi_G * mesh.case.cosmology.Omega_m * (1 + z))
            theta, square = difference_coefficients(growth)
            first = growth.potential * script.kept_modes(mesh, early)
            newton = gradient * kept["gradient_squared"] + psi * kept["psi_0"]
            c1 = theta * kept["theta_0"] + square * kept["square"]
            for place, sign in enumerate((amplitude, -amplitude)):
                found["newton"][place].append(sign * first + sign**2 * newton)
                more = factor * sign**2 * c1 + third * sign**3 * c1
                found["gr"][place].append(found["newton"][place][-1] + more)
        rest = {} if half else kept | {"early": script.kept_modes(mesh, early)}
        np.savez(script.path(folder, seed, half), **found, **rest)


@pytest.mark.parametrize("factor", [1.0, -0.5])
def test_what_is_planted_is_measured(script, tmp_path, factor):
    plant(script, tmp_path, 3, factor, 0.0)
    found = script.measured(script.Mesh(24), tmp_path, 3)
    for z in script.REDSHIFTS:
        for kind, expected in (("newton", 1.0), ("difference", factor)):
            predicted = found[kind, "predicted", z]
            fourth = found[kind, "simulated", z] - found[kind, "loop", z]
            assert np.allclose(fourth, expected * predicted, rtol=0, atol=2e-3 * abs(predicted).max())
        assert abs(found["difference", "third", z]).max() < 1e-6 * abs(found["difference", "predicted", z]).max()


def test_a_third_order_is_told_from_the_tree_level(script, tmp_path):
    plant(script, tmp_path, 3, 1.0, 50.0)
    found = script.measured(script.Mesh(24), tmp_path, 3)
    predicted, third, loop = (found["difference", name, 1.0] for name in ("predicted", "third", "loop"))
    assert abs(third).max() > 0.01 * abs(predicted).max()
    assert np.allclose(loop, third, rtol=0, atol=0.2 * abs(third).max())
    fourth = found["difference", "simulated", 1.0] - loop
    assert np.allclose(fourth, predicted, rtol=0, atol=0.2 * abs(third).max())


def test_numbers_figure_and_tables_are_made(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "IMAGES", tmp_path)
    for seed in range(14):
        plant(script, tmp_path, seed, 1.0, 0.0)
    mesh = script.Mesh(24)
    results = script.numbers(mesh, tmp_path)
    group = results["outputs"]["10"]["difference"]["groups"]["all 3"]
    assert group["response"] == pytest.approx(1.0, abs=0.01)
    assert group["leading"]["response"] == pytest.approx(1.0, abs=1e-3)
    script.draw(mesh, results)
    assert (tmp_path / "verification_ensemble.png").exists()
    assert "z = 1, equilateral | 3 |" in script.tables(mesh, results)


def test_p_values_of_noise_are_uniform(script):
    random = np.random.default_rng(0)
    mixed = random.standard_normal((4, 4))
    values = [script.hotelling(random.standard_normal((12, 4)) @ mixed) for _ in range(400)]
    p = np.array([one["p"] for one in values])
    assert abs(p.mean() - 0.5) < 0.05
    assert abs((p < 0.1).mean() - 0.1) < 0.05
    assert np.mean([one["chi2"] for one in values]) == pytest.approx(
        4.0, abs=0.6
    )  # Hartlap: as with the true covariance
    assert script.hotelling(random.standard_normal((12, 4)) + 2.0)["p"] < 1e-3
