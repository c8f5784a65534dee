"""Baselines: the features they see, and that their regression is fitted on training pairs only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synthetic import tiny_study, write_run
from weakfield.dataset import PARTS, Dataset, build, open_dataset
from weakfield.learning.baselines import BASELINES, cube_mean, log_power, logistic, removed_mean, score_baseline
from weakfield.learning.metrics import auc, paired_accuracy

SEEDS = {"train": tuple(range(20)), "validation": tuple(range(20, 30)), "test": tuple(range(30, 330))}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """GR evolves 1.2 times as much as Newton and has a mean of 1e-7."""
    study = tiny_study(pairs=20)
    folder = write_run(study, tmp_path_factory.mktemp("run"), scale=1.2, mean=1e-7)
    build.run(study, folder)
    return open_dataset(folder)


def rows(gap: float, features: int = 3) -> dict[str, np.ndarray]:
    """Gaussian features; those of member 1 are higher by ``gap`` in the first."""
    random = np.random.default_rng(0)
    made = {part: random.standard_normal((len(seeds), 2, features)) for part, seeds in SEEDS.items()}
    for values in made.values():
        values[:, 1, 0] += gap
    return made


def test_a_gap_is_found() -> None:
    # a gap of 2 standard deviations is worth AUC Phi(2 / sqrt 2) = 0.92, less what 20 training pairs do not teach
    assert auc(logistic(rows(2.0), SEEDS)["test"]) == pytest.approx(0.92, abs=0.04)


def test_nothing_is_found_where_nothing_is() -> None:
    assert auc(logistic(rows(0.0), SEEDS)["test"]) == pytest.approx(
        0.5, abs=0.072
    )  # three standard errors of 300 pairs


def test_scale_and_offset_of_features_do_not_matter() -> None:
    plain, scaled = rows(1.0), {part: 1e-9 * values + 1e-5 for part, values in rows(1.0).items()}
    for part in PARTS:
        first, second = (logistic(r, SEEDS)[part] for r in (plain, scaled))
        np.testing.assert_allclose(first.gr, second.gr, rtol=1e-4)  # 1e-5 keeps 7 digits of 1e-9 in float64


def test_test_pairs_do_not_enter_the_fit() -> None:
    base, other = rows(1.0), rows(1.0)
    other["test"] = other["test"] + 100.0
    np.testing.assert_array_equal(logistic(base, SEEDS)["train"].gr, logistic(other, SEEDS)["train"].gr)


def test_cube_mean_in_units_of_the_training_part(dataset: Dataset) -> None:
    normalisation = dataset.description["normalisation"]["mean_kept"]
    expected = (float(dataset.raw(5, "gr").mean()) - normalisation["mean"]) / normalisation["std"]
    assert cube_mean(dataset, 5, "gr") == pytest.approx([expected], abs=1e-6)  # of float32 values of order one
    assert abs(removed_mean(dataset, 5, "gr")[0]) < 1e-7


def test_log_power_sees_amplitude_and_not_the_mean(dataset: Dataset) -> None:
    newton, gr = (log_power(dataset, 5, theory) for theory in ("newton", "gr"))
    assert newton.shape == (3,)  # shells around 1, 2 and 3 k_F; the Nyquist wavenumber of 8 cells is 4 k_F
    np.testing.assert_allclose(gr - newton, 2 * np.log(1.2), rtol=1e-3)  # float32 storage of the fields


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_ranks_the_planted_pairs(dataset: Dataset, name: str) -> None:
    scores = score_baseline(dataset, BASELINES[name], name)
    assert {part: scores[part].seeds for part in PARTS} == {part: tuple(dataset.part(part)) for part in PARTS}
    assert paired_accuracy(scores["test"]) == 1.0
    again = score_baseline(dataset, BASELINES[name], name)
    assert (again["test"].gr == scores["test"].gr).all()


def test_without_its_mean_a_cube_gives_nothing_away(tmp_path: Path) -> None:
    study = tiny_study(pairs=40)
    folder = write_run(study, tmp_path, scale=1.0, mean=1e-7)
    build.run(study, folder)
    scores = score_baseline(open_dataset(folder), removed_mean, "removed")
    assert auc(scores["test"]) == pytest.approx(0.5, abs=0.35)  # rounding of 8 test pairs
    assert auc(score_baseline(open_dataset(folder), cube_mean, "kept")["test"]) == 1.0
