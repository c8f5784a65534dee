"""From which mesh on a second thread pays: milliseconds of a cycle with one thread and with all.

    python benchmarks/threads.py                     N = 16 to 64, GR in double precision

Medians of processes of twenty cycles, in turn. Up to ``weakfield.mesh.threads.SMALL_MESH`` a run takes one thread all
the same. Results go to the terminal and to benchmarks/results/threads.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from simulation import ours
from weakfield.mesh.threads import available_threads

RESULTS = Path(__file__).parent / "results" / "threads.json"
CYCLES = 20


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grids", type=int, nargs="+", default=[16, 24, 32, 48, 64])
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    every = available_threads()
    rows = []
    ours(16, "gr", "double", 2)  # compiles what is not compiled yet
    for grid in options.grids:
        times: dict[int, list[float]] = {1: [], every: []}
        for _ in range(options.repeat):
            for count in times:
                times[count].append(ours(grid, "gr", "double", CYCLES, threads=count)["cycle_ms"])
        row = {"grid": grid} | {f"{count} threads": statistics.median(several) for count, several in times.items()}
        rows.append(row)
        print("  ".join(f"{name} {value:.2f}" if name != "grid" else f"N = {value:3d}" for name, value in row.items()))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
