"""The correction of alarms for the number of questions."""

from __future__ import annotations

import numpy as np
import pytest

from weakfield.audit.alarms import corrected, of_anything, tail
from weakfield.audit.records import ControlRow, Verdict


def row(name: str, p: float | None, verdict: Verdict = "shortcut") -> ControlRow:
    given = {} if p is None else {"p": p}
    return ControlRow(
        name=name, question="q?", expectation="e.", quantity="AUC", value=0.7, low=0.6, high=0.8, verdict=verdict,
        remark="Said.", **given,
    )  # fmt: skip


def test_holm_by_hand() -> None:
    rows = [row("b", 0.04), row("a", 0.01), row("c", 0.03), row("own", None)]
    found = {one.name: one for one in corrected(rows)}
    assert [one.name for one in corrected(rows)] == ["b", "a", "c", "own"]
    # the smallest times three, the next times two, the last as the one before, since it may not be below
    assert [found[name].p_family for name in "acb"] == [pytest.approx(p) for p in (0.03, 0.06, 0.06)]
    assert [found[name].verdict for name in "acb"] == ["shortcut", "inconclusive", "inconclusive"]
    assert found["c"].remark == (
        "Said. Asked alone, this would be an alarm; among 3 questions chance raises one like it with probability 0.06."
    )
    assert found["a"].remark == "Said."
    assert (found["own"].verdict, found["own"].p_family) == ("shortcut", None)


def test_a_question_asked_alone_is_not_corrected() -> None:
    assert corrected([row("a", 0.04)])[0].verdict == "shortcut"
    assert corrected([row("a", 0.04), row("b", 1.0, "clean")])[0].verdict == "inconclusive"


def test_a_clean_control_stays_clean_and_counts() -> None:
    found = corrected([row("a", 0.02, "clean"), row("b", 0.03)])
    assert [one.verdict for one in found] == ["clean", "shortcut"]
    assert [one.p_family for one in found] == [pytest.approx(0.04), pytest.approx(0.04)]


def test_families_of_chance_alone_raise_few_alarms() -> None:
    random = np.random.default_rng(8)
    alarms = [
        any(one.verdict == "shortcut" for one in corrected([row(str(n), float(p)) for n, p in enumerate(draw)]))
        for draw in random.random((400, 20))
    ]
    assert np.mean(alarms) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_resamples_never_say_never() -> None:
    assert tail(np.zeros(99, dtype=bool)) == 0.01
    assert of_anything(np.ones(99)) == 0.02
    assert of_anything(np.array([-1.0, 1.0])) == 1.0
