"""The tests of trust over seeds: means and their standard errors, what ``trust.json`` holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.explain.trust.curves import area, normalised

Reals = NDArray[np.float64]
Row = dict[str, Any]

KINDS = ("deletion", "insertion")


def over_seeds(values: Any, statistic: Callable[[Reals], Reals] = lambda rows: rows.mean(axis=0)) -> dict[str, Any]:
    """``value`` of a statistic of rows (seeds, ...) and its ``error``, one seed left out at a time; none for one seed.

    Delete-one jackknife: error^2 = (n - 1)/n sum (theta_i - mean theta)^2, the standard error for a mean.
    """
    rows = np.asarray(values, dtype=np.float64)
    count = len(rows)
    found = {"value": np.asarray(statistic(rows)).tolist(), "error": None}
    if count > 1:
        left = np.stack([statistic(np.delete(rows, place, axis=0)) for place in range(count)])
        error = np.sqrt((count - 1) / count * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
        found["error"] = np.asarray(error).tolist()
    return found


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
            found[name] = over_seeds(logits[name], _shape(kind))
        found[f"{kind}_area"] = over_seeds(logits[kind], partial(_area, kind=kind))
        both = np.stack([logits[kind], logits[f"random_{kind}"]], axis=1)
        found[f"{kind}_advantage"] = over_seeds(both, partial(_advantage, kind=kind))
    return found


def _shape(kind: str) -> Callable[[Reals], Reals]:
    """0 where everything is Newtonian, 1 where everything is GR, whichever end the curve starts at."""

    def shape(values: Reals) -> Reals:
        newton, gr = (values[:, -1], values[:, 0]) if kind == "deletion" else (values[:, 0], values[:, -1])
        return normalised(values, gr, newton)

    return shape


def _area(values: Reals, kind: str) -> Reals:
    return np.asarray(area(_shape(kind)(values)))


def _advantage(values: Reals, kind: str) -> Reals:
    """(seeds, 2, steps): attribution and random order."""
    gap = _area(values[:, 1], kind) - _area(values[:, 0], kind)
    return gap if kind == "deletion" else -gap
