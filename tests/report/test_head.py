"""The head of the page: what its three sentences say of numbers that are given."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from helpers.metrics import metrics_of
from weakfield.audit.records import AuditTable
from weakfield.report.head import best_baseline, survives, theory, told_apart


def measures(value: float, low: float, high: float) -> dict[str, dict[str, float]]:
    one = {"value": value, "low": low, "high": high}
    return {"auc": one, "unpaired_auc": one, "paired_accuracy": one}


ABOVE, CHANCE, BEST = measures(0.8, 0.7, 0.9), measures(0.5, 0.4, 0.6), measures(0.7, 0.6, 0.8)


def results(test: dict[str, Any], verdicts: tuple[str, ...] = (), **more: Any) -> SimpleNamespace:
    """A run of one network with these measures of the test part, and an audit with these verdicts."""
    model = SimpleNamespace(metrics=metrics_of(test, **more))
    rows = [
        {"name": f"c{n}", "question": "q?", "expectation": "e.", "value": 0.5, "low": 0.4, "high": 0.6, "verdict": v}
        for n, v in enumerate(verdicts)
    ]
    audit = AuditTable.model_validate({"summary": "s", "controls": rows})
    return SimpleNamespace(models={"cnn": model}, main_model=model, audit=audit, parities=[], spectra=[])


def test_a_result_stands_beside_the_best_baseline_that_sees_no_more() -> None:
    bound = {"value": 0.85, "low": 0.8, "high": 0.9}
    more = {"auc": bound, "auc_shells": bound, "d_prime": 1.0, "modes": 9, "modes_shells": 9, "null": 0.5}
    given = results(ABOVE, baselines={"mean": ABOVE, "log_pk": BEST, "variance": CHANCE}, bound=more)
    assert told_apart(given) == (
        "On 30 test seeds the network tells the two universes apart: AUC between universes 0.80 (0.70 to 0.90), pairs"
        " in the right order 0.80 (0.70 to 0.90); the best baseline, log P(k) alone, has an AUC of 0.70 (0.60 to 0.80)"
        " and orders 0.70 (0.60 to 0.80) of the pairs; Gaussian fields with these spectra allow an AUC of 0.85 (0.80 to"
        " 0.90) at most."
    )
    assert best_baseline(given.main_model.metrics.baselines, mean_kept=True) == "mean"
    assert best_baseline({}, mean_kept=True) is None


def test_what_is_seen_within_pairs_alone_is_said_so() -> None:
    """As of a fair pair; the best baseline is then the one that orders pairs best."""
    within = CHANCE | {"paired_accuracy": ABOVE["paired_accuracy"]}
    said = told_apart(results(within, baselines={"log_pk": BEST, "pk_bk": ABOVE | {"unpaired_auc": CHANCE["auc"]}}))
    assert said.startswith(
        "On 30 test seeds the network tells the two universes of a seed apart, pairs in the right order 0.80 (0.70 to"
        " 0.90), and not a universe seen alone: AUC between universes 0.50 (0.40 to 0.60); the best baseline, P(k) and"
    )


def test_chance_is_called_so() -> None:
    assert told_apart(results(CHANCE)).startswith("On 30 test seeds the network does not tell the theories apart: AUC")
    assert "that they could explain away" in survives(results(CHANCE, ("clean", "inconclusive")))


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (("shortcut", "clean"), "1 raises an alarm (c0), 1 comes out clean, 0 say nothing either way: what raises"),
        (
            ("clean", "clean", "inconclusive"),
            "none raises an alarm, 2 come out clean, 1 says nothing either way: nothing",
        ),
        (("inconclusive",), "none raises an alarm, 0 come out clean, 1 says nothing either way: nothing is known"),
    ],
)
def test_what_survives_the_controls(verdicts: tuple[str, ...], said: str) -> None:
    assert said in survives(results(ABOVE, verdicts))


def test_the_power_is_compared_with_the_same_modes() -> None:
    def spectrum(redshift: float, response: float) -> SimpleNamespace:
        errors = np.full((2, 3), 0.0004)
        return SimpleNamespace(
            quantity="phi", redshift=redshift, k=np.array([0.01, 0.02, 0.03]), response_error=errors,
            response=np.array([[response, 1, 1], [response + 0.001, 1, 1]]),
        )  # fmt: skip

    given = results(ABOVE)
    assert theory(given) == "Whether the simulations do what theory says was not measured."
    given.spectra = [spectrum(10.0, 0.9), spectrum(1.0, 0.998)]
    assert theory(given).startswith(
        "On the largest scale, k = 0.01 h/Mpc at z = 1, the power of the potential is 0.9980 \N{PLUS-MINUS SIGN} 0.0004"
        " (Newton) and 0.9990 \N{PLUS-MINUS SIGN} 0.0004 (GR) of what linear theory makes"
    )
