"""Numbers and pieces of the page."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from weakfield.base.figures import new_figure, png_of
from weakfield.explain.over_seeds import OverSeeds
from weakfield.learning.metrics import Estimate
from weakfield.report.numbers import cell, interval, ranges, scientific, with_error
from weakfield.report.page import Picture, absent, render

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
    assert interval(Estimate(0.0, -0.234, 0.2)) == f"0.00 ({MINUS}0.23 to 0.20)"
    assert cell(None) == "\N{EN DASH}"  # what was not run
    assert cell(Estimate(0.0, -0.234, 0.2)) == f'0.00 <span class="range">({MINUS}0.23 to 0.20)</span>'


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.01234, 0.0031, "0.0123 \N{PLUS-MINUS SIGN} 0.0031"),
        (12.3, 4.0, "12.3 \N{PLUS-MINUS SIGN} 4.0"),
        (123.4, 40.0, "123 \N{PLUS-MINUS SIGN} 40"),
        (0.5, None, "0.5"),
        (2e-7, 3e-8, "2.00e\N{MINUS SIGN}07 \N{PLUS-MINUS SIGN} 3e\N{MINUS SIGN}08"),
    ],
)
def test_numbers_have_the_digits_of_their_errors(value, error, text):
    assert with_error(OverSeeds[float](value=value, error=error)) == text


def test_text_is_escaped():
    assert "<script>" not in absent("<script>alert(1)</script>", "train")
    page = render("page.html", title="a < b", heading="<b>", study="<b>", head="<i>", sections=[])
    assert "<title>a &lt; b</title>" in page
    assert "<b>" not in page
    assert "<i>" not in page


def test_a_name_that_a_template_lacks_is_an_error():
    with pytest.raises(UndefinedError, match="stage"):
        render("absent.html", what="spectra")


def test_an_image_keeps_its_natural_width():
    figure, _ = new_figure(size=(5.0, 2.0))
    html = Picture.of(figure, "five inches of 96 pixels").__html__()
    assert 'style="width:480px"' in html
    assert png_of(figure) == png_of(figure)
