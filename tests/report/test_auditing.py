"""The section of the audit: sorted by verdict, with a figure of every classifier and one of the bands."""

from __future__ import annotations

from html import unescape
from types import SimpleNamespace
from typing import Any

from weakfield.audit.records import AuditTable, BandCurve, Calibration, ControlRow
from weakfield.base.figures import GREY
from weakfield.config import StudyConfig
from weakfield.report.audit_figures import VERDICT_COLOURS, bands, reached, verdicts, with_scores
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
    row("third", "inconclusive", scores=False, answer="whether there is more cannot be told"),
    row("fourth", "clean", scores=False, answer="there is information beyond P", p=0.2, p_family=0.4),
    row("fifth", "inconclusive", scores=False, quantity="not run") | dict.fromkeys(("value", "low", "high")),
]


def page(rows: list[dict[str, Any]]) -> str:
    """The section of an audit with these rows, each run of white space as one blank."""
    found = AuditTable.model_validate({"summary": "", "controls": rows})
    return " ".join(audit(SimpleNamespace(audit=found, audit_scores={}, models={}, study=StudyConfig())).split())


def test_alarms_come_first_and_everything_is_escaped() -> None:
    text = page(ROWS)
    places = [text.index(f"Is it {name} &lt;b&gt;?") for name in ("second", "first", "fourth", "third", "fifth")]
    assert places == sorted(places)
    assert "<p>There is information beyond P.</p>" in text
    assert "Of 5 controls 1 raises an alarm (second), 2 come out clean, 2 say nothing either way." in text
    assert "Cost: 2 retrainings of 7 epochs." in text
    assert text.count("<img") == 2


def test_what_says_nothing_does_not_look_like_a_finding() -> None:
    text = page(ROWS)
    assert "cannot be told" not in text  # an open answer is in no paragraph
    third = text[text.index("Is it third") - 30 :].split("</tr>")[0]
    assert 'class="says-nothing"' in third
    assert '<span class="badge inconclusive">inconclusive</span>' in third
    fifth = text[text.index("Is it fifth") :].split("</tr>")[0]
    assert "<td>\N{EN DASH}<span" in fifth
    assert "not run</span>" in fifth
    assert not any(character.isdigit() for character in fifth.split("Cost")[0].split("<td>")[2])
    assert VERDICT_COLOURS["inconclusive"] == GREY
    ticks = reached([ControlRow.model_validate(row) for row in ROWS]).axes[0].get_yticklabels()
    assert [tick.get_color() for tick in ticks] == [VERDICT_COLOURS[v] for v in ("clean", "shortcut")]


def test_the_list_of_controls_folds_and_says_how_often_chance_does_it() -> None:
    text = page(ROWS)
    table = text.split("<details>")[1].split("</details>")[0]
    assert table.startswith("<summary>")
    assert table.count("<tr") == 1 + len(ROWS)
    assert "by chance 0.2, in any of 1 0.4" in table


def test_figures_show_what_has_scores() -> None:
    rows = [ControlRow.model_validate(row) for row in ROWS]
    assert [row.name for row in with_scores(rows)] == ["first", "second"]
    panel = reached(rows).axes[0]
    assert [label.get_text() for label in panel.get_yticklabels()] == ["first", "second"]
    share, order = bands([BandCurve.model_validate(curve(side)) for side in ("low", "high")]).axes
    assert len(share.get_legend().get_texts()) == 2
    assert len(order.get_legend().get_texts()) == 6
    words = [text.get_text() for text in verdicts(rows).axes[0].texts]
    assert words == ["1  alarm", "second", "2  clean", "first", "fourth", "2  say nothing", "third", "fifth"]
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


def test_bits_stand_beside_how_often_they_are_found() -> None:
    shown = {"given": "P(k)", "unit": "pair", "known": 0.125, "bits": {"value": 0.4, "low": 0.25, "high": 0.55}}
    lost = shown | {"unit": "cube", "bits": {"value": -0.01, "low": -0.04, "high": 0.02}}
    text = page([row("information", "clean", scores=False, information=[shown, lost])])
    assert "0.40 (0.25 to 0.55) bits a pair" in text
    assert "less than 0.03 bits a cube" in text  # what is below 0 is noise
    known = Calibration.shipped()
    assert known is not None
    assert all(rate.kind in unescape(text) for rate in known.rates)
    assert "In bits" not in page(ROWS)
