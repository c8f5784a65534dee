"""One classifier's results as JSON: its measures, calibration and table of confusion, with errors over seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weakfield.dataset import Part
from weakfield.learning.calibration import calibrated, reliability, temperature
from weakfield.learning.metrics import confusion, evaluate
from weakfield.learning.scores import Scores

Measures = dict[str, dict[str, float]]


def measures(scores: Scores, fitted: float, resamples: int) -> Measures:
    """{name: {value, low, high}} of ``evaluate``, and of probabilities after division by a ``fitted`` temperature."""
    found = {name: estimate.as_json() for name, estimate in evaluate(scores, resamples).items()}
    return found | calibrated(scores, fitted, resamples)


def described(scores: Mapping[Part, Scores], resamples: int) -> dict[str, Any]:
    """``validation`` and ``test`` measures, ``temperature`` fitted on validation, ``confusion`` and ``reliability``.

    The last two are of the test part; the reliability curve is given as scored (``raw``) and after the temperature
    (``calibrated``).
    """
    fitted = temperature(scores["validation"])
    test = scores["test"]
    return {
        "validation": measures(scores["validation"], fitted, resamples),
        "test": measures(test, fitted, resamples),
        "temperature": fitted,
        "confusion": confusion(test, resamples),
        "reliability": {
            "raw": reliability(test, resamples),
            "calibrated": reliability(test.divided(fitted), resamples),
        },
    }
