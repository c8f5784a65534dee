"""Even and odd parts: planted ones are found, the prediction is its kernel's, and the stage measures inverses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from helpers.synthetic import save_phi, tiny_study, write_run
from weakfield.base.files import file_hash, write_json
from weakfield.config import THEORIES, CosmologySettings, Inverse, RunFolder, SimulationSettings, StudyConfig
from weakfield.fourier.shells import shells
from weakfield.mesh import fft
from weakfield.pairs.manifest import settings_hash
from weakfield.report.run_results import RunResults
from weakfield.report.verification import relativity
from weakfield.spectra import measure
from weakfield.spectra.parity import (
    COLUMNS,
    SUMS,
    Collected,
    Parity,
    band_limit,
    band_modes,
    gathered,
    load_parity,
    parity_sums,
    save_parity,
    sentence,
)  # fmt: skip
from weakfield.spectra.theory import LinearTheory, relativistic_kernel
from weakfield.spectra.theory.realised import linear_potential, predicted_difference

GRID, BOX = 12, 240.0
RESPONSE, ODD = 0.7, 0.4


def settings() -> SimulationSettings:
    return SimulationSettings(grid=GRID, box_size_mpch=BOX, transfer="eisenstein-hu")


def theory() -> LinearTheory:
    return LinearTheory(settings(), CosmologySettings())


def planted(seed: int, z: float = 1.0) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor], Tensor]:
    """A seed and its inverse whose GR - Newton has ``RESPONSE`` times C1 in it, and an odd part of ``ODD`` times C1.

    The odd part is C1 moved by some cells: every mode has the modulus of C1's. Also the modes of C1.
    """
    expected = predicted_difference(theory(), settings(), seed, z)
    c1 = fft.backward(expected, GRID, normalised=False)
    odd = ODD * torch.roll(c1, (3, 1, 2), (0, 1, 2))
    linear = linear_potential(theory(), settings(), seed, z)
    pairs = [(sign * linear, sign * linear + RESPONSE * c1 + sign * odd) for sign in (1.0, -1.0)]
    return pairs[0], pairs[1], expected


def measured(seeds: tuple[int, ...], known: bool = True) -> Parity:
    found = Collected()
    for seed in seeds:
        upright, inverse, expected = planted(seed)
        found.seeds.append(seed)
        parts, below = shells(GRID), band_modes(GRID, BOX)
        found.sums.append(parity_sums(upright, inverse, expected if known else None, parts, below))
    return gathered(found, 1.0, None, GRID, BOX)


def test_planted_parts_are_found() -> None:
    """phi is some 1e5 times C1, so that sums and differences of it lose five of sixteen digits."""
    result = measured((1, 2, 3))
    np.testing.assert_allclose(result.response.value, RESPONSE, rtol=1e-8)
    np.testing.assert_allclose(result.correlation.value, 1.0, rtol=1e-8)
    np.testing.assert_allclose(result.odd_over_predicted.value, ODD, rtol=1e-8)
    np.testing.assert_allclose(result.even_over_odd.value, RESPONSE / ODD, rtol=1e-8)
    for estimate in (result.response, result.odd_over_predicted):
        np.testing.assert_allclose(estimate.error, 0.0, atol=1e-8)
    assert result.seeds == (1, 2, 3)
    assert (result.odd_over_phi.value < 1e-3).all()


def test_errors_are_over_seeds_by_hand() -> None:
    """Two seeds with responses 0.8 and 1.0 and odd parts of 0.1 and 0.3: 0.9 +- 0.1 and 0.2 +- 0.1."""
    sums = {"even": (0.64, 1.0), "odd": (0.01, 0.09), "predicted": (1.0, 1.0), "crossed": (0.8, 1.0)}
    values = np.array([np.reshape(sums.get(name, (1.0, 1.0)), (2, 1)) for name in SUMS])
    result = Parity(1.0, 0.03, np.array([0.02]), np.array([8]), (1, 2), values)
    assert result.response.value[0] == pytest.approx(0.9)
    assert result.response.error[0] == pytest.approx(0.1)
    assert result.odd_over_predicted.value[0] == pytest.approx(0.2)
    assert result.odd_over_predicted.error[0] == pytest.approx(0.1)
    assert sentence(result) == (
        "Of GR \N{MINUS SIGN} Newton at z = 1 below k = 0.03 h/Mpc, the odd part is 0.2 of rms C\N{SUBSCRIPT ONE},"
        " relativity's own part at second order; the even part has 0.90 \N{PLUS-MINUS SIGN} 0.10 of C\N{SUBSCRIPT ONE}"
        " in it and a correlation of 1.00 \N{PLUS-MINUS SIGN} 0.00 with it: it may be called relativity."
    )


@pytest.mark.parametrize(
    ("odd", "crossed", "said"),
    [(9.0, 1.0, "numerics and not relativity"), (0.01, -1.0, "is not what relativity makes"),
     (0.25, 1.0, "but not well above"), (0.01, 1.0, "it may be called relativity")],
)  # fmt: skip
def test_what_is_called_relativity(odd: float, crossed: float, said: str) -> None:
    sums = {"odd": odd, "crossed": crossed}
    values = np.array([[[sums.get(name, 1.0)]] for name in SUMS])
    assert said in sentence(Parity(1.0, 0.03, np.array([0.02]), np.array([8]), (1,), values))


def test_without_a_prediction_the_parts_are_measured_all_the_same(tmp_path: Path) -> None:
    result = measured((1, 2), known=False)
    assert np.isnan(result.response.value).all()
    np.testing.assert_allclose(result.even_over_odd.value, RESPONSE / ODD, rtol=1e-8)
    assert "is not known here" in sentence(result)
    save_parity(tmp_path / "parity.h5", [result])
    (back,) = load_parity(tmp_path / "parity.h5")
    np.testing.assert_array_equal(back.sums, result.sums)
    assert (back.seeds, back.limit, back.redshift) == (result.seeds, result.limit, result.redshift)


def test_the_band() -> None:
    """20 Mpc/h a cell resolves 0.03 h/Mpc, 80 Mpc/h a fifth of its Nyquist wavenumber; a tiny box has one shell."""
    assert band_limit(64, 1280.0) == 0.03
    assert band_limit(64, 5120.0) == pytest.approx(0.2 * np.pi / 80)
    assert band_modes(8, 160.0).sum() == 13  # of the 18 modes with |n|^2 of 1 or 2 those on the half axis
    assert measured((1,)).modes[-1] == 18


def test_the_prediction_is_that_of_its_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two plane waves 2 and 3 k_F long, at right angles: the mode of their sum, by the kernel of the spectra."""
    x = 2 * np.pi * torch.arange(GRID, dtype=torch.float64) / GRID
    field = torch.cos(2 * x)[None, None, :] + torch.cos(3 * x)[None, :, None] + 0 * x[:, None, None]
    monkeypatch.setattr("weakfield.spectra.theory.realised.linear_potential", lambda *anything: 1e-5 * field)
    found = predicted_difference(theory(), settings(), 1, 1.0)
    kernel = relativistic_kernel(theory(), settings(), 1.0, start="growing-mode")
    k = 2 * np.pi / BOX
    expected = 2 * float(kernel(2 * k, 3 * k, np.sqrt(13) * k)) * (0.5e-5) ** 2
    assert found[0, 3, 2].real == pytest.approx(expected, rel=1e-10)
    assert abs(found[0, 3, 2].imag) < 1e-10 * abs(expected)


def write_inverses(study: StudyConfig, folder: RunFolder, seeds: tuple[int, ...]) -> None:
    """Pairs of seeds and of their inverses, by ``planted``."""
    for seed in seeds:
        for index, z in enumerate(sorted(study.simulation.snapshot_redshifts, reverse=True)):
            upright, inverse, _ = planted(seed, z)
            for draw, pair in ((seed, upright), (Inverse(seed), inverse)):
                for theory, phi in zip(THEORIES, pair, strict=True):
                    path = folder.member(draw, theory) / f"snap{index:03d}_phi.h5"
                    save_phi(path, phi.numpy(), z, BOX, theory, seed)
        for draw in (seed, Inverse(seed)):
            files = {
                f"{theory}/snap{index:03d}_phi.h5": {"theory": theory, "field": "phi", "index": index}
                for theory in THEORIES
                for index in range(len(study.simulation.snapshot_redshifts))
            }
            for name, entry in files.items():
                entry["hash"] = file_hash(folder.pair(draw) / name)
            record = {"seed": seed, "settings": settings_hash(study), "files": files, "seconds": {}}
            write_json(folder.pair(draw) / "pair.json", record)


def test_the_stage_measures_inverses_and_the_page_shows_them(tmp_path: Path) -> None:
    simulation = {"grid": GRID, "box_size_mpch": BOX, "transfer": "eisenstein-hu"}
    study = tiny_study(
        pairs=4, grid=GRID, simulation=simulation, seeds={"inverted": True}, measure={"bispectrum": False}
    )
    folder, seeds = RunFolder(tmp_path), study.seeds.all
    write_inverses(study, folder, seeds)
    (folder.pair(Inverse(seeds[-1])) / "pair.json").unlink()
    summary = measure.run(study, folder)
    assert (summary["pairs"], summary["inverted"]) == (4, 3)
    # stored in single precision: 6e-8 of phi, a part in a hundred of C1
    assert summary["response"] == pytest.approx(RESPONSE, rel=0.03)
    assert summary["odd_over_predicted"] == pytest.approx(ODD, rel=0.03)
    json.dumps(summary, allow_nan=False)
    early, late = load_parity(folder.spectra / "parity.h5")
    assert (early.redshift, late.redshift, late.seeds) == (10.0, 1.0, seeds[:3])
    with open(folder.spectra / "parity.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert tuple(rows[0]) == COLUMNS
    band = [row for row in rows if row["k_below_hmpc"]]
    assert [float(row["redshift"]) for row in band] == [10.0, 1.0]
    assert float(band[0]["correlation"]) == pytest.approx(1.0, abs=0.01)
    page = relativity(RunResults(study, folder))
    assert page.count("Of GR \N{MINUS SIGN} Newton at z =") == 2
    assert "<img" in page
    assert "3 seeds, and of the same with" in page


def test_a_study_without_inverses_has_no_such_table(tmp_path: Path) -> None:
    study = tiny_study(pairs=3, measure={"bispectrum": False})
    folder = write_run(study, tmp_path)
    measure.run(study, folder)
    assert not list(folder.spectra.glob("parity*"))
    assert "seeds.inverted = true" in relativity(RunResults(study, folder))
