"""Milliseconds a cycle and peak memory on both meshes, and seconds until a universe is at z = 1.

    python benchmarks/meshes.py [--grids 64 128] [--cycles 12] [--results benchmarks/results/meshes.json]

Each case is a process of its own that grows a universe of cells of 20 Mpc/h without radiation; kernels are compiled
before. The first two cycles are not counted; milliseconds are the median of the others. Nothing else may run.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

STEPS = {"spectral": 0.06, "staggered": 0.04}


def cycles(mesh: str, theory: str, precision: str, grid: int, count: int) -> dict[str, float]:
    """Time of cycles in this process."""
    from weakfield.config import CosmologySettings, RunSettings
    from weakfield.mesh.kernels.cpu.warm import compile_kernels
    from weakfield.simulation.clock import Clock, cycles_until
    from weakfield.simulation.evolution import THEORIES
    from weakfield.simulation.initial_conditions import initial_universe
    from weakfield.simulation.universe import DTYPES

    simulation = {
        "mesh": mesh, "start": "growing-mode" if mesh == "spectral" else "linear", "grid": grid,
        "box_size_mpch": 20.0 * grid, "transfer": "eisenstein-hu", "step_limit_hubble": STEPS[mesh],
        "precision": precision, "snapshot_redshifts": (1.0,), "spectra_redshifts": (1.0,),
    }  # fmt: skip
    run = RunSettings.model_validate(
        {"theory": theory, "seed": 1, "cosmology": CosmologySettings(t_cmb_kelvin=0.0), "simulation": simulation}
    )
    compile_kernels(DTYPES[run.simulation.precision], run.theory, False, run.simulation.mesh)
    begin = time.perf_counter()
    universe = initial_universe(run)
    started = time.perf_counter() - begin
    clock, gravity = Clock(run, universe.background), THEORIES[mesh, run.theory, "second-order"]()
    taken = []
    for _ in range(count):
        begin = time.perf_counter()
        gravity.solve(universe, clock, False)
        gravity.move(universe, clock)
        clock.advance()
        taken.append(1e3 * (time.perf_counter() - begin))
    whole = cycles_until(run, universe.background, 1.0)
    ms = statistics.median(taken[2:])
    return {
        "ms": ms, "cycles": whole, "start_s": started, "universe_s": started + whole * ms / 1e3,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def main() -> None:
    """Every case in a process of its own; a table, and the numbers in a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grids", type=int, nargs="*", default=[64, 128])
    parser.add_argument("--cycles", type=int, default=12)
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/meshes.json"))
    parser.add_argument("--case", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        mesh, theory, precision, grid = options.case
        print(json.dumps(cycles(mesh, theory, precision, int(grid), options.cycles)))
        return
    results = {}
    print("| N | theory | precision | mesh | ms a cycle | cycles to z = 1 | start [s] | universe [s] | memory [MB] |")
    print("|---|---|---|---|---|---|---|---|---|")
    for grid in options.grids:
        for theory in ("gr", "newton"):
            for precision in ("double", "single"):
                for mesh in STEPS:
                    command = [sys.executable, __file__, "--cycles", str(options.cycles), "--case", mesh, theory]
                    out = subprocess.run([*command, precision, str(grid)], capture_output=True, text=True, check=True)
                    found = json.loads(out.stdout.splitlines()[-1])
                    results[f"{grid} {theory} {precision} {mesh}"] = found
                    print(
                        f"| {grid} | {theory} | {precision} | {mesh} | {found['ms']:.1f} | {found['cycles']} |"
                        f" {found['start_s']:.1f} | {found['universe_s']:.1f} | {found['memory_mb']:.0f} |",
                        flush=True,
                    )
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
