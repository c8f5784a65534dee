"""The benchmark beside other programs: they can be absent, and what it integrates for one of them is right."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_linear_modes_grow_to_second_order_in_the_step() -> None:
    """The kick, drift, kick that JaxPM leaves to its user, on a plane wave: D = a and p = a^2 E D at the start."""
    worker, case = import_module("peer_jaxpm"), import_module("peer_case")

    def grown(steps: int) -> float:
        a = 1 / (1 + case.REDSHIFTS[0])
        place, momentum = a, a**3 * np.sqrt(case.OMEGA_M / a**3 + 1 - case.OMEGA_M)
        for first, drift, second in worker.step_factors(steps):
            momentum += 1.5 * case.OMEGA_M * place * first
            place += momentum * drift
            momentum += 1.5 * case.OMEGA_M * place * second
        return float(place)

    from weakfield.config import CosmologySettings
    from weakfield.cosmology.growth import growth_factor

    values = {name: case.COSMOLOGY[name] for name in ("h", "omega_b", "omega_cdm")}
    settings = CosmologySettings(**values, t_cmb_kelvin=0.0)
    exact = np.divide(*growth_factor(settings, case.REDSHIFTS)[::-1]) / (1 + case.REDSHIFTS[0])
    coarse, fine = (grown(steps) / exact - 1 for steps in (20, 80))
    assert abs(fine) < 1.5e-3  # the start is the growing mode of matter alone, to some 1e-5
    assert 3.0 <= np.log2(coarse / fine) <= 4.5  # 4 for second order: two halvings


@pytest.mark.parametrize("python", [sys.executable, "/no/such/python"])
def test_an_absent_peer_is_left_out_with_the_reason(python: str) -> None:
    if python == sys.executable and find_spec("jaxpm"):
        pytest.skip("jaxpm is installed here")
    peers: Any = import_module("peers")
    contender = peers.Contender("JaxPM", "single", python, "peer_jaxpm.py")
    answer = peers.run(contender, argparse.Namespace(threads=1), 8, "--steps", "2")
    assert set(answer) == {"reason"}
    assert "No module named" in answer["reason"] or "No such file" in answer["reason"]
