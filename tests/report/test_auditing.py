"""The section of the audit: sorted by verdict, with a figure of every classifier and one of the bands."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from weakfield.audit.records import AuditTable, BandCurve, ControlRow
from weakfield.report.audit_figures import bands, reached, with_scores
from weakfield.report.auditing import audit


def estimate(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1}


def row(name: str, verdict: str, scores: bool = True, **more: Any) -> dict[str, Any]:
    found = {
        "name": name, "question": f"Is it {name} <b>?", "expectation": "No.", "quantity": "AUC", "remark": "Said.",
        **estimate(0.5), "verdict": verdict, "cost": {"retrainings": 2, "epochs": 7, "simulations": 0},
    }  # fmt: skip
    if scores:
        found |= {"auc": estimate(0.5), "unpaired_auc": estimate(0.5), "paired_accuracy": estimate(0.6)}
    return found | more


def curve(side: str) -> dict[str, Any]:
    aucs = {"unpaired_auc": estimate(0.5), "paired_accuracy": estimate(0.7)}
    points = [{"cut_hmpc": k, "share": estimate(0.4), "network": aucs, "log_pk": aucs} for k in (0.01, 0.02)]
    points[1]["retrained"] = aucs
    return {"side": side, "resolved_hmpc": 0.02, "points": points}


ROWS = [
    row("first", "clean", curve=curve("low")),
    row("second", "shortcut", curve=curve("high")),
    row("third", "inconclusive", scores=False, answer="information beyond P: no"),
]


def page(rows: list[dict[str, Any]]) -> str:
    """The section of an audit with these rows, each run of white space as one blank."""
    found = AuditTable.model_validate({"summary": "", "controls": rows})
    return " ".join(audit(SimpleNamespace(audit=found, audit_scores={})).split())


def test_shortcuts_come_first_and_everything_is_escaped() -> None:
    text = page(ROWS)
    places = [text.index(f"Is it {name} &lt;b&gt;?") for name in ("second", "third", "first")]
    assert places == sorted(places)
    assert "<p>Information beyond P: no.</p>" in text
    assert "Of 3 controls 1 shortcut, 1 inconclusive, 1 clean." in text
    assert "Cost: 2 retrainings of 7 epochs." in text
    assert text.count("<img") == 2


def test_figures_show_what_has_scores() -> None:
    rows = [ControlRow.model_validate(row) for row in ROWS]
    assert [row.name for row in with_scores(rows)] == ["first", "second"]
    panel = reached(rows).axes[0]
    assert [label.get_text() for label in panel.get_yticklabels()] == ["first", "second"]
    share, order = bands([BandCurve.model_validate(curve(side)) for side in ("low", "high")]).axes
    assert len(share.get_legend().get_texts()) == 2
    assert len(order.get_legend().get_texts()) == 6
    assert share.get_xlabel() == order.get_xlabel() == "cut  k  [h/Mpc]"


def test_an_audit_that_has_not_been_run_is_one_line() -> None:
    assert "has not been run" in audit(SimpleNamespace(audit=None))


def test_rows_of_an_older_audit_are_shown() -> None:
    old = {
        k: v for k, v in ROWS[0].items() if k in ("name", "question", "expectation", "value", "low", "high", "verdict")
    }
    text = page([old])
    assert "Is it first" in text
    assert "<img" not in text
