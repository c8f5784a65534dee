"""Time of Newton beside JaxPM and pmwd: equal particles, cells, redshifts, steps and cores, in one run.

    python benchmarks/peers.py                                                     ours alone
    python benchmarks/peers.py --jaxpm-python VENV/bin/python --pmwd-python VENV/bin/python
    python benchmarks/peers.py --grids 64 --repeat 5 ...

JaxPM: ``pip install jaxpm packaging`` into an environment of its own. pmwd: an environment with jax below 0.6 and mcfit
in which its repository is installed or on ``--pmwd-path``. A peer that cannot run is left out with the reason.

One particle a cell, cells of 20 Mpc/h, z = 100 to 1, dust and Lambda, as many steps as ours takes with
``--step-limit``. Every run is a process bound to the same ``--threads`` cores, which each program finds and takes as
its number of threads; "cores" is processor time by wall time and shows it. A cycle is a step with one solution for the
forces, from the second run of a process on. "process" is a whole process of one run; "compilation" is what the first
run in a process takes more than later ones, and "start" the rest of a process beside its cycles: Python, imports,
initial conditions. JAX compiles in every process; ours loads code that is compiled once on a machine, before this
starts. Processes run in turn, figures are medians of ``--repeat``. "growth" is that of the modes below 1.5 times the
fundamental one in units of linear theory, "rms" that of the density of cells at the end: a run whose growth is wrong by
more than 5 % is not timed. Ratios are of the row to ours in the same precision. The table goes to the terminal and to
benchmarks/results/peers.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peer_case import CELL_MPCH, COSMOLOGY, REDSHIFTS
from simulation import processor

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "peers.json"
#: our meshes, by which the others are divided
OURS = ("spectral", "staggered")
PRECISIONS = ("single", "double")
GROWTH_TOLERANCE = 0.05
LOWEST_MODES = (0.5, 1.5)  # wavenumbers by the fundamental one
HEAD = (
    "N", "program", "precision", "process [s]", "start [s]", "compilation [s]", "ms a cycle",
    "ns a particle and cycle", "cores", "growth", "rms", "cycle / spectral", "cycle / staggered",
    "process / spectral", "without compilation",
)  # fmt: skip
#: what is divided by ours, and by which of ours
RATIOS = (("cycle_ms", "spectral"), ("cycle_ms", "staggered"), ("process_s", "spectral"), ("compiled_s", "spectral"))


@dataclass(frozen=True)
class Contender:
    """A program at one precision: the Python and worker that run it."""

    name: str
    precision: str
    python: str
    worker: str
    arguments: tuple[str, ...] = ()
    path: str | None = None


def contenders(options: argparse.Namespace, precision: str) -> list[Contender]:
    """Ours, then the peers that there is a Python for."""
    limit = ("--step-limit", str(options.step_limit))
    found = [Contender(mesh, precision, sys.executable, "peer_weakfield.py", ("--mesh", mesh, *limit)) for mesh in OURS]
    for name, python, path in (
        ("JaxPM", options.jaxpm_python, None),
        ("pmwd", options.pmwd_python, options.pmwd_path),
    ):
        if python is not None:
            found.append(Contender(name, precision, python, f"peer_{name.lower()}.py", path=path))
    return found


def environment(contender: Contender, threads: int) -> dict[str, str]:
    """Threads for those who ask the environment; the cores themselves are inherited."""
    count = str(threads)
    variables = {
        "WEAKFIELD_THREADS": count, "NUMBA_NUM_THREADS": count, "OMP_NUM_THREADS": count,
        "JAX_PLATFORMS": "cpu",
    }  # fmt: skip
    if contender.worker != "peer_weakfield.py":
        variables["PYTHONPATH"] = contender.path or ""
    return {"OMP_WAIT_POLICY": "PASSIVE"} | dict(os.environ) | variables


def run(contender: Contender, options: argparse.Namespace, grid: int, *more: str) -> dict[str, Any]:
    """What a process of the contender says, with its wall time; ``reason`` if it fails."""
    command = [contender.python, str(HERE / contender.worker), "--grid", str(grid), "--precision", contender.precision]
    begin = time.perf_counter()
    try:
        done = subprocess.run(
            [*command, *contender.arguments, *more],
            capture_output=True,
            text=True,
            env=environment(contender, options.threads),
        )
    except OSError as error:
        return {"reason": str(error)}
    seconds = time.perf_counter() - begin
    if done.returncode:
        return {"reason": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]}
    answer = dict(json.loads(done.stdout.splitlines()[-1]))
    if answer["cores"] != options.threads:
        return {"reason": f"it ran on {answer['cores']} cores, expected {options.threads}"}
    return answer | {"process": seconds}


def growth_and_rms(positions: Path, grid: int) -> tuple[float, float]:
    """Growth of the lowest modes between both redshifts by linear theory's, and rms of the density at the end."""
    import numpy as np

    from weakfield.config import CosmologySettings
    from weakfield.cosmology.growth import growth_factor
    from weakfield.spectra import paint_density, power_spectrum

    values = {name: COSMOLOGY[name] for name in ("h", "omega_b", "omega_cdm")}
    linear = np.divide(*growth_factor(CosmologySettings(**values, t_cmb_kelvin=0.0), REDSHIFTS)[::-1])
    box = CELL_MPCH * grid
    with np.load(positions) as kept:
        first, last = (paint_density(np.mod(kept[name], box), grid, box) for name in ("first", "last"))
    before, after = (float(power_spectrum(field, box, LOWEST_MODES).power[0]) for field in (first, last))
    return float(np.sqrt(after / before) / linear), float(last.std())


def checked_run(contender: Contender, options: argparse.Namespace, grid: int, steps: list[str]) -> dict[str, Any]:
    """A process that is not timed, and whether what it grew is right."""
    with tempfile.TemporaryDirectory() as folder:
        positions = Path(folder) / "positions.npz"
        answer = run(contender, options, grid, *steps, "--positions", str(positions))
        if "reason" in answer:
            return answer
        growth, rms = growth_and_rms(positions, grid)
    if not abs(growth - 1) <= GROWTH_TOLERANCE:
        return {"reason": f"its lowest modes grow by {growth:.3f} of linear theory"}
    return {name: answer[name] for name in ("version", "steps", "solutions")} | {"growth": growth, "rms": rms}


def timed_run(contender: Contender, options: argparse.Namespace, grid: int, steps: list[str]) -> dict[str, float]:
    """Figures of two processes, one of a single run and one of several."""
    alone = run(contender, options, grid, *steps)
    several = run(contender, options, grid, *steps, "--runs", str(1 + options.runs))
    for answer in (alone, several):
        if "reason" in answer:
            raise SystemExit(f"{contender.name}, N={grid}, {contender.precision}: {answer['reason']}")
    grow = statistics.median(several["grows"][1:])
    warm = statistics.median(several["starts"][1:]) + grow
    compilation = several["starts"][0] + several["grows"][0] - warm
    return {
        "process_s": alone["process"],
        "compilation_s": compilation,
        "compiled_s": alone["process"] - compilation,
        "start_s": alone["process"] - compilation - grow,
        "cycle_ms": 1e3 * grow / several["solutions"],
        "cores": statistics.median(several["busy"][1:]),
        "memory_mb": alone["memory_mb"],
    }


def measured(options: argparse.Namespace, grid: int, precision: str) -> list[dict[str, Any]]:
    """A row for each contender of this size and precision."""
    checked: dict[Contender, dict[str, Any]] = {}
    steps: list[str] = []
    for contender in contenders(options, precision):
        checked[contender] = checked_run(contender, options, grid, steps)
        if "reason" in checked[contender]:
            print(f"N={grid} {precision}: {contender.name} left out: {checked[contender]['reason']}", flush=True)
        elif not steps:
            steps = ["--steps", str(checked[contender]["steps"])]
    running = [contender for contender, answer in checked.items() if "reason" not in answer]
    rounds: dict[Contender, list[dict[str, float]]] = {contender: [] for contender in running}
    for _ in range(options.repeat):
        for contender in running:
            rounds[contender].append(timed_run(contender, options, grid, steps))
    by_name = {contender.name: rounds[contender] for contender in running}
    rows = []
    for contender in running:
        figures = {name: statistics.median(one[name] for one in rounds[contender]) for name in rounds[contender][0]}
        row = {"grid": grid, "program": contender.name, "precision": precision, **checked[contender], **figures}
        row["particle_ns"] = 1e6 * row["cycle_ms"] / grid**3
        for name, ours in RATIOS:
            pairs = zip(rounds[contender], by_name.get(ours, ()), strict=False)
            several = [one[name] / own[name] for one, own in pairs]
            row |= {f"{name} / {ours}": statistics.median(several)} if several else {}
        rows.append(row)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: a contender a row; ratios above 1 are of what takes longer than ours."""
    lines = ["| " + " | ".join(HEAD) + " |", "|" + " --- |" * len(HEAD)]
    digits = {"process_s": 1, "start_s": 1, "compilation_s": 1, "cycle_ms": 1, "particle_ns": 1, "cores": 1}
    for row in rows:
        cells = [str(row["grid"]), row["program"], row["precision"]]
        cells += [f"{row[name]:.{places}f}" for name, places in (digits | {"growth": 3, "rms": 2}).items()]
        for name, ours in RATIOS:
            ratio = row.get(f"{name} / {ours}")
            cells.append(f"{ratio:.1f}" if ratio is not None else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """What the command does: bind to cores, measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grids", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--precisions", nargs="+", default=PRECISIONS, choices=PRECISIONS)
    parser.add_argument("--repeat", type=int, default=3, help="processes of which the median is taken")
    parser.add_argument("--runs", type=int, default=2, help="timed runs in a process, after a first")
    parser.add_argument("--threads", type=int, default=2, help="cores, and threads, of every program")
    parser.add_argument("--step-limit", type=float, default=0.2, help="of ours in Hubble times; gives the steps of all")
    parser.add_argument("--jaxpm-python", metavar="PYTHON", help="a Python that imports jaxpm")
    parser.add_argument("--pmwd-python", metavar="PYTHON", help="a Python that imports what pmwd needs")
    parser.add_argument("--pmwd-path", metavar="DIR", help="folder that holds the package pmwd, if not installed")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the numbers go")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[: options.threads]
    if len(cores) < options.threads:
        parser.error(f"--threads is {options.threads}, expected at most the {len(cores)} cores of this machine")
    os.sched_setaffinity(0, cores)  # the processes started here inherit it
    for name in ("jaxpm", "pmwd"):
        if getattr(options, f"{name}_python") is None:
            print(f"{name} left out: no --{name}-python given")
    rows = []
    for grid in options.grids:
        for precision in options.precisions:
            rows += measured(options, grid, precision)
            print(table(rows), flush=True)
    machine = {"processor": processor(), "cores": len(cores)}
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
