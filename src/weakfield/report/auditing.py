"""The audit on the page: the table a referee would ask for, sorted by verdict, and its figures."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from weakfield.audit.records import ControlRow, Cost
from weakfield.report.audit_figures import bands, reached, roc_controls, with_scores
from weakfield.report.page import Picture, absent, render
from weakfield.report.run_results import RunResults

ORDER = ("shortcut", "inconclusive", "clean")


def audit(results: RunResults) -> Markup:
    """What the network knows beyond P(k), the table of controls, and its figures."""
    if results.audit is None:
        return absent("audit", "audit")
    controls = sorted(results.audit.controls, key=lambda row: ORDER.index(row.verdict))
    curves = [row.curve for row in controls if row.curve is not None]
    roc, seeds = None, 0
    if results.audit_scores and results.models:
        before = results.main_model.test_scores
        drawn = roc_controls(before, results.audit_scores)
        roc, seeds = Picture.of(drawn, "ROC curves before and after each control", True), len(before.distinct)
    return render(
        "audit.html",
        controls=[(control, _cost(control.cost)) for control in controls],
        counts=_counts(controls),
        reached=Picture.of(reached(controls), "AUC and paired accuracy of every control", True)
        if with_scores(controls)
        else None,
        roc=roc,
        seeds=seeds,
        bands=Picture.of(bands(curves), "What is left below and above a cut in k", True) if curves else None,
    )


def _cost(cost: Cost) -> str:
    """``Cost: 1 retraining of 20 epochs, 10 simulations.``, or an empty string if nothing was spent."""
    spent = []
    if cost.retrainings:
        spent.append(f"{cost.retrainings} retraining{'s' * (cost.retrainings > 1)} of {cost.epochs} epochs")
    if cost.simulations:
        spent.append(f"{cost.simulations} simulations")
    return f"Cost: {', '.join(spent)}." if spent else ""


def _counts(controls: Sequence[ControlRow]) -> str:
    counted = {verdict: sum(row.verdict == verdict for row in controls) for verdict in ORDER}
    return f"Of {len(controls)} controls " + ", ".join(f"{n} {verdict}" for verdict, n in counted.items() if n) + "."
