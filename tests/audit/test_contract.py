"""Verdicts from intervals, exact binomial intervals, the registry and the budget."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.synthetic import tiny_study
from weakfield.audit.contract import chance_expected, not_run
from weakfield.audit.controls.bands import cuts, resolved_cut
from weakfield.audit.listing import page
from weakfield.audit.registry import CONTROLS, FAMILIES, chosen, find_control, granted, known_controls
from weakfield.audit.run import check
from weakfield.base.errors import BadInput
from weakfield.config.audit import DEFAULT_CONTROLS, FULL_CONTROLS, AuditSettings
from weakfield.learning import Estimate
from weakfield.learning.metrics import proportion

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("low", "high", "seeds", "network", "verdict"),
    [
        (0.45, 0.55, 10, None, "clean"),
        (0.5, 0.55, 10, None, "clean"),  # an interval holds its ends
        (0.4, 0.7, 10, None, "inconclusive"),  # what it does not exclude is more than a little
        (0.4, 0.7, 10, 0.9, "clean"),  # but it cannot explain a network this good
        (0.4, 0.7, 10, 0.65, "inconclusive"),
        (0.51, 0.7, 10, 0.9, "shortcut"),
        (1.0, 1.0, 5, None, "shortcut"),
        (1.0, 1.0, 4, None, "inconclusive"),  # four twins in order: one chance in sixteen
        (0.3, 0.49, 10, None, "inconclusive"),
    ],
)
def test_verdict_where_chance_is_expected(
    low: float, high: float, seeds: int, network: float | None, verdict: str
) -> None:
    reached = None if network is None else Estimate(network, network, network)
    assert chance_expected(Estimate((low + high) / 2, low, high), seeds, reached) == verdict


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (0, 10, 0.0, 1 - 0.025 ** (1 / 10)),  # (1 - p)^10 = 0.025
        (10, 10, 0.025 ** (1 / 10), 1.0),
        (5, 10, 0.1871, 0.8129),  # Clopper & Pearson's own table
        (81, 263, 0.2527, 0.3676),
    ],
)
def test_binomial_intervals(successes: int, trials: int, low: float, high: float) -> None:
    found = proportion(successes / trials, trials)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    assert found.value == successes / trials
    half = proportion(0.25, 10)
    assert proportion(0.2, 10).low < half.low < half.value < half.high < proportion(0.3, 10).high


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_is_filed_under_its_name_and_explains_itself(name: str) -> None:
    control = find_control(name)
    assert control.name == name
    assert control.question.endswith("?")
    for text in (control.expectation, control.how, control.verdicts, control.blind):
        assert text.endswith(".")
    assert control.least <= control.needs(tiny_study()) <= 8


def test_at_least_twelve_controls_run_without_further_universes() -> None:
    assert AuditSettings().controls == DEFAULT_CONTROLS
    assert len(DEFAULT_CONTROLS) >= 12
    assert not set(DEFAULT_CONTROLS) & set(FULL_CONTROLS)
    families = {path.stem for path in (ROOT / "src/weakfield/audit/controls").glob("*.py")} - {"__init__"}
    assert set(FAMILIES) == families
    assert set(CONTROLS) == set(known_controls())


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "audit.md").read_text(encoding="utf-8") == page(), "run 'make docs'"


def test_an_unknown_control_is_named_with_its_neighbour() -> None:
    with pytest.raises(BadInput, match=r"audit\.controls holds 'monopole_gone'.*did you mean 'monopole_only'"):
        check(tiny_study(audit={"controls": ["monopole_gone"]}))


def test_the_budget_is_drawn_on_in_order() -> None:
    names = ("labels_shuffled", "low_pass", "newton_newton", "monopole_only")
    study = tiny_study(audit={"controls": names, "retrainings": 2})
    assert granted(study) == {"labels_shuffled": 1, "low_pass": 1, "newton_newton": 0, "monopole_only": 0}
    full = study.model_copy(update={"audit": study.audit.model_copy(update={"full": True})})
    assert tuple(chosen(full)) == (*names, *FULL_CONTROLS)
    assert granted(full)["newton_newton"] == 1
    assert granted(full)["low_pass"] == len(cuts(8))


def test_a_control_knows_when_it_needs_more_than_it_gets() -> None:
    study = tiny_study(audit={"controls": ("rescaling_found",), "retrainings": 1})
    assert granted(study) == {"rescaling_found": 0}  # two are needed: one would be wasted
    result = not_run("spent")
    assert (result.verdict, result.estimate, result.p) == ("inconclusive", None, None)


def test_cuts_lie_between_shells_below_the_nyquist_wavenumber() -> None:
    assert cuts(8) == [1.5, 2.5]
    assert cuts(32) == [1.5, 2.5, 4.5, 8.5]
    assert resolved_cut(32) == 8.5
    assert resolved_cut(64) == 16.5
