"""The tables and figures of docs/results.md and docs/study.md, from the run folders of the studies there.

    python docs/scripts/results.py [RUNS]      RUNS holds n32, n64, n64raw and planted.md; default: runs

Both pages say by which commands these are made; a study that is not there is left as it is on the page. Nothing is
computed here but the drawing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from marks import DOCS, IMAGES, fill, table

from weakfield.base.figures import GREY, OTHERS, new_figure, save_png
from weakfield.config import RunFolder
from weakfield.config.audit import FULL_CONTROLS
from weakfield.pairs.runfolder import load_study
from weakfield.report import attribution, audit_figures
from weakfield.report.explanation import triangle_figure
from weakfield.report.material import Material
from weakfield.report.results import label

SCRIPT = "docs/scripts/results.py"
MEASURES = {"unpaired_auc": "AUC between universes", "auc": "AUC", "paired_accuracy": "paired accuracy"}
SHOWN = ("unpaired_auc", "paired_accuracy")
DPI = 110
LARGEST = 3  # triangles of each study that the page names


def main() -> None:
    """Fill both pages."""
    runs = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs")
    folders = {name: runs / name for name in ("n32", "n64", "n64raw")}
    studies = {name: material(folder) for name, folder in folders.items() if (folder / "study.toml").exists()}
    page = DOCS / "results.md"
    compared = {name: studies[name] for name in ("n32", "n64") if name in studies and studies[name].models}
    for name, found in compared.items():
        fill(page, name, SCRIPT, classifiers(found))
    save_png(IMAGES / "results.png", reached(compared), DPI)
    if (runs / "planted.md").exists():
        fill(page, "planted", SCRIPT, (runs / "planted.md").read_text().strip())
    page = DOCS / "study.md"
    for name in ("n64", "n64raw"):
        if name in studies and studies[name].audit and studies[name].explanation:
            for part, text in (("summary", summary), ("controls", controls), ("attribution", attributed)):
                fill(page, f"{name} {part}", SCRIPT, text(studies[name]))
            pictures(name, studies[name])
    if "n32" in studies and studies["n32"].audit:
        fill(page, "n32 controls", SCRIPT, controls(studies["n32"], FULL_CONTROLS))
    print(f"{', '.join(studies)} -> {DOCS / 'results.md'}, {page}")


def material(folder: Path) -> Material:
    """What the report of a run folder is made of."""
    return Material(load_study(folder), RunFolder(folder))


def tests(found: Material) -> dict[str, dict[str, Any]]:
    """Test metrics of networks, then of baselines, by what people read."""
    results = {label(name): model.metrics["test"] for name, model in found.models.items()}
    main = next(iter(found.models.values()))
    return results | {label(name): test for name, test in main.metrics["baselines"].items()}


def classifiers(found: Material) -> str:
    """A row a classifier, then the bound of Gaussian fields."""
    rows = [(name, *(shown(test[key]) for key in MEASURES)) for name, test in tests(found).items()]
    main = next(iter(found.models.values())).metrics
    bound = main["bound"]
    rows.append((f"*bound, all {bound['modes']} modes*", shown(bound["auc"]), "", ""))
    rows.append((f"*bound, the {bound['modes_shells']} modes of log P(k)*", shown(bound["auc_shells"]), "", ""))
    parts = ", ".join(f"{len(seeds)} {part}" for part, seeds in main["seeds"].items())
    note = f"Seeds: {parts}; network of {main['parameters']} parameters. {main['fit']['words']}"
    return table(("classifier", *MEASURES.values()), rows) + "\n\n" + note


def reached(studies: dict[str, Material]) -> Any:
    """What every classifier reaches between universes and between twins, at both grids."""
    names = list(dict.fromkeys(name for found in studies.values() for name in tests(found)))
    figure, axes = new_figure(1, 2, size=(4.6, 4.4), sharey=True)
    for panel, key in zip(axes[0], SHOWN, strict=True):
        panel.axvline(0.5, color=GREY, linewidth=1, linestyle=":")
        for number, (study, found) in enumerate(studies.items()):
            results = tests(found)
            places = [(place, results[name][key]) for place, name in enumerate(names) if name in results]
            y = np.array([place for place, _ in places]) + 0.24 * number - 0.12
            value = np.array([test["value"] for _, test in places])
            bars = [[t["value"] - t["low"] for _, t in places], [t["high"] - t["value"] for _, t in places]]
            colour = OTHERS[number + 1]
            panel.errorbar(value, y, xerr=bars, fmt="os"[number], color=colour, markersize=4, label=f"{study[1:]}^3")
            if key == "unpaired_auc":
                bound = next(iter(found.models.values())).metrics["bound"]["auc"]["value"]
                panel.axvline(bound, color=colour, linewidth=1, linestyle="--")
        panel.set_xlabel(f"{MEASURES[key]}, test seeds")
    axes[0, 0].set_yticks(range(len(names)), names, fontsize=8.5)
    axes[0, 0].invert_yaxis()
    axes[0, 1].legend(frameon=False, fontsize=8.5, title="cells")
    return figure


def summary(found: Material) -> str:
    """The sentence of the audit, and what the network knows beyond spectra."""
    audit = found.audit or {"summary": "", "controls": []}
    lines = [f"> {audit['summary']}"]
    lines += [f"> {row['answer'][0].upper()}{row['answer'][1:]}." for row in audit["controls"] if "answer" in row]
    return "\n>\n".join(lines)


def controls(found: Material, names: tuple[str, ...] | None = None) -> str:
    """The table a referee asks for, of all controls or some."""
    audit = found.audit or {"controls": []}
    rows = [
        (row["name"], row["question"], f"{row['quantity']}: {shown(row)}", row["verdict"])
        for row in audit["controls"]
        if names is None or row["name"] in names
    ]
    return table(("control", "question", "result, 95 % interval", "verdict"), rows)


def attributed(found: Material) -> str:
    """What shells, amplitudes, phases and triangles contribute to the logit of GR - Newton."""
    explanation = found.explanation or {}
    bands = explanation["bands"]
    whole = bands["logit_difference"]["value"]
    rows = [("logit of GR - Newton", error(bands["logit_difference"]), "1")]
    for name in ("amplitude", "phase"):
        rows.append((f"{name}s", error(bands[name]["total"]), f"{bands[name]['total']['value'] / whole:.3f}"))
    shells = zip(
        bands["k_hmpc"],
        bands["attributed"]["shells"]["value"],
        bands["attributed"]["shells"]["error"],
        strict=True,
    )
    strongest = sorted(shells, key=lambda row: -abs(row[1]))[:5]
    for k, value, deviation in strongest:
        rows.append((f"shell at {k:.4f} h/Mpc", f"{value:.3g} +- {deviation:.1g}", f"{value / whole:.3f}"))
    triangles = explanation.get("triangles")
    if triangles is not None:
        for name in ("power", "triangles", "remainder"):
            share = triangles["response"]["shares"][name]
            rows.append((f"third-order response: {name}", "", error(share)))
        rows += strongest_triangles(triangles)
    text = table(("part", "contribution [logit], error over seeds", "share"), rows)
    if triangles is not None and triangles["agreement"] is not None:
        text += f"\n\nRank correlation of response and surrogate over triangles: {shown(triangles['agreement'])}."
    return text


def strongest_triangles(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The triangles of shells that contribute most by the third-order response, and what the surrogate says of them."""
    sides, response, surrogate = found["k_hmpc"], found["response"]["contribution"], found["surrogate"]
    rows: list[tuple[str, str, str]] = []
    ways = {"response": response} | ({} if surrogate is None else {"surrogate": surrogate["contribution"]})
    for place in np.argsort(-np.abs(response["value"]))[:LARGEST]:
        name = "triangle " + ", ".join(f"{k:.3f}" for k in sides[place]) + " h/Mpc"
        for way, found_by in ways.items():
            one = {key: None if values is None else values[place] for key, values in found_by.items()}
            rows.append((f"{name}, {way}", error(one), ""))
    return rows


def pictures(name: str, found: Material) -> None:
    """Controls, bands of k, attribution by shell and by triangle."""
    audit = found.audit or {"controls": []}
    save_png(IMAGES / f"study_{name}_controls.png", audit_figures.reached(audit["controls"]), DPI)
    curves = [row["curve"] for row in audit["controls"] if "curve" in row]
    save_png(IMAGES / f"study_{name}_bands.png", audit_figures.bands(curves), DPI)
    bands = (found.explanation or {})["bands"]
    drawn = attribution.shell_spectrum(bands["k_hmpc"], bands["attributed"]["shells"], bands["occluded"]["shells"])
    save_png(IMAGES / f"study_{name}_shells.png", drawn, DPI)
    shared = (found.explanation or {}).get("triangles")
    if shared is not None:
        save_png(IMAGES / f"study_{name}_triangles.png", triangle_figure(found, shared), DPI)


def shown(value: dict[str, float]) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"


def error(value: dict[str, Any]) -> str:
    deviation = "" if value.get("error") is None else f" +- {value['error']:.1g}"
    return f"{value['value'] + 0.0:.3g}{deviation}"  # no -0


if __name__ == "__main__":
    main()
