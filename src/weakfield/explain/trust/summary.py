"""The tests of trust over seeds: means and their standard errors, what ``trust.json`` holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.explain.over_seeds import jackknife, mean_over_seeds

Reals = NDArray[np.float64]
Row = dict[str, Any]
Statistic = Callable[[Reals], Reals]

KINDS = ("deletion", "insertion")


def over_seeds(values: Any, statistic: Statistic | None = None) -> dict[str, Any]:
    """``value`` and ``error`` as JSON of the mean over rows (seeds, ...), or of a statistic of their sum.

    Errors are those of ``explain.over_seeds``; none for a single seed.
    """
    rows = np.asarray(values, dtype=np.float64)
    found = mean_over_seeds(rows) if statistic is None else jackknife(statistic, rows)
    return {"value": found.value.tolist(), "error": found.error.tolist() if found.seeds > 1 else None}


def summarise(rows: Sequence[Row], methods: Sequence[str], chosen: Sequence[str]) -> Row:
    """Means over seeds of the rows of ``Examination.trust``: ``methods`` in agreement, ``chosen`` in other tests."""
    randomised = [row["parameter_randomisation"] for row in rows]
    compared = [row["networks"] for row in rows]
    found: Row = {
        "agreement": {"methods": list(methods), **over_seeds([row["agreement"] for row in rows])},
        "parameter_randomisation": {
            "layers": randomised[0]["layers"],
            "methods": {name: _similarity([row["methods"][name] for row in randomised]) for name in chosen},
        },
        "networks": {
            who: {name: _similarity([row[who][name] for row in compared]) for name in chosen} for who in compared[0]
        },
        "curves": {name: curves([row["curves"][name] for row in rows]) for name in chosen},
        "band_curves": curves([row["band_curves"] for row in rows]),
    }
    for test in ("infidelity", "sensitivity", "equivariance"):
        found[test] = {name: over_seeds([row[test][name] for row in rows]) for name in rows[0][test]}
    return found


def _similarity(rows: Sequence[Row]) -> Row:
    return {kind: over_seeds([row[kind] for row in rows]) for kind in ("signed", "absolute")}


def curves(rows: Sequence[Row]) -> Row:
    """Curves of all seeds together, 1 at the GR logit and 0 at the Newtonian one, and by how much they beat chance.

    ``advantage`` is the area between the curve and that of random orders, positive where the attribution is better;
    ``deletion_area`` and ``insertion_area`` are the areas under the curves themselves.
    """
    logits = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    steps = logits["deletion"].shape[1]
    found: Row = {"share": np.linspace(0, 1, steps).tolist()}
    for kind in KINDS:
        for name in (kind, f"random_{kind}"):
            found[name] = over_seeds(logits[name], partial(_shape, kind=kind))
        found[f"{kind}_area"] = over_seeds(logits[kind], partial(_area, kind=kind))
        both = np.stack([logits[kind], logits[f"random_{kind}"]], axis=1)
        found[f"{kind}_advantage"] = over_seeds(both, partial(_advantage, kind=kind))
    return found


def _shape(logits: Reals, kind: str) -> Reals:
    """Curves of logits (..., steps): 0 where everything is Newtonian, 1 where everything is GR."""
    newton, gr = (logits[..., -1:], logits[..., :1]) if kind == "deletion" else (logits[..., :1], logits[..., -1:])
    span = gr - newton
    return np.asarray(np.divide(logits - newton, span, out=np.zeros_like(logits), where=span != 0))


def _area(logits: Reals, kind: str) -> Reals:
    """Under the curve over the share exchanged, by trapezoids."""
    return np.asarray(np.trapezoid(_shape(logits, kind), dx=1 / (logits.shape[-1] - 1), axis=-1))


def _advantage(logits: Reals, kind: str) -> Reals:
    """(2, steps): attribution and random order."""
    own, random = _area(logits, kind)
    return np.asarray(random - own if kind == "deletion" else own - random)
