"""The pages of docs: links and images are there; those of docs/theory name their command, and it runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
THEORY = ROOT / "docs" / "theory"
SCRIPT = "docs/scripts/theory.py"
PAGES = sorted(page.stem for page in THEORY.glob("*.md") if page.stem != "index")
TEXTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def links(page: Path) -> list[str]:
    """What a page links to in this repository, without anchors."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    found = [link.split("#")[0] for link in LINK.findall(text)]
    return [link for link in found if link and not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_images_are_there(page: Path) -> None:
    assert [link for link in links(page) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_theory_names_its_command_and_shows_its_figure(name: str) -> None:
    text = (THEORY / f"{name}.md").read_text()
    assert f"`python {SCRIPT} {name}`" in text
    assert f"../images/theory_{name}.png" in links(THEORY / f"{name}.md")
    assert (ROOT / "docs" / "images" / f"theory_{name}.png").stat().st_size < 200_000
    begin, end = f"<!-- theory: written by {SCRIPT} {name} -->", "<!-- /theory -->"
    assert "| --- |" in text.partition(begin)[2].partition(end)[0]  # the script has written its table


def test_the_indexes_lead_to_every_page() -> None:
    assert {f"{name}.md" for name in PAGES} <= set(links(THEORY / "index.md"))
    assert "theory/index.md" in links(ROOT / "docs" / "index.md")


def test_display_formulas_are_fenced() -> None:
    """GitHub takes backslashes before punctuation out of $$ formulas, and leaves them in ```math blocks."""
    assert [page.name for page in THEORY.glob("*.md") if "$$" in page.read_text()] == []


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What every page measures, as small as it runs."""
    folder = tmp_path_factory.mktemp("theory")
    command = [sys.executable, str(ROOT / SCRIPT), "--tiny", "--into", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    for name in PAGES:
        assert (folder / f"theory_{name}.png").stat().st_size > 5000
        assert (folder / f"{name}.md").read_text().startswith("# ")
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in PAGES}


@pytest.mark.slow
def test_twins_raise_the_auc_and_not_the_one_between_universes(tiny: dict[str, dict]) -> None:
    row = tiny["estimators"]["rows"][0]  # five seeds of twins, 20 test parts
    assert row["seeds"] == 5
    error = row["spread"] / np.sqrt(20)
    assert abs(row["auc"] - row["expected_auc"]) < 4 * error  # four standard errors of the mean of the parts
    assert row["auc"] > row["unpaired"]  # twins are ordered right


@pytest.mark.slow
def test_curves_of_a_training_are_there(tiny: dict[str, dict]) -> None:
    for case in tiny["fitting"].values():
        assert len(case["train"]) == len(case["validation"]) == 3
        assert case["bound_loss"] < np.log(2) < 1.1 * case["validation"][0]  # three epochs find next to nothing


@pytest.mark.slow(minutes=0.2)
def test_maximum_likelihood_finds_the_true_scale(tiny: dict[str, dict]) -> None:
    results = tiny["losses"]
    error = results["fisher"] / np.sqrt(results["pairs"] / 35)  # of all parts together
    assert abs(results["rows"]["cross-entropy"]["all"] - 1) < 4 * error
    assert results["rows"]["cross-entropy, labels smoothed"]["all"] < results["rows"]["cross-entropy"]["all"]
    assert results["auc"] == results["auc_tripled"]


@pytest.mark.slow(minutes=0.2)
def test_back_propagation_is_the_limit_of_difference_quotients(tiny: dict[str, dict]) -> None:
    smallest = {name: min(row["errors"]) for name, row in tiny["backpropagation"].items() if name != "pairs"}
    assert smallest["central, tanh, double"] < 1e-8  # eps^(2/3) = 4e-11, times third derivatives over first
    assert smallest["one-sided, tanh, double"] < 1e-6  # eps^(1/2) = 1e-8, likewise


def test_momentum_is_ahead_of_plain_descent(tiny: dict[str, dict]) -> None:
    ends = {name: runs["turned"]["values"][-1] for name, runs in tiny["optimisers"]["quadratic"].items()}
    assert ends["momentum"] < ends["SGD"] < 1
    # eigenvectors do not matter to what is linear in the gradient; rounding only
    runs = tiny["optimisers"]["quadratic"]["SGD"]
    np.testing.assert_allclose(runs["turned"]["values"], runs["axes"]["values"], rtol=1e-6)


def test_shifts_by_whole_strides_are_exact_and_others_are_not(tiny: dict[str, dict]) -> None:
    results = tiny["convolution"]
    assert results["rebuilt"] < 1e-12  # the maps looked at are those of the network; double precision
    assert results["theorem"] < 1e-13
    assert results["origins"]["mean"] < 1e-6 < results["origins"]["alone"]  # rounding over a difference of 1e-7
    circular, zeros = results["curve"]["circular"], results["curve"]["zeros"]
    assert max(circular[0], circular[8]) < 1e-6 < min(circular[1], circular[4], zeros[8])
    assert max(results["coarsening"]["none"]) < 1e-6


def test_gradients_vanish_and_explode_as_expected(tiny: dict[str, dict]) -> None:
    for name, row in tiny["conditioning"]["stacks"].items():
        # maps are few and alike, so that slopes and weights are not independent: a quarter
        assert row["measured"] == pytest.approx(row["expected"], rel=0.25), name
    conditions = {name: row["condition"] for name, row in tiny["conditioning"]["spectra"].items()}
    assert conditions["potential"] > 100 * min(conditions.values())
