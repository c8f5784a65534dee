"""Which methods can be believed here: attributions beside what relativity contributes, on the page."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from weakfield.explain.over_seeds import Number
from weakfield.explain.records import Explanation
from weakfield.explain.truth.records import BELIEVED, QUANTITIES, Score
from weakfield.report.numbers import minus
from weakfield.report.page import render

TITLES = {
    "pair_integrated": "pair-integrated gradients",
    "amplitude_phase": "amplitudes and phases",
    "response": "third-order response",
    "surrogate": "sparse surrogate",
}
SHAPES = ("squeezed", "equilateral", "folded")


def truth(found: Explanation, titles: Mapping[str, str]) -> Markup:
    """The table of methods by their score on C1's matched filter, with the network's attributions beside C1's.

    ``titles`` are those of methods in cells.
    """
    known = found.truth
    if known is None:
        return render("truth.html", known=None, why=found.no_truth or found.left_out.get("truth"))
    names = {**titles, **TITLES}
    network = known.network or {}
    blank = [""] * len(QUANTITIES)

    def row(name: str, score: Score | None, other: Score | None) -> tuple[str, ...]:
        beside = ranks(other) if other else blank
        return (name, *(ranks(score) if score else blank), *(beside if network else []))

    methods = [*known.ordered, *(name for name in network if name not in known.methods)]
    rows = [row(names.get(name, name), known.methods.get(name), network.get(name)) for name in methods]
    rows.append(row("difference of the pair itself", known.measured, None))
    parts = [("C\N{SUBSCRIPT ONE}", *shares(known.shares))]
    parts += [(names.get(name, name), *shares(s.shares)) for name, s in known.methods.items() if s.shares]
    parts += [(f"{names.get(name, name)}, network", *shares(s.shares)) for name, s in network.items() if s.shares]
    return render("truth.html", known=known, rows=rows, shares=parts, network=bool(network), believed=BELIEVED)


def ranks(score: Score) -> list[str]:
    """The rank correlations of a score in the order of ``QUANTITIES``, empty where there is none."""
    return [_decimals(score.rank[name]) if name in score.rank else "" for name in QUANTITIES]


def shares(found: Mapping[str, Number]) -> list[str]:
    """Shares in the order of ``SHAPES``."""
    return [_decimals(found[name]) if name in found else "" for name in SHAPES]


def _decimals(found: Number) -> str:
    """Three decimals of a number between -1 and 1 and of its error, which is left out where it is smaller."""
    error = "" if found.error is None or found.error < 5e-4 else f" \N{PLUS-MINUS SIGN} {found.error:.3f}"
    return minus(f"{found.value:.3f}{error}")
