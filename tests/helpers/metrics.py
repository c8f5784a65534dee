"""Metrics of a network as training leaves them, of which a test says only what it is about."""

from __future__ import annotations

from typing import Any

from weakfield.learning.results import Metrics


def metrics_of(test: dict[str, dict[str, float]], **more: Any) -> Metrics:
    """Measures of the test part as JSON; all other keys of ``metrics.json`` are given in ``more`` or are plain."""
    plain: dict[str, Any] = {
        "validation": test,
        "test": test,
        "temperature": 1.0,
        "confusion": {},
        "reliability": {"raw": [], "calibrated": []},
        "seeds": {"train": [4, 5], "validation": [6], "test": list(range(10, 40))},
        "baselines": {},
        "baseline_temperatures": {},
        "bound": None,
        "fit": {"verdict": "neither", "gap": {"value": 0.0, "low": 0.0, "high": 0.0}, "words": "Neither."},
        "mean_kept": False,
        "network": "cnn3d",
        "parameters": 1,
        "dataset": "0",
        "weights": "0",
    }
    return Metrics.model_validate(plain | more)
