"""The section of the audit: the table a referee would ask for, sorted by verdict, and its figures."""

from __future__ import annotations

from html import escape
from typing import Any

from weakfield.report.audit_figures import bands, reached, with_scores
from weakfield.report.html import absent, cell, figure, image, minus, paragraph, render, table
from weakfield.report.material import Material

ORDER = ("shortcut", "inconclusive", "clean")

NOTE = (
    "Results with 95 % intervals over test seeds: bootstrap, or binomial for paired accuracies. Clean: the control came"
    " out as it must if the result is honest. Shortcut: the control fails, something simpler than the physics explains"
    " (part of) the result. Inconclusive: too few seeds to say, or nothing that could be explained. What each control"
    " does and cannot see: weakfield audit --list."
)


def audit(material: Material) -> str:
    """What the network knows beyond P(k), the table of controls, and two figures."""
    if material.audit is None:
        return absent("audit", "audit")
    controls = sorted(material.audit["controls"], key=lambda row: ORDER.index(row["verdict"]))
    parts = [paragraph(f"{_sentence(row['answer'])}.") for row in controls if "answer" in row]
    parts.append(paragraph(_counts(controls)))
    parts.append(table(("question", "expectation", "result", "verdict"), [_row(c) for c in controls], kind="cards"))
    parts.append(paragraph(NOTE, "note"))
    return "".join([*parts, *_figures(controls)])


def _row(control: dict[str, Any]) -> list[str]:
    quantity = f'<span class="small">{escape(control.get("quantity", ""))}</span>'
    remark = f'<span class="small">{escape(control.get("remark", "") + _cost(control))}</span>'
    verdict = escape(control["verdict"])
    return [
        f"{escape(control['question'])}<span class='small'>{escape(control['name'])}</span>",
        escape(control["expectation"]),
        cell(control) + quantity + remark,
        f'<span class="badge {verdict}">{verdict}</span>',
    ]


def _cost(control: dict[str, Any]) -> str:
    """`` Cost: 1 retraining of 20 epochs, 10 simulations.`` or nothing."""
    cost = control.get("cost", {})
    trained, grown = cost.get("retrainings", 0), cost.get("simulations", 0)
    spent = []
    if trained:
        spent.append(f"{trained} retraining{'s' if trained > 1 else ''} of {cost['epochs']} epochs")
    if grown:
        spent.append(f"{grown} simulations")
    return f" Cost: {', '.join(spent)}." if spent else ""


def _counts(controls: list[dict[str, Any]]) -> str:
    counted = {verdict: sum(row["verdict"] == verdict for row in controls) for verdict in ORDER}
    return f"Of {len(controls)} controls " + ", ".join(f"{n} {verdict}" for verdict, n in counted.items() if n) + "."


def _figures(controls: list[dict[str, Any]]) -> list[str]:
    parts = []
    if with_scores(controls):
        caption = (
            "What the classifier of each control reaches on the test seeds, in the order of the table; bars are 95 %"
            " intervals. A control may be about something that must be at chance, or about a network that must not be:"
            " the table says which."
        )
        parts.append(
            figure(image(render(reached(controls)), "AUC and paired accuracy of every control", True), caption)
        )
    curves = [row["curve"] for row in controls if "curve" in row]
    if curves:
        caption = (
            "Where the information sits. Left: the network as trained is shown only the modes below, or above, a cut;"
            " share of its logit difference of twins that is left. Parts need not add up to 1, a network is not linear."
            " Right: share of test seeds whose twins are put in order, by the network as trained, by logistic"
            " regression on log P(k) of the same shells, and by networks retrained on such cubes. Bars are 95 %"
            " intervals over seeds."
        )
        parts.append("<h3>By wavenumber</h3>")
        parts.append(figure(image(render(bands(curves)), "What is left below and above a cut in k", True), caption))
    return parts


def _sentence(text: str) -> str:
    return minus(text[0].upper() + text[1:])
