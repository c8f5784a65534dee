"""Numbers as the page writes them: with intervals, with errors, as ranges, as powers of ten."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from weakfield.explain.over_seeds import OverSeeds
from weakfield.learning.metrics import Estimate


def minus(text: str) -> str:
    """Replace the hyphens of numbers by minus signs."""
    return text.replace("-", "\N{MINUS SIGN}")


def digits(value: float, count: int) -> str:
    """``value`` with this many significant digits."""
    return minus(f"{value:.{count}g}")


def interval(estimate: Estimate) -> str:
    """``0.76 (0.60 to 1.00)``: a value with its interval, or with what is said where all resamples are alike."""
    return minus(str(Estimate(estimate.value, estimate.low, estimate.high)))  # shares have these too


def cell(estimate: Estimate | None) -> Markup:
    """The same for a table, where it may wrap only between the value and the interval; a dash where nothing was run."""
    if estimate is None:
        return Markup("\N{EN DASH}")
    number, bounds = interval(estimate).split(" ", 1)
    return Markup('{} <span class="range">{}</span>').format(number, bounds)


def with_error(found: OverSeeds[float]) -> str:
    """``0.0123 +- 0.0031``: two digits of the error; three digits of the value where there is no error."""
    value, error = found.value, found.error
    if error is None or not error > 0:
        return digits(value, 3)
    places = max(0, 1 - int(np.floor(np.log10(error))))
    if places > 4:
        return minus(f"{value:.2e} \N{PLUS-MINUS SIGN} {error:.0e}")
    return minus(f"{value:.{places}f} \N{PLUS-MINUS SIGN} {error:.{places}f}")


def share(part: float, whole: float) -> str:
    """`` (42 %)``, or an empty string when the whole is 0."""
    return minus(f" ({100 * part / whole:.0f} %)") if whole else ""


def scientific(value: float, count: int = 2) -> str:
    """``2.4e-3`` as 2.4 x 10^-3 in plain characters, with this many significant digits."""
    mantissa, exponent = f"{value:.{count - 1}e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return mantissa if int(exponent) == 0 else f"{minus(mantissa)}\N{MULTIPLICATION SIGN}10{raised}"


def rounded(value: float) -> str:
    """Two significant digits, without an exponent."""
    return f"{float(f'{value:.1e}'):,.10g}"


def ranges(numbers: Sequence[int]) -> str:
    """``1, 3-5`` for 1, 3, 4, 5 (with an en dash)."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{a}" if a == b else f"{a}\N{EN DASH}{b}" if b > a + 1 else f"{a}, {b}" for a, b in parts)


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, whichever reads best."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def sentence(text: str) -> str:
    """``text`` with a capital letter in front and a full stop at the end."""
    return minus(text[0].upper() + text[1:]) + "."
