"""The words of a run of imported cubes: what is said for Newton and GR, in prose, formulae, figures and pages."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from weakfield.base.errors import BadInput
from weakfield.base.figures import png_of
from weakfield.base.wording import speak, speaking, spoken, spoken_page
from weakfield.config import StudyConfig
from weakfield.config.classes import ClassSettings

MASS = ClassSettings(names=("CIC", "code_b 2"), quantity="density")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a GR cube above its Newtonian twin", "a code_b 2 cube above its CIC twin"),
        ("Einstein or Newton? the theories", "CIC or code_b 2? the classes"),
        ("newton_newton, GRID and Newtons are other words", "newton_newton, GRID and Newtons are other words"),
        ("the mean of \N{GREEK CAPITAL LETTER PHI}", "the mean of density"),
        (r"GR: $P_\mathrm{GR}(\Phi)$", r"code_b 2: $P_\mathrm{code\_b\ 2}(\mathrm{density})$"),
        ("over test seeds, two universes of a pair", "over test seeds, two universes of a pair"),
    ],
)
def test_texts_in_the_words_of_the_classes(text, said):
    assert MASS.said(text) == said
    assert MASS.said(said) == said  # what was said once may come by again


def test_unpaired_cubes_have_no_seeds():
    unpaired = ClassSettings(names=("A", "B"), paired=False)
    said = unpaired.said("12 test seeds, each pair and its seed")
    assert said == "12 test cubes of each class, each cube and its cube"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"names": ("A", "A")}, "both names are 'A', expected two that differ"),
        ({"names": ("GR", "Newton")}, "a name is 'GR', a word that stands for something else here"),
        ({"names": ("A", "<b>")}, "names"),
        ({"quantity": "theory"}, "a name is 'theory'"),
    ],
)
def test_names_that_would_confuse_are_refused(changed, message):
    with pytest.raises(BadInput, match=message):
        ClassSettings.from_mapping({"names": ("A", "B"), **changed})


def test_newton_and_gr_may_be_the_names():
    own = ClassSettings(names=("Newton", "GR"), quantity="phi")
    assert own.said("GR above Newton, phi") == "GR above Newton, phi"


def test_a_study_without_classes_says_everything_as_it_is():
    assert StudyConfig().wording is None
    assert spoken({"a": ["GR"]}, None) == {"a": ["GR"]}
    assert spoken({"GR": ["GR", 1.0, {"b": "Newton"}]}, MASS.said) == {"GR": ["code_b 2", 1.0, {"b": "CIC"}]}


def test_pages_are_said_outside_their_tags_and_settings():
    page = '<p id="GR">GR <b>Newton</b></p><img alt="GR" src="data:,+GR/"><pre>GR</pre>'
    assert spoken_page(page) == page
    with speaking(MASS.said):
        said = spoken_page(page)
    assert said == '<p id="GR">code_b 2 <b>CIC</b></p><img alt="code_b 2" src="data:,+GR/"><pre>GR</pre>'


def test_figures_are_drawn_in_the_words_of_the_block():
    figure = Figure()
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], label="GR")
    axes.set_xticks([0, 1], ["Newton", "GR"])
    axes.set_ylabel(r"$P_\mathrm{GR}\,/\,P_\mathrm{Newton}$")
    axes.legend()
    speak(figure)
    assert axes.get_ylabel() == r"$P_\mathrm{GR}\,/\,P_\mathrm{Newton}$"
    with speaking(MASS.said):
        png_of(figure)
    figure.canvas.draw()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["CIC", "code_b 2"]
    assert axes.get_ylabel() == r"$P_\mathrm{code\_b\ 2}\,/\,P_\mathrm{CIC}$"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["code_b 2"]
