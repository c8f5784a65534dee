"""Figures of attributions: what is drawn is what was given."""

from __future__ import annotations

import numpy as np

from weakfield.base.figures import COLOURS, png_of
from weakfield.explain.over_seeds import OverSeeds
from weakfield.explain.records import Agreement, SimilarityByLayer, TrustCurves
from weakfield.learning import Scores
from weakfield.report.attribution_figures import (
    agreement,
    deletion_curves,
    randomisation,
    shell_spectrum,
    triangle_plot,
)
from weakfield.report.audit_figures import roc_controls


def line(value: list[float], error: list[float] | None = None) -> OverSeeds[list[float]]:
    return OverSeeds[list[float]](value=value, error=error)


def test_shell_spectrum_shows_values_with_errors():
    k, found = [0.01, 0.02, 0.04], line([1.0, -2.0, 3.0], [0.1, 0.2, 0.3])
    figure = shell_spectrum(k, found, line([0.5, 0.5, 0.5]))
    panel = figure.axes[0]
    assert "logit" in panel.get_ylabel()
    assert "h/Mpc" in panel.get_xlabel()
    points, _, bars = panel.containers[0]
    np.testing.assert_allclose(np.asarray(points.get_ydata(), dtype=float), found.value)
    ends = np.array([segment[:, 1] for segment in bars[0].get_segments()], dtype=float)
    np.testing.assert_allclose(np.diff(ends, axis=1)[:, 0], 2 * np.array(found.error))
    assert points.get_color() == COLOURS["difference"]
    assert png_of(figure)


def test_triangles_lie_at_their_shapes():
    sides = [[1.0, 1.0, 1.0], [2.0, 1.0, 1.0], [1.0, 4.0, 4.0], [1.0, 1.0, 1.0]]
    figure = triangle_plot({"a": (sides, [1.0, -3.0, 2.0, np.nan]), "b": (sides[:1], [0.0])}, {"a": "logit"})
    drawn = figure.axes[0].collections[0]
    places = {
        tuple(np.round(place, 6)): value for place, value in zip(drawn.get_offsets(), drawn.get_array(), strict=True)
    }
    # (k3/k1, k2/k1): equilateral, folded, squeezed; what is not finite is left out
    assert places == {(1.0, 1.0): 1.0, (0.5, 0.5): -3.0, (0.25, 1.0): 2.0}
    assert drawn.get_clim() == (-3.0, 3.0)
    assert png_of(figure)


def curve(start: float, end: float) -> OverSeeds[list[float]]:
    return line(np.linspace(start, end, 3).tolist(), [0.0, 0.1, 0.0])


def test_deletion_curves_show_methods_and_random_orders():
    down, up = curve(1, 0), curve(0, 1)
    number = OverSeeds[float](value=0.1, error=None)
    areas = {f"{kind}_{what}": number for kind in ("deletion", "insertion") for what in ("area", "advantage")}
    curves = {"deletion": down, "insertion": up, "random_deletion": down, "random_insertion": up}
    found = TrustCurves(share=[0, 0.5, 1], **curves, **areas)
    figure = deletion_curves({"gradient": found, "occlusion": found})
    lines = figure.axes[0].get_lines()
    assert sum(line.get_linestyle() == ":" for line in lines) == 2
    assert {text.get_text() for text in figure.axes[1].get_legend().get_texts()} == {
        "gradient",
        "occlusion",
        "random order",
    }
    assert png_of(figure)


def test_randomisation_starts_from_the_map_itself():
    found = SimilarityByLayer(signed=line([0.4, 0.1], [0.1, 0.1]), absolute=line([0.4, 0.1], [0.1, 0.1]))
    figure = randomisation(["head", "features"], {"gradient": found})
    points = figure.axes[0].containers[0][0]
    np.testing.assert_allclose(points.get_ydata(), [1.0, 0.4, 0.1])
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["none", "head", "features"]


def test_agreement_prints_what_it_draws():
    found = Agreement(methods=["a", "b"], value=[[1, -0.5], [-0.5, 1]], error=[[0, 0.25], [0.25, 0]])
    figure = agreement(["a", "b"], found)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[1] == "-0.50\n\N{PLUS-MINUS SIGN}0.25"


def test_roc_before_and_after_each_control():
    perfect = Scores((1, 2), np.array([-1.0, -2.0]), np.array([1.0, 2.0]))
    chance = Scores((1, 2), np.array([-1.0, 1.0]), np.array([-1.0, 1.0]))
    figure = roc_controls(perfect, {"labels_shuffled": chance, "monopole_removed": perfect})
    assert [panel.get_title() for panel in figure.axes] == ["labels_shuffled", "monopole_removed"]
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend == ["before: 1.00", "after: 0.50"]
    assert png_of(figure)
