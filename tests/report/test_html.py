"""Pieces of the page."""

from __future__ import annotations

import pytest

from weakfield.report.html import image, interval, page, paragraph, ranges, scientific, table

TIMES, MINUS = "\N{MULTIPLICATION SIGN}", "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([1], "1"), ([3, 1, 4, 5], "1, 3\N{EN DASH}5"), ([1, 2, 9], "1, 2, 9"), ([], ""), ([8, 10, 12], "8, 10, 12")],
)
def test_ranges(numbers, text):
    assert ranges(numbers) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (2.41e-3, 2, f"2.4{TIMES}10⁻³"),
        (2.215e-9, 4, f"2.215{TIMES}10⁻⁹"),
        (1.5, 2, "1.5"),
        (-120, 2, f"{MINUS}1.2{TIMES}10²"),
    ],
)
def test_scientific(value, digits, text):
    assert scientific(value, digits) == text


def test_interval_has_minus_signs():
    assert interval({"value": 0.0, "low": -0.234, "high": 0.2}) == f"0.00 ({MINUS}0.23 to 0.20)"


def test_text_is_escaped():
    assert "<script>" not in paragraph("<script>alert(1)</script>")
    assert "<b>" not in table(["<b>"], [])
    assert "<title>a &lt; b</title>" in page("a < b", "")


def test_an_image_keeps_its_natural_width():
    from weakfield.base.figures import new_figure
    from weakfield.report.html import render

    figure, _ = new_figure(size=(5.0, 2.0))
    assert 'style="width:480px"' in image(render(figure), "five inches of 96 pixels")
