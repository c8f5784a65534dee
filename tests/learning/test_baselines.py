"""Baselines: the features they see, that they are fitted on training pairs only, and that they find what is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers.synthetic import gaussian, tiny_study, write_run
from weakfield.dataset import PARTS, Dataset, build, open_dataset
from weakfield.learning import summaries as module
from weakfield.learning.baselines import BASELINES, cube_mean, removed_mean, score_baseline, score_baselines
from weakfield.learning.bound import measured_bound
from weakfield.learning.calibration import temperature
from weakfield.learning.classifiers import discriminant, logistic, paired, small_network
from weakfield.learning.metrics import auc, paired_accuracy
from weakfield.learning.summaries import Summaries, measure_summaries, mode_counts, summarise

SEEDS = {"train": tuple(range(20)), "validation": tuple(range(20, 30)), "test": tuple(range(30, 330))}
SINGLE = (logistic, discriminant, small_network)
BOX = 160.0


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """GR evolves 1.2 times as much as Newton and has a mean of 1e-7."""
    study = tiny_study(pairs=20)
    folder = write_run(study, tmp_path_factory.mktemp("run"), scale=1.2, mean=1e-7)
    build.run(study, folder)
    return open_dataset(folder)


@pytest.fixture(scope="module")
def summaries(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Summaries:
    return measure_summaries(dataset, tmp_path_factory.mktemp("summaries") / "summaries.npz")


def rows(gap: float, features: int = 3) -> dict[str, np.ndarray]:
    """Gaussian features; those of member 1 are higher by ``gap`` in the first."""
    random = np.random.default_rng(0)
    made = {part: random.standard_normal((len(seeds), 2, features)) for part, seeds in SEEDS.items()}
    for values in made.values():
        values[:, 1, 0] += gap
    return made


@pytest.mark.parametrize("classify", SINGLE)
def test_a_gap_is_found(classify) -> None:
    # a gap of 2 standard deviations is worth AUC Phi(2 / sqrt 2) = 0.92, less what 20 training pairs do not teach
    missed = 0.06 if classify is small_network else 0.04  # it has more to learn
    assert auc(classify(rows(2.0), SEEDS)["test"]) == pytest.approx(0.92, abs=missed)


@pytest.mark.parametrize("classify", [*SINGLE, paired])
def test_nothing_is_found_where_nothing_is(classify) -> None:
    scores = classify(rows(0.0), SEEDS)["test"]
    assert auc(scores) == pytest.approx(0.5, abs=0.072)  # three standard errors of 300 pairs


@pytest.mark.parametrize("classify", [*SINGLE, paired])
def test_scale_and_offset_of_features_do_not_matter(classify) -> None:
    plain, scaled = rows(1.0), {part: 1e-9 * values + 1e-5 for part, values in rows(1.0).items()}
    first, second = (classify(r, SEEDS) for r in (plain, scaled))
    for part in PARTS:  # 1e-5 keeps 7 digits of 1e-9 in float64; L-BFGS stops within 1e-3 of where it would
        np.testing.assert_allclose(first[part].gr, second[part].gr, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("classify", [*SINGLE, paired])
def test_test_pairs_do_not_enter_the_fit(classify) -> None:
    base, other = rows(1.0), rows(1.0)
    other["test"] = other["test"] + 100.0
    np.testing.assert_array_equal(classify(base, SEEDS)["train"].gr, classify(other, SEEDS)["train"].gr)


@pytest.mark.parametrize("classify", [*SINGLE, paired])
def test_every_classifier_comes_calibrated(classify) -> None:
    assert temperature(classify(rows(1.0), SEEDS)["validation"]) == pytest.approx(1.0, rel=1e-4)  # of the minimiser


@pytest.mark.parametrize("classify", [*SINGLE, paired])
def test_one_training_pair_is_enough_to_say_something(classify) -> None:
    few = {part: values[:1] if part != "test" else values for part, values in rows(3.0).items()}
    scores = classify(few, {part: seeds[: len(few[part])] for part, seeds in SEEDS.items()})
    assert np.isfinite(scores["test"].gr).all()


def test_members_are_told_apart_by_what_cosmic_variance_hides() -> None:
    # a gap of 0.1 under a common scatter of 1 and an own one of 0.05: worth AUC Phi(0.1 / sqrt 2) = 0.53 for single
    # samples, but d' = 0.1 / (0.05 sqrt 2) = 1.41 between members, right in Phi(1.41) = 92 % of the pairs
    random = np.random.default_rng(3)
    parts = {**SEEDS, "train": tuple(range(1000, 1200))}
    made = {}
    for part, seeds in parts.items():
        common = random.standard_normal((len(seeds), 1, 4))
        made[part] = common + 0.05 * random.standard_normal((len(seeds), 2, 4))
        made[part][:, 1, 0] += 0.1
    scores = paired(made, parts)["test"]
    assert paired_accuracy(scores) == pytest.approx(0.92, abs=0.05)  # three errors of 300 pairs
    assert auc(scores) == pytest.approx(0.53, abs=0.09)


def test_features_in_which_members_agree_to_rounding_do_not_drown_those_that_differ() -> None:
    random = np.random.default_rng(4)
    made = {}
    for part, seeds in SEEDS.items():
        common = random.standard_normal((len(seeds), 1, 9))
        made[part] = common * (1 + 1e-9 * random.standard_normal((len(seeds), 2, 9)))
        made[part][:, 1, 0] += 0.5
    assert auc(paired(made, SEEDS)["test"]) == pytest.approx(
        0.638, abs=0.07
    )  # Phi(0.5 / sqrt 2), three errors of 300 pairs


@pytest.mark.parametrize("grid", [8, 9, 32])
def test_every_mode_of_the_cube_is_counted_once(grid: int) -> None:
    assert mode_counts(grid).sum() == grid**3 - 1
    nyquist = mode_counts(grid)[-1]
    assert nyquist == (grid**3 - (grid - 1) ** 3 if grid % 2 == 0 else 0)


@pytest.mark.parametrize("grid", [6, 7, 8])
def test_power_of_all_modes_adds_up_to_the_variance(grid: int) -> None:
    cube = 3.0 + np.random.default_rng(grid).standard_normal((grid,) * 3)
    found = summarise(cube, BOX)
    assert (found["power"] * mode_counts(grid)).sum() / BOX**3 == pytest.approx(cube.var(), rel=1e-12)  # Parseval
    assert found["mean"] == pytest.approx([cube.mean()], rel=1e-14)


def test_all_but_the_mean_are_free_of_the_mean_and_b_of_the_amplitude() -> None:
    cube = gaussian(8, np.random.default_rng(2)) + 0.3 * gaussian(8, np.random.default_rng(3)) ** 2
    plain, moved, scaled = summarise(cube, BOX), summarise(cube + 5.0, BOX), summarise(2 * cube, BOX)
    for name in ("power", "bispectrum"):
        np.testing.assert_allclose(moved[name], plain[name], rtol=1e-9, atol=1e-9 * abs(plain[name]).max())
    np.testing.assert_allclose(scaled["power"], 4 * plain["power"], rtol=1e-9, atol=1e-12 * plain["power"].max())
    np.testing.assert_allclose(scaled["bispectrum"], plain["bispectrum"], rtol=1e-9, atol=1e-9)
    flipped = summarise(-cube, BOX)["bispectrum"]
    np.testing.assert_allclose(flipped, -plain["bispectrum"], rtol=1e-9, atol=1e-9)


def test_rows_see_amplitude_and_not_the_mean(summaries: Summaries) -> None:
    log_power = summaries.rows(["log_power"], [5, 3])
    assert log_power.shape == (2, 2, 3)  # shells around 1, 2 and 3 k_F; the Nyquist wavenumber of 8 cells is 4 k_F
    gap = log_power[:, 1] - log_power[:, 0]
    np.testing.assert_allclose(gap, 2 * np.log(1.2), rtol=1e-3)  # float32 storage of the fields
    variance = summaries.rows(["log_variance"], [5])
    np.testing.assert_allclose(variance[:, 1] - variance[:, 0], 2 * np.log(1.2), rtol=1e-3)
    both = summaries.rows(["log_power", "asinh_bispectrum"], [5, 3])
    np.testing.assert_array_equal(both[..., :3], log_power)


@pytest.mark.parametrize("derivative", ["gradient", "laplacian"])
def test_every_channel_has_its_summaries(tmp_path: Path, derivative: str) -> None:
    study = tiny_study(pairs=4, dataset={"derivative": derivative})
    folder = write_run(study, tmp_path / "run", scale=1.2)
    build.run(study, folder)
    opened = open_dataset(folder)
    found = measure_summaries(opened, tmp_path / "s.npz")
    channels = len(opened.channels.names)
    assert found.rows(["log_power"], [3, 4]).shape == (2, 2, 3 * channels)
    assert (measured_bound(found, [3, 4, 5], keep_mean=False) is None) == (channels > 1)


def test_cube_mean_in_units_of_the_training_part(dataset: Dataset, summaries: Summaries) -> None:
    normalisation = dataset.description.normalisation.mean_kept
    expected = (summaries.rows(["mean"], [5])[0, 1, 0] - normalisation.mean) / normalisation.std
    assert cube_mean(dataset, 5, "gr") == pytest.approx([expected], abs=1e-6)  # of float32 values of order one
    assert abs(removed_mean(dataset, 5, "gr")[0]) < 1e-7


def test_summaries_are_measured_once_and_never_of_another_data_set(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, calls = tmp_path / "summaries.npz", []

    def counted(cube: np.ndarray, box: float) -> dict[str, np.ndarray]:
        calls.append(1)
        return summarise(cube, box)

    monkeypatch.setattr(module, "summarise", counted)
    first = measure_summaries(dataset, path)
    assert len(calls) == 40
    again = measure_summaries(dataset, path)
    assert len(calls) == 40
    assert all((again.tables[name] == first.tables[name]).all() for name in first.tables)
    content = path.read_bytes()
    path.write_bytes(content[:-100])  # damaged
    with pytest.warns(UserWarning, match=r"summaries.npz is damaged, .*; the summary statistics are measured again"):
        measure_summaries(dataset, path)
    assert len(calls) == 80
    assert path.read_bytes() == content
    monkeypatch.setattr(dataset, "fingerprint", "another")
    measure_summaries(dataset, path)
    assert len(calls) == 120


def test_measuring_goes_on_where_it_was_stopped(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def stopping(cube: np.ndarray, box: float) -> dict[str, np.ndarray]:
        calls.append(1)
        if len(calls) == 11:
            raise KeyboardInterrupt
        return summarise(cube, box)

    monkeypatch.setattr(module, "KEPT_EVERY", 0.0)
    monkeypatch.setattr(module, "summarise", stopping)
    with pytest.raises(KeyboardInterrupt):
        measure_summaries(dataset, tmp_path / "s.npz")
    found = measure_summaries(dataset, tmp_path / "s.npz")
    assert len(calls) == 11 + 30  # five pairs were kept
    whole = measure_summaries(dataset, tmp_path / "whole.npz")
    assert all((found.tables[name] == whole.tables[name]).all() for name in whole.tables)


def test_every_baseline_ranks_the_planted_pairs(dataset: Dataset, summaries: Summaries) -> None:
    parts = {part: dataset.part(part) for part in PARTS}
    found, again = (score_baselines(summaries, parts) for _ in range(2))
    assert set(found) == set(BASELINES)
    for name, scores in found.items():
        assert {part: scores[part].seeds for part in PARTS} == {part: tuple(parts[part]) for part in PARTS}
        # the four test pairs in order; 12 training pairs teach a network of 8 units no more than most of that
        assert paired_accuracy(scores["test"]) >= (0.75 if name.endswith("mlp") else 1.0), name
        assert (again[name]["test"].gr == scores["test"].gr).all()


def test_without_its_mean_a_cube_gives_nothing_away(tmp_path: Path) -> None:
    study = tiny_study(pairs=40)
    folder = write_run(study, tmp_path, scale=1.0, mean=1e-7)
    build.run(study, folder)
    scores = score_baseline(open_dataset(folder), removed_mean, "removed")
    assert auc(scores["test"]) == pytest.approx(0.5, abs=0.35)  # rounding of 8 test pairs
    assert auc(score_baseline(open_dataset(folder), cube_mean, "kept")["test"]) == 1.0


def test_noise_that_the_network_sees_is_seen_by_the_baselines(tmp_path: Path) -> None:
    """Noise of the size of the field after standardisation adds its own variance to that of every cube."""
    noise = {"kind": "noise", "sigma": 3.0}
    study = tiny_study(pairs=4, dataset={"transforms": [{"kind": "standardise"}, noise]})
    folder = write_run(study, tmp_path / "run", scale=1.2)
    build.run(study, folder)
    opened = open_dataset(folder)
    found = measure_summaries(opened, tmp_path / "s.npz")
    variance = np.exp(found.rows(["log_variance"], [3])[0, 0, 0]) / opened.box_size_mpch**3
    cube = opened.cube(3, "newton", keep_mean=True).double()
    assert variance == pytest.approx(float(cube.var(correction=0)), rel=1e-5)  # of float32 values
    assert variance > 5
