"""CLASS as provider of transfer functions, where its Python module is installed; and what is said where it is not."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from weakfield.base.errors import BadInput
from weakfield.config import CosmologySettings, SimulationSettings
from weakfield.cosmology.transfer import SplinedHistory, transfer_history
from weakfield.cosmology.transfer.class_code import _history, _parameters

DATA = Path(__file__).parents[1] / "data"
THESIS = CosmologySettings()
BOX = SimulationSettings(grid=32, box_size_mpch=640.0, transfer="class", transfer_nodes="class")
FINE = BOX.model_copy(update={"transfer_nodes": "fine"})

needs_classy = pytest.mark.skipif(
    find_spec("classy") is None, reason="classy is not installed (pip install weakfield[class])"
)


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SplinedHistory]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        _history.cache_clear()
        made = {box.transfer_nodes: transfer_history(box, THESIS) for box in (BOX, FINE)}
    return {nodes: history for nodes, history in made.items() if isinstance(history, SplinedHistory)}


@needs_classy
@pytest.mark.parametrize("z", [100.0, 50.0, 10.0, 1.0, 0.0])
def test_tables_of_class_itself(histories: dict[str, SplinedHistory], z: float) -> None:
    """Tables that CLASS 3.4 wrote to file, on other wavenumbers."""
    table = np.load(DATA / "class_tables_excerpt.npz")
    row, functions = table["z"].tolist().index(z), histories["fine"].at(1.0 / (1.0 + z))
    assert functions.phi is not None
    assert functions.psi is not None
    columns = {"d_cdm": functions.delta["cdm"], "t_tot": functions.theta["tot"], "phi": functions.phi}
    columns |= {"t_b": functions.theta["b"], "psi": functions.psi}
    k = table["k"]
    inside = (k > functions.k_hmpc[0]) & (k < functions.k_hmpc[-1])
    for name, column in columns.items():
        ours = CubicSpline(np.log(functions.k_hmpc), column)(np.log(k[inside]))
        # splines through both sets of nodes, each good to about 1e-4
        np.testing.assert_allclose(ours, table[name][row][inside], rtol=3e-4, err_msg=name)


@needs_classy
def test_curvature_beyond_the_horizon(histories: dict[str, SplinedHistory]) -> None:
    functions = histories["class"].at(1.0 / 101.0)
    assert functions.phi is not None
    hubble = np.sqrt((THESIS.Omega_m * 101.0 + THESIS.Omega_r * 101.0**2) / 2997.92458**2)  # h/Mpc
    curvature = functions.phi + hubble * functions.theta["tot"] / (THESIS.h * functions.k_hmpc**2)
    assert curvature[0] == pytest.approx(1.0, abs=1e-3)  # k far below H at the first node


@needs_classy
def test_totals_are_those_of_the_species(histories: dict[str, SplinedHistory]) -> None:
    a = 1.0 / 51.0
    f = histories["class"].at(a)
    weights = {"cdm": THESIS.Omega_c, "b": THESIS.Omega_b, "g": THESIS.Omega_gamma / a, "ur": THESIS.Omega_ur / a}
    total = sum(w * f.delta[name] for name, w in weights.items()) / sum(weights.values())
    np.testing.assert_allclose(f.delta["tot"], total, rtol=1e-6)


def test_what_is_asked_of_class() -> None:
    coarse = _parameters(THESIS, "class", 640.0, 32, 100.0)
    assert coarse["Omega_b"] * THESIS.h**2 == pytest.approx(0.022032)
    assert coarse["P_k_max_h/Mpc"] == pytest.approx(2 * np.pi * 32 / 640)
    assert coarse["z_max_pk"] == pytest.approx(101.51)
    fine = _parameters(THESIS, "fine", 640.0, 32, 100.0)
    assert fine["P_k_max_h/Mpc"] > np.sqrt(3) * np.pi * 32 / 640
    assert fine["k_per_decade_for_bao"] > 70
    assert fine["z_max_pk"] == 102.0
    assert _parameters(THESIS, "fine", 640.0, 32, 200.0)["z_max_pk"] == pytest.approx(203.01)


def test_without_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "classy", None)
    _history.cache_clear()
    with pytest.raises(BadInput, match=r"classy is not installed.*pip install weakfield\[class\]"):
        transfer_history(BOX, THESIS)
    with pytest.raises(BadInput, match="omega_b is 0, expected a value above 0 for transfer 'class'"):
        transfer_history(BOX, THESIS.model_copy(update={"omega_b": 0.0}))
