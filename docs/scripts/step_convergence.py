"""How a difference between the theories depends on the time step, for both clocks, with and without radiation.

    python docs/scripts/step_convergence.py      about ten minutes on two cores; --redraw: figure and tables only

Writes docs/step_convergence.json and, from it, docs/images/step_convergence.png and the tables between the marks in
docs/physics.md. With the first-order update of phi the ratio at the fundamental mode moves with the step; with the
second-order clock it does not.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from marks import DOCS, IMAGES, fill

import weakfield as wf
from weakfield.base.figures import GREY, OTHERS, new_figure, save_png
from weakfield.config import CosmologySettings, OutputSettings, RunSettings, SimulationSettings
from weakfield.simulation import grow_member
from weakfield.spectra.difference import growth_scaled_difference

LIMITS = (0.08, 0.04, 0.02, 0.01, 0.005)
TRUTH = 0.0025
CLOCKS = ("second-order", "euler")


def grow(folder: Path, theory: str, box: float, limit: float, clock: str, radiation: bool) -> list[np.ndarray]:
    """phi at z = 10 and z = 1 on a 16^3 mesh."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = SimulationSettings(
        grid=16, box_size_mpch=box, step_limit_hubble=limit, phi_integrator=clock, noise="gevolution",
        radiation=radiation, mesh="staggered", start="linear", snapshot_redshifts=(10.0, 1.0), spectra_redshifts=(),
    )  # fmt: skip
    grow_member(
        RunSettings(theory=theory, seed=42, simulation=settings, output=OutputSettings(dtype="float64")), folder
    )
    return [wf.load_field(folder / f"snap{i:03d}_phi.h5")[0].double() for i in (0, 1)]


def ratio_at_fundamental(pair: dict[str, list], box: float) -> float:
    """P_GR / P_Newton of the growth-scaled difference cubes in the first shell."""
    power = {}
    for theory, (early, late) in pair.items():
        cube = growth_scaled_difference(early, 10.0, late, 1.0, CosmologySettings())
        power[theory] = wf.power_spectrum(cube, box).power[0]
    return float(power["gr"] / power["newton"])


def difference(pair: dict[str, list]) -> np.ndarray:
    apart = (pair["gr"][1] - pair["newton"][1]).numpy()
    return apart - apart.mean()


def measure(folder: Path) -> dict:
    """Every combination of clock, radiation and step."""
    results: dict = {"limits": [*LIMITS, TRUTH], "ratio": {}, "error": {}}
    for radiation in (False, True):
        for clock in CLOCKS:
            name = f"{clock}, {'with' if radiation else 'without'} radiation"
            pairs = {
                (box, limit): {t: grow(folder, t, box, limit, clock, radiation) for t in ("gr", "newton")}
                for box in (5120.0, 320.0)
                for limit in (*LIMITS, TRUTH)
            }
            results["ratio"][name] = [ratio_at_fundamental(pairs[5120.0, limit], 5120.0) for limit in (*LIMITS, TRUTH)]
            converged = difference(pairs[320.0, TRUTH])
            results["error"][name] = [
                float((difference(pairs[320.0, limit]) - converged).std() / converged.std()) for limit in LIMITS
            ]
            print(name, results["ratio"][name], results["error"][name], flush=True)
    return results


def draw(results: dict) -> None:
    """The picture of errors against the step."""
    figure, axes = new_figure(columns=2)
    ratio, error = axes[0]
    styles = {"with": ("-", "o"), "without": ("--", "s")}
    for name in results["ratio"]:
        clock, rest = name.split(", ")
        colour = OTHERS[1] if clock == "second-order" else OTHERS[3]
        line, mark = styles[rest.split()[0]]
        options = {"color": colour, "ls": line, "marker": mark, "ms": 4, "label": name}
        ratio.plot(results["limits"], results["ratio"][name], **options)
        error.plot(results["limits"][:-1], results["error"][name], **options)
    ratio.set(xscale="log", xlabel="step limit [Hubble times]", ylabel="P(GR) / P(Newton) of difference cubes at k_F")
    ratio.axvline(0.04, color=GREY, lw=0.8, ls=":")
    ratio.set_title("L = 5120 Mpc/h, z = 10 and 1", fontsize=10)
    error.set(
        xscale="log", yscale="log", xlabel="step limit [Hubble times]", ylabel="relative error of GR - Newton, z = 1"
    )
    error.set_title("L = 320 Mpc/h, against a step of 0.0025", fontsize=10)
    for panel in (ratio, error):
        panel.set_xticks(results["limits"], [f"{limit:g}" for limit in results["limits"]], rotation=45)
        panel.minorticks_off()
    ratio.legend(fontsize=8, frameon=False)
    save_png(IMAGES / "step_convergence.png", figure)


def tables(results: dict) -> str:
    """The same numbers as Markdown: the ratio, and the error with its order over the steps."""
    limits = results["limits"]
    header = "| clock | " + " | ".join(f"{limit:g}" for limit in limits)
    rows = ["Ratio at the fundamental mode, by step limit in Hubble times:", "", header + " |", "|---" * 7 + "|"]
    for name, ratio in results["ratio"].items():
        rows.append(f"| {name} | " + " | ".join(f"{value:.4f}" for value in ratio) + " |")
    rows += ["", "Error of GR - Newton, and the order of its fall from the first step to the fourth:", ""]
    rows += ["| clock | " + " | ".join(f"{limit:g}" for limit in limits[:-1]) + " | order |", "|---" * 7 + "|"]
    for name, error in results["error"].items():
        order = np.log(error[0] / error[3]) / np.log(limits[0] / limits[3])
        rows.append(f"| {name} | " + " | ".join(f"{value:.2%}" for value in error) + f" | {order:.2f} |")
    return "\n".join(rows)


def main() -> None:
    """What the command does: make what this file is for."""
    if "--redraw" in sys.argv:
        results = json.loads((DOCS / "step_convergence.json").read_text())
        draw(results)
        fill(DOCS / "physics.md", "step_convergence", "docs/scripts/step_convergence.py", tables(results))
        return
    with tempfile.TemporaryDirectory() as scratch:
        results = measure(Path(scratch) / "run")
    (DOCS / "step_convergence.json").write_text(json.dumps(results, indent=1) + "\n")
    draw(results)
    fill(DOCS / "physics.md", "step_convergence", "docs/scripts/step_convergence.py", tables(results))


if __name__ == "__main__":
    main()
