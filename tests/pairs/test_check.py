"""A pair is checked before it takes its name: what is wrong with it is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from weakfield.base.errors import WeakfieldError
from weakfield.config import RunFolder, StudyConfig
from weakfield.config.cosmology import CosmologySettings
from weakfield.pairs.check import _linear_variance, check_pair, variance_range
from weakfield.pairs.grower import grow_pair
from weakfield.spectra.theory.linear import LinearTheory

SIMULATION = {"grid": 8, "box_size_mpch": 160.0, "transfer": "eisenstein-hu", "step_limit_hubble": 0.2}
FIELD = "gr/snap001_phi.h5"


def universe(study: StudyConfig) -> tuple[CosmologySettings, float, int]:
    return study.cosmology, study.simulation.box_size_mpch, study.simulation.grid


@pytest.fixture(scope="module")
def study() -> StudyConfig:
    return StudyConfig.from_mapping({"seeds": {"count": 3}, "simulation": SIMULATION})


@pytest.fixture(scope="module")
def grown(study: StudyConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    grow_pair(study, 1, folder)
    return folder.pair(1)


def altered(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    with h5py.File(path, "r+") as file:
        values, attributes = change(file["data"][...]), dict(file.attrs)
        del file["data"]
        file["data"] = values
        for name, value in attributes.items():
            file.attrs[name] = value


def with_redshift(path: Path, z: float) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["redshift"] = z


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: altered(path, lambda phi: 30.0 * phi), "has a variance of"),
        (lambda path: altered(path, lambda phi: phi / 100.0), "has a variance of"),
        (lambda path: altered(path, lambda phi: 1.5 * phi), "under the two theories"),
        (lambda path: altered(path, lambda phi: phi + 1e-3), "has a mean of"),
        (lambda path: altered(path, lambda phi: phi[:4, :4, :4]), r"has shape \(4, 4, 4\), expected 8"),
        (lambda path: altered(path, lambda phi: np.where(phi == phi.max(), np.nan, phi)), "snap001_phi"),
        (lambda path: with_redshift(path, 1.1), "is at redshift 1.1, expected 1"),
        (lambda path: with_redshift(path, 0.999), "is at redshift 0.999, expected 1"),
        (lambda path: path.unlink(), "snap001_phi"),
    ],
)
def test_what_is_wrong_is_named(
    study: StudyConfig, grown: Path, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    import shutil

    pair = tmp_path / "pair"
    shutil.copytree(grown, pair)
    check_pair(study, pair)
    damage(pair / FIELD)
    with pytest.raises(WeakfieldError, match=said):
        check_pair(study, pair)


def test_a_pair_that_fails_the_check_is_not_kept(
    study: StudyConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import weakfield.pairs.grower as module

    def refuse(study: StudyConfig, pair: Path) -> None:
        raise WeakfieldError("phi is wrong")

    folder = RunFolder(tmp_path)
    monkeypatch.setattr(module, "check_pair", refuse)
    with pytest.raises(WeakfieldError, match="phi is wrong"):
        grow_pair(study, 1, folder)
    assert not list(folder.pairs.glob("*seed*"))


def test_the_variance_expected_is_that_of_the_power_spectrum() -> None:
    """Sum of P / V over every mode of a mesh, counted one by one; the fit is the same, the sum another."""
    study = StudyConfig.from_mapping({"simulation": SIMULATION | {"grid": 16, "box_size_mpch": 320.0}})
    theory = LinearTheory(study.simulation, study.cosmology)
    n = np.fft.fftfreq(16, 1 / 16)
    square = n[:, None, None] ** 2 + n[None, :, None] ** 2 + n[None, None, :] ** 2
    inside = square[(square > 0) & (square < 7**2)]
    power = theory.potential_power(2 * np.pi / 320.0 * np.sqrt(inside), 1.0) / 320.0**3
    mean, spread = _linear_variance(*universe(study), 1.0)
    assert mean == pytest.approx(power.sum(), rel=1e-3)  # linear between nodes half a per cent apart
    assert spread == pytest.approx(2 * (power**2).sum(), rel=2e-3)


def test_linear_universes_fall_into_the_range() -> None:
    """Gaussian fields of the linear spectrum scatter within it, and it is not so wide that anything would."""
    study = StudyConfig.from_mapping({"simulation": SIMULATION})
    bounds = variance_range(study, 1.0)
    mean, spread = _linear_variance(*universe(study), 1.0)
    shape = mean**2 / spread
    drawn = np.random.default_rng(5).gamma(shape, mean / shape, 100_000)
    assert bounds.low < drawn.min()
    assert drawn.max() < bounds.high
    assert bounds.high < 20 * mean
    # averaging cells may take power away, and files of unknown amplitude are bounded by the weak field alone
    coarse = StudyConfig.from_mapping({"simulation": SIMULATION | {"downgrade_factor": 2}})
    assert variance_range(coarse, 1.0).low == 0.0
