"""Up to which k a card calls the difference relativity."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from helpers.synthetic import tiny_study
from weakfield.sharing.card import ranges
from weakfield.sharing.limits import CORRELATION, RESPONSE, known_limit, measured_limit
from weakfield.spectra.parity import SUMS, Parity


def parity(even: list[float], crossed: list[float]) -> Parity:
    """Shells of one mode each at k = 0.01, 0.02, ..., |C1|^2 = 1 in each, and the band."""
    sums = np.ones((len(SUMS), 1, len(even) + 1))
    sums[SUMS.index("even"), 0, :-1] = even
    sums[SUMS.index("crossed"), 0, :-1] = crossed
    k = 0.01 * np.arange(1, len(even) + 2)
    return Parity(1.0, 0.03, k, np.ones(len(k), dtype=np.int64), (7,), sums)


@pytest.mark.parametrize(
    ("even", "crossed", "limit"),
    [
        ([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], 0.03),  # all of it
        ([1.0, 4.0, 1.0], [1.0, 1.0, 1.0], 0.01),  # uncorrelated in the second shell, and not looked at beyond
        ([1.0, 1.69, 1.0], [1.0, 1.3, 1.0], 0.01),  # correlated, and 1.3 times C1
        ([4.0, 1.0, 1.0], [1.0, 1.0, 1.0], None),
    ],
)
def test_it_ends_at_the_first_shell_that_is_not_c1(even, crossed, limit) -> None:
    found = measured_limit(parity(even, crossed))
    assert found.k_hmpc == (None if limit is None else pytest.approx(limit))
    assert "from 1 seed" in str(found)


def test_what_is_known_of_the_meshes() -> None:
    box = {"grid": 32, "box_size_mpch": 640.0}  # k_Nyq = pi / 20 h/Mpc
    dust = tiny_study(simulation={**box, "transfer": "eisenstein-hu"})
    assert known_limit(dust, 10.0).k_hmpc == pytest.approx(0.4 * np.pi / 20)
    study = tiny_study(simulation=box)
    assert known_limit(study, 10.0).k_hmpc == pytest.approx(0.3 * np.pi / 20)
    assert known_limit(study, 1.0).k_hmpc == pytest.approx(0.3 * np.pi / 20)
    assert known_limit(study, 0.0) is None
    assert known_limit(tiny_study(simulation={**box, "box_size_mpch": 6400.0}), 1.0) is None
    staggered = tiny_study(simulation={**box, "mesh": "staggered", "start": "linear"})
    assert known_limit(staggered, 1.0).k_hmpc is None
    assert "nowhere" in str(known_limit(staggered, 1.0))


def test_what_is_known_is_what_was_measured() -> None:
    """Every tenth of k_Nyq below a limit has response and correlation, as measured for docs/relativity.md."""
    found = defaultdict(list)
    for case, measured in json.loads((Path(__file__).parents[2] / "docs" / "relativity.json").read_text()).items():
        about = json.loads(case)
        own = about["mesh"] == "spectral" and about["start"] == "growing-mode" and not about["first"]
        if own and about["step"] <= 0.2 and about["cell"] <= 40 and "tenth 0" in measured.get("10", {}):
            key = tuple(about[name] for name in ("grid", "cell", "transfer", "precision", "step"))
            found[key].append(measured)
    assert len(found) > 8
    for (grid, cell, transfer, precision, _), seeds in found.items():
        box = {"grid": grid, "box_size_mpch": cell * grid, "transfer": transfer, "precision": precision}
        for z in ("10", "1"):
            tenths = known_limit(tiny_study(simulation=box), float(z)).k_hmpc / (np.pi / cell) * 10
            for i in range(int(tenths + 1e-9)):
                shell = [seed[z][f"tenth {i}"] for seed in seeds]
                assert np.mean([one["correlation"] for one in shell]) > CORRELATION - 0.002  # as rounded on the page
                assert np.mean([one["response"] for one in shell]) == pytest.approx(1, abs=RESPONSE)


def test_ranges_of_seeds() -> None:
    assert ranges((1, 2, 3, 7, 9, 10)) == "1-3, 7, 9-10"
    assert ranges(()) == "none"
