"""Verdicts from intervals, and the registry."""

from __future__ import annotations

import pytest

from synthetic import tiny_study
from weakfield.audit.contract import chance_expected
from weakfield.audit.registry import CONTROLS, find_control
from weakfield.audit.run import check
from weakfield.base.errors import BadInput
from weakfield.config.audit import AuditSettings
from weakfield.learning import Estimate


@pytest.mark.parametrize(
    ("low", "high", "seeds", "verdict"),
    [
        (0.4, 0.6, 10, "clean"),
        (0.5, 0.7, 10, "clean"),  # an interval holds its ends
        (0.51, 0.7, 10, "shortcut"),
        (1.0, 1.0, 5, "shortcut"),
        (1.0, 1.0, 4, "inconclusive"),  # four twins in order: one chance in sixteen
        (0.3, 0.49, 10, "inconclusive"),
    ],
)
def test_verdict_where_chance_is_expected(low: float, high: float, seeds: int, verdict: str) -> None:
    assert chance_expected(Estimate((low + high) / 2, low, high), seeds) == verdict


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_is_filed_under_its_name(name: str) -> None:
    control = find_control(name)
    assert control.name == name
    assert control.question.endswith("?")
    assert control.expectation.endswith(".")


def test_default_controls_exist() -> None:
    assert set(AuditSettings().controls) <= set(CONTROLS)


def test_an_unknown_control_is_named_with_its_neighbour() -> None:
    with pytest.raises(BadInput, match=r"audit\.controls holds 'monopole_gone'.*did you mean 'monopole_only'"):
        check(tiny_study(audit={"controls": ["monopole_gone"]}))
