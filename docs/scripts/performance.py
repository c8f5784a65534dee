"""Write docs/performance.md from what the benchmarks of the simulation left in benchmarks/results.

python benchmarks/simulation.py --grids 64 128                     z = 100 to 0, both theories and precisions
python benchmarks/simulation.py --grids 256 --cycles 6 --repeat 1 --results benchmarks/results/simulation256.json
python benchmarks/scaling.py
python benchmarks/startup.py
python docs/scripts/performance.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
sys.path.insert(0, str(ROOT / "benchmarks"))

from simulation import table  # noqa: E402

PAGE = """# How fast it is

Made by `python docs/scripts/performance.py` from what the commands on this page printed; run them on your machine for
numbers of your own. This one: {machine}, nothing else running.

## Whole runs

`python benchmarks/simulation.py --grids 64 128 --reference BINARY --template FOLDER`: one universe from z = 100 to 0,
{cycles} cycles, Courant 48, step limit 0.04, backward Euler without second-order terms, box of 20 Mpc/h a cell, one
snapshot of phi. Seconds are those of the whole process, start of Python included; milliseconds are of one cycle, by
phase; memory is the peak. Kernels were compiled before. The last column divides the time of the reference program
(double precision, 4 processes on the same 2 cores, the fewest it runs with; run in turn with ours) by ours.

{whole}

## A large mesh

`python benchmarks/simulation.py --grids 256 --cycles 6 --repeat 1 --results benchmarks/results/simulation256.json`: the
same settings for six cycles, so seconds and memory are not those of a whole run but milliseconds are.

{large}

## Against the size of the mesh

`python benchmarks/scaling.py`: median of three processes of ten cycles, fit from N = 64 on.

![Time of a cycle against N](images/scaling.png)

{fits}

## What it is made of

- **Particles.** Stress-energy and metric lie eight numbers a site, side by side (`mesh/packed.py`): a particle reads or
  adds to all of them in one vector a corner. Particles stay in the order of their lattice sites, so a slab of particles
  touches a slab of the mesh; slabs of two colours take turns, and sums have one order for any number of threads.
  Planes of the stress-energy are cleared just before particles add to them, and planes of the metric are put together
  just before particles read them, so neither is fetched from memory for it.
- **Transforms.** Sides that are multiples of 16 with factors 2, 3 and 5 go through our own transforms, eight lines at a
  time; others through DUCC. Fields are transformed along x and y plane by plane while a plane is in cache; along z
  together with the solution of the field equation and the way back, so fully transformed modes never go to memory, but
  those of B.
- **Four forward transforms, not six,** for chi and B: the equations need the trace of S_ij and its lattice divergence
  only (EQUATIONS 5.2, 5.3).
- **Single precision** holds the GR - Newton difference of a pair to 1 % (`pytest tests/simulation/test_evolution.py -k
  single -m "slow or not slow"`): positions are displacements from lattice sites, densities are summed from minus their
  mean on, small steps are added up before they meet a position, and initial conditions are made in double precision.
- **Start-up.** Compiled kernels are kept on disk, and the first run on a machine shows a bar while it compiles them.
  The command collects garbage seldom while it imports, and at its end leaves alone what is still alive.

`python benchmarks/startup.py`, whole processes:

{startup}
"""


def machine_text(machine: dict[str, Any]) -> str:
    return f"{machine['cores']} cores of {machine['processor']}"


def main() -> None:
    """Write the page."""
    whole, large, scaling = (
        json.loads((RESULTS / f"{name}.json").read_text()) for name in ("simulation", "simulation256", "scaling")
    )
    lines = ["| theory | precision | time of a cycle | bytes a particle |", "| --- | --- | --- | --- |"]
    for fit in scaling["fits"]:
        lines.append(
            f"| {fit['theory']} | {fit['precision']} | N^{fit['exponent']:.2f} | {fit['bytes_a_particle']:.0f} |"
        )
    startup = ["| process | seconds |", "| --- | --- |"]
    for name, seconds in json.loads((RESULTS / "startup.json").read_text()).items():
        startup.append(f"| {name} | {seconds:.2f} |")
    page = PAGE.format(
        machine=machine_text(whole["machine"]),
        cycles=whole["rows"][0]["cycles"] - 1,
        whole=table(whole["rows"]),
        large=table(large["rows"]),
        fits="\n".join(lines),
        startup="\n".join(startup),
    )
    (ROOT / "docs" / "performance.md").write_text(page)


if __name__ == "__main__":
    main()
