"""Time of a simulation, whole and by phase, with peak memory, beside the reference program when it is at hand.

    python benchmarks/simulation.py                               a pair of a study with N = 128 on both meshes, then
                                                                  N = 64 and 128, both theories and precisions
    python benchmarks/simulation.py --grid 64 --grids             the pair alone, with N = 64: a minute
    python benchmarks/simulation.py --grids 64 --repeat 3
    python benchmarks/simulation.py --cycles 4 --grids 256        a few cycles of a large mesh
    python benchmarks/simulation.py --reference PATH --launch "mpirun -np 4 --oversubscribe" --template DIR

The first table is the configuration of a study (``study_pair.py``). In the second every run is a process of its own
(z = 100 to 0, step limit 0.04: 117 cycles, backward Euler, phi written once at the
end), kernels compiled by a run before. Times are those of whole processes, the median of ``--repeat``. With
``--reference`` the binary runs the same settings in turn with ours, both precisions beside the same run of it, and the
median of the ratios is given; ``--template`` holds its particle templates and a transfer file named tk.dat. The table
goes to the terminal and to benchmarks/results/simulation.json (or ``--results``).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import study_pair

RESULTS = Path(__file__).parent / "results" / "simulation.json"
PHASES = {
    "projections": ("project_stress_energy", "project_t0i", "paint"),
    "kick and drift": ("kick_drift_fields", "kick_drift_newton", "gradient"),
    "sources": ("phi_source", "stress_divergence"),
    "FFTs in planes": ("planes_forward", "planes_backward"),
    "FFTs along z, solution": ("solve_potential", "solve_chi_and_b"),
}
#: what is timed inside what: a phase does not count twice
INSIDE = {"FFTs along z, solution": "FFTs in planes"}
INI = """IC generator = basic
template file = sc1_crystal.dat
tiling factor = {tiling}
Tk file = {table}
seed = 42
correct displacement = yes
k-domain = sphere
h = 0.67556
omega_b = 0.022032
omega_cdm = 0.12038
T_cmb = 2.7255
N_ur = 3.046
initial redshift = 100.0
boxsize = {box}
Ngrid = {grid}
Courant factor = 48.0
time step limit = 0.04
gravity theory = {theory}
output path = {output}/
generic file base = lcdm
snapshot file base = snap
snapshot redshifts = 0
snapshot outputs = phi
"""


def one_run(grid: int, theory: str, precision: str, cycles: int | None, count: int = 0) -> dict[str, Any]:
    """Grow one universe in this process with ``count`` threads (0: as a run does); seconds by phase, peak memory."""
    begin = time.perf_counter()
    from weakfield.config import RunSettings, SimulationSettings
    from weakfield.mesh.kernels import cpu
    from weakfield.mesh.kernels.cpu.warm import compile_kernels
    from weakfield.mesh.threads import threads, threads_for_mesh
    from weakfield.simulation import output
    from weakfield.simulation.clock import Clock
    from weakfield.simulation.evolution import THEORIES
    from weakfield.simulation.initial_conditions import initial_universe
    from weakfield.simulation.universe import DTYPES

    spent: Counter[str] = Counter()

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            result = function(*arguments, **options)
            spent[name] += time.perf_counter() - start
            return result

        return wrapper

    for module in (cpu, cpu.solvers):
        for names in PHASES.values():
            for name in names:
                if hasattr(module, name):
                    setattr(module, name, timed(name, getattr(module, name)))
    settings = SimulationSettings(
        grid=grid, box_size_mpch=20.0 * grid, step_limit_hubble=0.04, second_order_terms=False, noise="gevolution",
        phi_integrator="euler", exact_redshifts=False, transfer="eisenstein-hu", precision=precision,
        mesh="staggered", start="linear", snapshot_redshifts=(0.0,), spectra_redshifts=(),
    )  # fmt: skip
    run = RunSettings(theory=theory, seed=42, simulation=settings)
    with threads(count or threads_for_mesh(grid)), tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        compile_kernels(DTYPES[precision], theory, False)  # as a run does; here they are loaded only
        universe = initial_universe(run)
        gravity, clock = THEORIES["staggered", run.theory, "euler"](), Clock(run, universe.background)
        outputs = output.Outputs(run, Path(folder))
        ready = time.perf_counter()
        spent.clear()
        while True:
            gravity.solve(universe, clock, False)
            outputs.write_due(universe, clock)
            if outputs.finished or clock.cycle + 1 == cycles:
                break
            gravity.move(universe, clock)
            clock.advance()
    end = time.perf_counter()
    done = clock.cycle + 1
    phases = {phase: sum(spent[name] for name in names) for phase, names in PHASES.items()}
    for outer, inner in INSIDE.items():
        phases[outer] -= phases[inner]
    phases["other and output"] = end - ready - sum(phases.values())
    return {
        "cycles": done,
        "whole": end - begin,
        "import": start - begin,
        "initial conditions": ready - start,
        "cycle_ms": 1e3 * (end - ready) / done,
        "phases_ms": {phase: 1e3 * seconds / done for phase, seconds in phases.items()},
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def ours(grid: int, theory: str, precision: str, cycles: int | None, threads: int = 0) -> dict[str, Any]:
    """``one_run`` in a fresh process; ``process`` is its whole time as a user sees it."""
    command = [sys.executable, __file__, "--one", str(grid), theory, precision, str(cycles or 0), str(threads)]
    begin = time.perf_counter()
    answer = subprocess.run(
        command, check=True, capture_output=True, text=True, env={"OMP_WAIT_POLICY": "PASSIVE"} | dict(os.environ)
    )
    return {**json.loads(answer.stdout.splitlines()[-1]), "process": time.perf_counter() - begin}


def theirs(binary: str, launch: str, template: Path, grid: int, theory: str) -> float:
    """Seconds of the reference program on the same settings."""
    with tempfile.TemporaryDirectory() as folder:
        ini = Path(folder) / "settings.ini"
        name = {"gr": "GR", "newton": "Newton"}[theory]
        ini.write_text(
            INI.format(
                tiling=grid // 4, table=template / "tk.dat", box=20.0 * grid, grid=grid, theory=name, output=folder
            ).replace("sc1_crystal", str(template / "sc1_crystal"))
        )
        command = [*shlex.split(launch), str(Path(binary).resolve()), "-n", "2", "-m", "2", "-s", str(ini)]
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
        return time.perf_counter() - begin


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: one row a case."""
    head = [
        "N",
        "theory",
        "precision",
        "process [s]",
        "ms a cycle",
        *PHASES,
        "other",
        "memory [MB]",
        "reference / ours",
    ]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in rows:
        phases = [f"{row['phases_ms'][phase]:.1f}" for phase in (*PHASES, "other and output")]
        ratio = f"{row['ratio']:.1f}" if "ratio" in row else ""
        cells = [
            str(row["grid"]), row["theory"], row["precision"], f"{row['process']:.1f}", f"{row['cycle_ms']:.1f}",
            *phases, f"{row['memory_mb']:.0f}", ratio,
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def processor() -> str:
    """What the processor calls itself, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def main() -> None:
    """What the command does: measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grid", type=int, default=128, help="of the pair in the first table; 0 leaves it out")
    parser.add_argument("--meshes", nargs="+", default=list(study_pair.MESHES), choices=study_pair.MESHES)
    parser.add_argument("--grids", type=int, nargs="*", default=[64, 128], help="of the second table")
    parser.add_argument("--theories", nargs="+", default=["gr", "newton"])
    parser.add_argument("--precisions", nargs="+", default=["double", "single"])
    parser.add_argument("--cycles", type=int, help="stop after so many cycles (default: all, to z = 0)")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--reference", help="path of the reference program's binary")
    parser.add_argument(
        "--launch", default="mpirun -np 4 --oversubscribe", help="how to start it, with 2 x 2 processes"
    )
    parser.add_argument(
        "--template", type=lambda path: Path(path).resolve(), help="folder with sc1_crystal.dat and tk.dat for it"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the numbers go")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        grid, theory, precision, *numbers = options.one
        cycles, *count = (int(number) for number in numbers)
        print(json.dumps(one_run(int(grid), theory, precision, cycles or None, *count)))
        return
    pairs = study_pair.measure(options.grid, options.meshes, options.repeat) if options.grid else []
    if pairs:
        print(study_pair.table(pairs) + "\n", flush=True)
    for precision in options.precisions if options.grids else ():
        for theory in options.theories:
            ours(16, theory, precision, 2)  # compiles what is not compiled yet
    rows = []
    for grid in options.grids:
        for theory in options.theories:
            runs: dict[str, list[dict[str, Any]]] = {precision: [] for precision in options.precisions}
            ratios: dict[str, list[float]] = {precision: [] for precision in options.precisions}
            for _ in range(options.repeat):
                for precision in options.precisions:
                    runs[precision].append(ours(grid, theory, precision, options.cycles))
                if options.reference and options.template and not options.cycles:
                    reference = theirs(options.reference, options.launch, options.template, grid, theory)
                    for precision in options.precisions:
                        ratios[precision].append(reference / runs[precision][-1]["process"])
            for precision, several in runs.items():
                median = sorted(several, key=lambda run: run["process"])[len(several) // 2]
                row = {"grid": grid, "theory": theory, "precision": precision, **median}
                rows.append(row | ({"ratio": statistics.median(ratios[precision])} if ratios[precision] else {}))
                print(table(rows[-1:]).splitlines()[-1], flush=True)
    machine = {"processor": processor(), "cores": len(os.sched_getaffinity(0))}
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(json.dumps({"machine": machine, "pairs": pairs, "rows": rows}, indent=1) + "\n")
    if rows:
        print(table(rows))


if __name__ == "__main__":
    main()
