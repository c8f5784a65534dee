"""A pair at full size, a few cycles of a mesh that barely fits, and what studies of many pairs cost by the first.

    python benchmarks/size.py                                a pair of 256^3 cells, and three cycles of 512^3
    python benchmarks/size.py --grid 64 --largest 128        smaller
    python benchmarks/size.py --largest 0                    the pair alone

The pair is one of a study: radiation, the spectral mesh with its start and steps, z = 100 to 1, phi at three redshifts,
double precision. The large mesh is staggered, in single precision, without radiation (``benchmarks/meshes.py``), which
is what fits into 24 GB. Every case is a process of its own with all cores; memory is its peak. The table of studies
counts pairs as independent of each other: on more cores than the machine has, as many machines like it grow pairs at
once, and nothing is said about one machine with more. Results go to the terminal and to benchmarks/results/size.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from simulation import processor

RESULTS = Path(__file__).parent / "results" / "size.json"
CELL_MPCH = 20.0
STUDIES, CORES = (300, 2000), (2, 16, 64)
STUDY = """
name = "size"
[seeds]
count = 1
[simulation]
grid = {grid}
box_size_mpch = {box}
initial_redshift = 100.0
snapshot_redshifts = [10.0, 5.0, 1.0]
spectra_redshifts = [10.0, 5.0, 1.0]
"""


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grid", type=int, default=256)
    parser.add_argument("--largest", type=int, default=512)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    machine = {"cores": len(os.sched_getaffinity(0)), "processor": processor()}
    with tempfile.TemporaryDirectory(prefix="weakfield-size-") as temporary:
        grow(16, Path(temporary) / "warm")  # compiles kernels
        found: dict[str, Any] = {"machine": machine, "pair": grow(options.grid, Path(temporary) / "run")}
    keep(found, options.results)
    if options.largest:
        keep(found | {"largest": few_cycles(options.largest)}, options.results)


def keep(found: dict[str, Any], results: Path) -> None:
    """Print and write what is known so far."""
    print(table(found), flush=True)
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(found, indent=1) + "\n")


def grow(grid: int, folder: Path) -> dict[str, float]:
    """One pair by the command line: wall seconds, seconds of processors, peak memory and bytes on disk."""
    study = folder.with_suffix(".toml")
    study.write_text(STUDY.format(grid=grid, box=CELL_MPCH * grid))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    command = [sys.executable, "-m", "weakfield", "simulate", str(study), "--out", str(folder), "--workers", "1"]
    subprocess.run(command, check=True, capture_output=True)
    seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "grid": grid,
        "seconds": seconds,
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "memory_mb": after.ru_maxrss / 1024,
        "disk_mb": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6,
    }


def few_cycles(grid: int) -> dict[str, float]:
    """Three cycles of GR in single precision on the staggered mesh."""
    script = Path(__file__).with_name("meshes.py")
    command = [sys.executable, str(script), "--cycles", "3", "--case", "staggered", "gr", "single", str(grid)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {"grid": grid} | found


def table(found: dict[str, Any]) -> str:
    """What was measured, and what studies of so many pairs take by it."""
    pair, here = found["pair"], found["machine"]["cores"]
    lines = [
        f"A pair of {pair['grid']}^3: {pair['seconds']:.0f} s on {here} cores ({pair['cpu_s']:.0f} s of processors),"
        f" {pair['memory_mb'] / 1000:.1f} GB of memory, {pair['disk_mb']:.0f} MB on disk."
    ]
    if large := found.get("largest"):
        lines.append(
            f"A cycle of {large['grid']}^3 in single precision, GR on the staggered mesh: {large['ms'] / 1000:.1f} s;"
            f" its start {large['start_s']:.0f} s; {large['memory_mb'] / 1000:.1f} GB of memory."
        )
    head = ["pairs", *(f"{count} cores" for count in CORES), "disk"]
    rows = [head, ["---"] * len(head)]
    for pairs in STUDIES:
        times = [pairs * pair["seconds"] * here / count / 3600 for count in CORES]
        rows.append([str(pairs), *(f"{hours:.1f} h" for hours in times), f"{pairs * pair['disk_mb'] / 1000:.0f} GB"])
    return "\n\n".join([*lines, "\n".join(f"| {' | '.join(row)} |" for row in rows)])


if __name__ == "__main__":
    main()
