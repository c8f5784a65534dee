"""What the page says about classifiers: the bound, confusion, parts of cubes, the figures' numbers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from helpers.metrics import metrics_of
from weakfield.config import StudyConfig
from weakfield.learning import Scores
from weakfield.learning.calibration import reliability
from weakfield.learning.results import Curve, Reliability
from weakfield.report import classification
from weakfield.report.learning_figures import precision_recall_curve, reliability_curves, roc, seeds_curve


def estimate(value: float, half: float = 0.02) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def results(reached: float, bound: float | None = 0.7, **more: object) -> SimpleNamespace:
    """A run of one network whose measures are all ``reached``; without a ``bound`` if that is ``None``."""
    if bound is not None:
        shells = estimate(bound - 0.1)
        counts = {"modes": 511, "modes_shells": 178}
        more["bound"] = {"auc": estimate(bound), "auc_shells": shells, "d_prime": 1.0, "null": 0.51, **counts}
    main = SimpleNamespace(metrics=metrics_of({name: estimate(reached) for name in classification.MEASURES}, **more))
    return SimpleNamespace(models={"cnn": main}, main_model=main, study=StudyConfig())


def section(given: SimpleNamespace) -> str:
    """The section of the page, each run of white space as one blank."""
    return " ".join(classification.classification(given).split())


@pytest.mark.parametrize(
    ("reached", "said"),
    [(0.9, "lies above it"), (0.6, "stays below"), (0.71, "agrees with it within errors")],
)
def test_the_bound_is_beside_the_result(reached: float, said: str) -> None:
    text = classification.bound_note(results(reached))
    assert said in text
    assert "0.70 (0.68 to 0.72) from all 511 modes" in text
    assert f"{reached:.2f} (" in text
    table = section(results(reached)).split("</table>")[0]
    assert "bound, Gaussian fields, mean removed" in table
    assert table.count("0.70 ") == 1


def test_without_a_bound_nothing_is_said() -> None:
    given = results(0.6, bound=None)
    assert classification.bound_note(given) == ""
    assert "bound" not in section(given)


@pytest.mark.parametrize(("p", "said"), [(0.01, "The two sets of cubes differ."), (0.3, "cannot be told from one")])
def test_the_test_of_two_samples_is_there_with_its_errors(p: float, said: str) -> None:
    found = {"pairs": 40, "cells": 8, "chi2": estimate(1.4), "chance": estimate(0.9), "p_value": estimate(p)}
    text = section(results(0.6, two_sample=found))
    assert "8 Voronoi cells, differ by a chi² of 1.40 (1.38 to 1.42) for each degree of freedom" in text
    assert "pairs gives 0.90 (0.88 to 0.92)" in text
    assert said in text
    assert "Voronoi" not in section(results(0.6))


def test_parts_of_cubes_are_named() -> None:
    sliced = {"per_cube": [96, 96], "test": {"auc": estimate(0.55)}}
    text = section(results(0.6, slices=sliced))
    assert "mean logit of its 96 parts" in text
    assert "0.55 (0.53 to 0.57)" in text
    assert "parts" not in section(results(0.6))


def test_what_the_losses_show_is_on_the_page() -> None:
    given = results(
        0.6, fit={"verdict": "overfitting", "gap": estimate(0.1), "words": "Overfitting: a gap of -0.1, too few seeds."}
    )
    said = "Network, mean removed: Overfitting: a gap of \N{MINUS SIGN}0.1, too few seeds."
    assert classification.fits_in_words(given) == [said]


def test_nothing_is_said_of_the_fit_of_a_network_at_chance_on_the_test_seeds() -> None:
    fit = {"verdict": "overfitting", "gap": estimate(0.1), "words": "Overfitting: a gap of 0.1."}
    (said,) = classification.fits_in_words(results(0.51, fit=fit))
    assert "does not tell the theories apart: AUC between universes 0.51 (0.49 to 0.53)" in said
    assert said.endswith("nothing is said of how it fits.")
    assert "verfit" not in said


def test_confusion_names_theories_and_counts() -> None:
    share = {**estimate(0.25), "count": 1.0}
    row = {"newton": share, "gr": {**estimate(0.75), "count": 3.0}}
    text = classification.confusion_table(results(0.6, confusion={"newton": row, "gr": row}))
    assert "network, mean removed: Newton" in text
    assert "3: 0.75" in text


def test_precision_and_recall_by_hand() -> None:
    scores = Scores((0, 1), np.array([0.0, 2.0]), np.array([1.0, 3.0]))
    recall, precision = precision_recall_curve(scores)  # thresholds 3, 2, 1, 0
    assert recall.tolist() == [0.5, 0.5, 1.0, 1.0]
    assert precision.tolist() == pytest.approx([1.0, 0.5, 2 / 3, 0.5])


def test_every_classifier_has_a_line_and_a_band() -> None:
    random = np.random.default_rng(0)
    made = {name: Scores(tuple(range(9)), random.normal(size=9), random.normal(size=9)) for name in "abc"}
    figure = roc([{"a": made["a"]}, {"b": made["b"], "c": made["c"]}])
    first, second, third = figure.axes
    assert [len(panel.collections) for panel in (first, second)] == [1, 2]  # bands
    assert [len(panel.lines) for panel in (first, second, third)] == [2, 3, 2]  # with the line of chance
    assert "GR cubes" in first.get_ylabel()


def test_reliability_is_drawn_with_its_errors() -> None:
    random = np.random.default_rng(1)
    rows = reliability(Scores(tuple(range(50)), random.normal(-1, 1, 50), random.normal(1, 1, 50)))
    figure = reliability_curves({"network": Reliability(raw=tuple(rows), calibrated=tuple(rows))})
    shown = figure.axes[0].containers[0].lines[0]
    assert shown.get_xdata().tolist() == [row.predicted for row in rows]
    assert shown.get_ydata().tolist() == [row.observed.value for row in rows]
    assert [panel.get_title() for panel in figure.axes] == ["as scored", "after temperature"]


def test_the_learning_curve_has_every_size_and_the_bound() -> None:
    def measures(value: float) -> dict[str, dict[str, float]]:
        return {"unpaired_auc": estimate(value), "calibrated_log_loss": estimate(1 - value)}

    points = [
        {
            "seeds": size,
            "epochs": 3,
            "network": measures(0.5 + size / 100),
            "train": measures(0.9),
            "baselines": {"log_pk": measures(0.6)},
        }
        for size in (8, 16, 32)
    ]
    curve = Curve.model_validate({"points": points, "test_seeds": 4, "mean_kept": False})
    figure = seeds_curve(curve, {"log_pk": "log P(k)"}, bound=0.8)
    auc = figure.axes[0]
    assert auc.containers[0].lines[0].get_xdata().tolist() == [8, 16, 32]
    assert auc.containers[0].lines[0].get_ydata().tolist() == pytest.approx([0.58, 0.66, 0.82])
    assert len(auc.containers) == 3
    assert "bound of Gaussian fields" in [text.get_text() for text in auc.get_legend().get_texts()]
