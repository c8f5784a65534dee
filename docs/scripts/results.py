"""The tables and figures of docs/results.md and docs/study.md, from the run folders of the studies there.

    python docs/scripts/results.py [RUNS]      RUNS holds n32, n64, n64raw and planted.md; default: runs

Both pages say by which commands these are made; a study that is not there is left as it is on the page. Nothing is
computed here but the drawing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from marks import DOCS, IMAGES, fill, table

from weakfield.audit.records import AuditTable
from weakfield.base.figures import GREY, OTHERS, new_figure, save_png
from weakfield.config import RunFolder
from weakfield.dataset import PARTS
from weakfield.explain.over_seeds import OverSeeds
from weakfield.explain.records import Explanation, Triangles
from weakfield.learning.metrics import Estimate
from weakfield.pairs.runfolder import load_study
from weakfield.report import attribution_figures, audit_figures
from weakfield.report.classification import tests
from weakfield.report.explanation import triangle_figure
from weakfield.report.run_results import RunResults

SCRIPT = "docs/scripts/results.py"
MEASURES = {"unpaired_auc": "AUC between universes", "auc": "AUC", "paired_accuracy": "paired accuracy"}
SHOWN = ("unpaired_auc", "paired_accuracy")
DPI = 110
LARGEST = 3  # triangles of each study that the page names


def main() -> None:
    """Fill both pages."""
    runs = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs")
    folders = {name: runs / name for name in ("n32", "n64", "n64raw")}
    studies = {name: results_of(folder) for name, folder in folders.items() if (folder / "study.toml").exists()}
    page = DOCS / "results.md"
    compared = {name: studies[name] for name in ("n32", "n64") if name in studies and studies[name].models}
    for name, found in compared.items():
        fill(page, name, SCRIPT, classifiers(found))
    save_png(IMAGES / "results.png", reached(compared), DPI)
    if (runs / "planted.md").exists():
        fill(page, "planted", SCRIPT, (runs / "planted.md").read_text().strip())
    page = DOCS / "study.md"
    for name in folders:
        found = studies.get(name)
        if found is not None and found.audit is not None and found.explanation is not None:
            fill(page, f"{name} summary", SCRIPT, summary(found))
            fill(page, f"{name} controls", SCRIPT, controls(found))
            fill(page, f"{name} attribution", SCRIPT, attributed(found.explanation))
            pictures(name, found, found.explanation)
    print(f"{', '.join(studies)} -> {DOCS / 'results.md'}, {page}")


def results_of(folder: Path) -> RunResults:
    """What the report of a run folder is made of."""
    return RunResults(load_study(folder), RunFolder(folder))


def classifiers(found: RunResults) -> str:
    """A row a classifier, then the bound of Gaussian fields."""
    rows = [(name, *(shown(test[key]) for key in MEASURES)) for name, test in tests(found).items()]
    main = found.main_model.metrics
    if main.bound is not None:
        rows.append((f"*bound, all {main.bound.modes} modes*", shown(main.bound.auc), "", ""))
        rows.append((f"*bound, the {main.bound.modes_shells} modes of log P(k)*", shown(main.bound.auc_shells), "", ""))
    parts = ", ".join(f"{len(main.seeds.part(part))} {part}" for part in PARTS)
    high = main.test["unpaired_auc"].high
    most = np.sqrt(2) * NormalDist().inv_cdf(high) if 0 < high < 1 else np.inf
    note = (
        f"Seeds: {parts}; network of {main.parameters} parameters. Between universes its interval allows a distance of"
        f" the classes of at most d' = {most:.2g}. {main.fit.words}"
    )
    return table(("classifier", *MEASURES.values()), rows) + "\n\n" + note


def reached(studies: dict[str, RunResults]) -> Any:
    """What every classifier reaches between universes and between twins, at both grids."""
    names = list(dict.fromkeys(name for found in studies.values() for name in tests(found)))
    figure, axes = new_figure(1, 2, size=(4.6, 4.4), sharey=True)
    for panel, key in zip(axes[0], SHOWN, strict=True):
        panel.axvline(0.5, color=GREY, linewidth=1, linestyle=":")
        for number, (study, found) in enumerate(studies.items()):
            results = tests(found)
            places = [(place, results[name][key]) for place, name in enumerate(names) if name in results]
            y = np.array([place for place, _ in places]) + 0.24 * number - 0.12
            value = np.array([test.value for _, test in places])
            bars = [[t.value - t.low for _, t in places], [t.high - t.value for _, t in places]]
            colour = OTHERS[number + 1]
            panel.errorbar(value, y, xerr=bars, fmt="os"[number], color=colour, markersize=4, label=f"{study[1:]}^3")
            bound = found.main_model.metrics.bound
            if key == "unpaired_auc" and bound is not None:
                panel.axvline(bound.auc.value, color=colour, linewidth=1, linestyle="--")
        panel.set_xlabel(f"{MEASURES[key]}, test seeds")
    axes[0, 0].set_yticks(range(len(names)), names, fontsize=8.5)
    axes[0, 0].invert_yaxis()
    axes[0, 1].legend(frameon=False, fontsize=8.5, title="cells")
    return figure


def summary(found: RunResults) -> str:
    """The sentence of the audit, and what the network knows beyond spectra."""
    audit = found.audit or AuditTable(summary="", controls=())
    lines = [f"> {audit.summary}"]
    lines += [f"> {row.answer[0].upper()}{row.answer[1:]}." for row in audit.controls if row.answer]
    return "\n>\n".join(lines)


def controls(found: RunResults) -> str:
    """The table a referee asks for, of all controls."""
    audit = found.audit or AuditTable(summary="", controls=())
    rows = [
        (
            row.name,
            row.question,
            "not run" if row.estimate is None else f"{row.quantity}: {shown(row.estimate)}",
            row.verdict,
        )
        for row in audit.controls
    ]
    return table(("control", "question", "result, 95 % interval", "verdict"), rows)


def attributed(explanation: Explanation) -> str:
    """What shells, amplitudes, phases and triangles contribute to the logit of GR - Newton."""
    bands = explanation.bands
    whole = bands.logit_difference.value
    rows = [("logit of GR - Newton", error(bands.logit_difference), "1")]
    for name, part in (("amplitudes", bands.amplitude), ("phases", bands.phase)):
        rows.append((name, error(part.total), f"{part.total.value / whole:.3f}"))
    shells = [(k, one(bands.attributed.shells, i)) for i, k in enumerate(bands.k_hmpc)]
    for k, shell in sorted(shells, key=lambda row: -abs(row[1].value))[:5]:
        rows.append((f"shell at {k:.4f} h/Mpc", error(shell), f"{shell.value / whole:.3f}"))
    triangles = explanation.triangles
    if triangles is not None:
        for name in ("power", "triangles", "remainder"):
            rows.append((f"third-order response: {name}", "", error(triangles.response.shares[name])))
        rows += strongest_triangles(triangles)
    text = table(("part", "contribution [logit], error over seeds", "share"), rows)
    if triangles is not None and triangles.agreement is not None:
        text += f"\n\nRank correlation of response and surrogate over triangles: {shown(triangles.agreement)}."
    return text


def strongest_triangles(found: Triangles) -> list[tuple[str, str, str]]:
    """The triangles of shells that contribute most by the third-order response, and what the surrogate says of them."""
    response, surrogate = found.response.contribution, found.surrogate
    ways = {"response": response} | ({} if surrogate is None else {"surrogate": surrogate.contribution})
    rows: list[tuple[str, str, str]] = []
    for i in np.argsort(-np.abs(response.value))[:LARGEST]:
        name = "triangle " + ", ".join(f"{k:.3f}" for k in found.k_hmpc[i]) + " h/Mpc"
        rows += [(f"{name}, {way}", error(one(contributions, i)), "") for way, contributions in ways.items()]
    return rows


def pictures(name: str, found: RunResults, explanation: Explanation) -> None:
    """Controls, bands of k, attribution by shell and by triangle."""
    audit = found.audit or AuditTable(summary="", controls=())
    save_png(IMAGES / f"study_{name}_controls.png", audit_figures.reached(audit.controls), DPI)
    curves = [row.curve for row in audit.controls if row.curve is not None]
    if curves:
        save_png(IMAGES / f"study_{name}_bands.png", audit_figures.bands(curves), DPI)
    bands = explanation.bands
    drawn = attribution_figures.shell_spectrum(bands.k_hmpc, bands.attributed.shells, bands.occluded.shells)
    save_png(IMAGES / f"study_{name}_shells.png", drawn, DPI)
    if explanation.triangles is not None:
        save_png(IMAGES / f"study_{name}_triangles.png", triangle_figure(found, explanation.triangles), DPI)


def shown(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def one(found: OverSeeds[list[float]], i: int) -> OverSeeds[float]:
    """One of many means over seeds."""
    return OverSeeds[float](value=found.value[i], error=None if found.error is None else found.error[i])


def error(found: OverSeeds[float]) -> str:
    deviation = "" if found.error is None else f" +- {found.error:.1g}"
    return f"{found.value + 0.0:.3g}{deviation}"  # no -0


if __name__ == "__main__":
    main()
