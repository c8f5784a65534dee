"""Time of a cycle and memory of a run against the size of the mesh; writes docs/images/scaling.png.

    python benchmarks/scaling.py                      N = 32 to 256, both theories and precisions
    python benchmarks/scaling.py --grids 32 64 128    the smaller ones

Each point is the median of three processes of ten cycles, kernels compiled before. The exponent is of a fit of a power
law to the time of a cycle from N = 64 on; memory per particle is the slope of peak memory from the smallest of these
meshes to the largest, which leaves out what the program itself takes. Numbers go to benchmarks/results/scaling.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from simulation import ours
from weakfield.base.figures import COLOURS, GREY, NAMES, new_figure, save_png

RESULTS = Path(__file__).parent / "results" / "scaling.json"
FIGURE = Path(__file__).parents[1] / "docs" / "images" / "scaling.png"
CYCLES, REPEAT, FIT_FROM = 10, 3, 64


def measure(grids: list[int]) -> list[dict[str, Any]]:
    """Milliseconds a cycle and peak megabytes by mesh, theory and precision."""
    rows = []
    for theory in ("newton", "gr"):
        for precision in ("double", "single"):
            ours(16, theory, precision, 2)  # compiles what is not compiled yet
            for grid in grids:
                runs = [ours(grid, theory, precision, CYCLES) for _ in range(REPEAT)]
                cycle, memory = (float(np.median([run[name] for run in runs])) for name in ("cycle_ms", "memory_mb"))
                rows.append(
                    {"grid": grid, "theory": theory, "precision": precision, "cycle_ms": cycle, "memory_mb": memory}
                )
                print(f"N = {grid:3d}  {theory:6s}  {precision}  {cycle:8.1f} ms a cycle  {memory:6.0f} MB", flush=True)
    return rows


def fits(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Exponent of the time of a cycle in N, and bytes a particle, of each theory and precision."""
    found = []
    for theory, precision in dict.fromkeys((row["theory"], row["precision"]) for row in rows):
        mine = [r for r in rows if (r["theory"], r["precision"]) == (theory, precision) and r["grid"] >= FIT_FROM]
        if len(mine) < 2:
            continue
        n, cycle, memory = (np.array([row[name] for row in mine]) for name in ("grid", "cycle_ms", "memory_mb"))
        found.append(
            {
                "theory": theory,
                "precision": precision,
                "exponent": float(np.polyfit(np.log(n), np.log(cycle), 1)[0]),
                "bytes_a_particle": float((memory[-1] - memory[0]) * 2**20 / (n[-1] ** 3 - n[0] ** 3)),
            }
        )
    return found


def draw(rows: list[dict[str, Any]], slopes: list[dict[str, Any]]) -> None:
    """Time of a cycle against N, a colour for each theory, full lines double precision and dashed ones single."""
    figure, axes = new_figure(1, 1, size=(6.4, 4.4))
    panel = axes[0, 0]
    for fit in slopes:
        mine = [r for r in rows if (r["theory"], r["precision"]) == (fit["theory"], fit["precision"])]
        double = fit["precision"] == "double"
        panel.plot(
            [row["grid"] for row in mine], [row["cycle_ms"] for row in mine], "o-" if double else "o--",
            color=COLOURS[fit["theory"]], markerfacecolor=COLOURS[fit["theory"]] if double else "white", markersize=5,
            label=rf"{NAMES[fit['theory']]}, {fit['precision']}: $N^{{{fit['exponent']:.2f}}}$,"
            f" {fit['bytes_a_particle']:.0f} bytes a particle",
        )  # fmt: skip
    n = np.array([32.0, 256.0])
    start = min(row["cycle_ms"] for row in rows) * 0.6
    panel.plot(n, start * (n / n[0]) ** 3, ":", color=GREY, label=r"$N^3$")
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    panel.set_xticks(sorted({row["grid"] for row in rows}), [str(g) for g in sorted({row["grid"] for row in rows})])
    panel.set_xlabel("cells a side  N")
    panel.set_ylabel("time of a cycle  [ms]")
    panel.legend(frameon=False, fontsize=8)
    save_png(FIGURE, figure)


def main() -> None:
    """What the command does: measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grids", type=int, nargs="+", default=[32, 64, 128, 256])
    rows = measure(parser.parse_args().grids)
    slopes = fits(rows)
    RESULTS.write_text(json.dumps({"rows": rows, "fits": slopes}, indent=1) + "\n")
    for fit in slopes:
        print(
            f"{fit['theory']:6s}  {fit['precision']}  N^{fit['exponent']:.2f}  {fit['bytes_a_particle']:.0f} bytes a"
            " particle"
        )
    draw(rows, slopes)


if __name__ == "__main__":
    main()
