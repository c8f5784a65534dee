"""The audit on the page: the table a referee would ask for, sorted by verdict, and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from weakfield.audit.records import VERDICTS, Calibration, ControlRow, Cost
from weakfield.learning.scores import proportion
from weakfield.report.audit_figures import bands, reached, roc_controls, with_scores
from weakfield.report.page import Picture, absent, render
from weakfield.report.run_results import RunResults


def audit(results: RunResults) -> Markup:
    """What the network knows beyond P(k), the table of controls, and its figures."""
    if results.audit is None:
        return absent("audit", "audit")
    controls = sorted(results.audit.controls, key=lambda row: VERDICTS.index(row.verdict))
    curves = [row.curve for row in controls if row.curve is not None]
    roc, seeds = None, 0
    if results.audit_scores and results.models:
        before = results.main_model.test_scores
        drawn = roc_controls(before, results.audit_scores)
        roc, seeds = Picture.of(drawn, "ROC curves before and after each control", True), len(before.distinct)
    information = [found for row in controls for found in row.information]
    return render(
        "audit.html",
        summary=results.audit.summary,
        information=[(found.given, str(found), f"{found.known:.2f}") for found in information],
        rates=_rates(Calibration.shipped()) if information else None,
        controls=[(control, _cost(control.cost)) for control in controls],
        counts=counts(controls),
        questions=sum(control.p is not None for control in controls),
        at_chance=results.main_model.metrics.at_chance if results.models else None,
        reached=Picture.of(reached(controls), "AUC and paired accuracy of every control", True)
        if with_scores(controls)
        else None,
        roc=roc,
        seeds=seeds,
        bands=Picture.of(bands(curves), "What is left below and above a cut in k", True) if curves else None,
        paired=results.study.paired,
        left_out=_left_out(results.audit.left_out),
    )


def _left_out(said: Mapping[str, str]) -> dict[str, str]:
    """A sentence for each reason for which controls were left out, with their names."""
    names: dict[str, list[str]] = {}
    for name, why in said.items():
        names.setdefault(why, []).append(name)
    return {why: f"left out, since {why}: {', '.join(found)}" for why, found in names.items()}


def _cost(cost: Cost) -> str:
    """``Cost: 1 retraining of 20 epochs, 10 simulations.``, or an empty string if nothing was spent."""
    spent = []
    if cost.retrainings:
        spent.append(f"{cost.retrainings} retraining{'s' * (cost.retrainings > 1)} of {cost.epochs} epochs")
    if cost.simulations:
        spent.append(f"{cost.simulations} simulations")
    return f"Cost: {', '.join(spent)}." if spent else ""


def counts(controls: Sequence[ControlRow]) -> str:
    """``Of 3 controls 1 raises an alarm (mesh), 1 comes out clean, 1 says nothing.``"""
    found = {verdict: [row.name for row in controls if row.verdict == verdict] for verdict in VERDICTS}
    alarms, clean, silent = (len(names) for names in found.values())
    parts = [
        f"{alarms or 'none'} raise{'s' * (alarms < 2)} an alarm"
        + (f" ({', '.join(found['shortcut'])})" if alarms else ""),
        f"{clean} come{'s' * (clean == 1)} out clean",
        f"{silent} say{'s' * (silent == 1)} nothing either way",
    ]
    return f"Of {len(controls)} controls {', '.join(parts)}."


def _rates(known: Calibration | None) -> tuple[str, list[str], list[list[str]]] | None:
    """What the data sets were, the tests, and a row for every kind: how many there are and the share of yes by test."""
    if known is None or not known.rates:
        return None
    tests = list(known.rates[0].yes)
    rows = []
    for rate in known.rates:
        shares = [proportion(rate.yes[test] / rate.data_sets, rate.data_sets) for test in tests]
        cells = [f"{100 * share.value:.0f} % ({100 * share.low:.0f} to {100 * share.high:.0f})" for share in shares]
        rows.append([rate.kind, str(rate.data_sets), *cells])
    return known.data, tests, rows
