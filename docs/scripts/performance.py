"""Write docs/performance.md from what the benchmarks of the simulation left in benchmarks/results.

python benchmarks/simulation.py --grids 64 128                     z = 100 to 0, both theories and precisions
python benchmarks/simulation.py --grid 0 --grids 256 --cycles 6 --repeat 1 \\
    --results benchmarks/results/simulation256.json
python benchmarks/scaling.py
python benchmarks/startup.py
python benchmarks/size.py
python benchmarks/stages.py
python benchmarks/peers.py --jaxpm-python PYTHON --pmwd-python PYTHON
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

import peers  # noqa: E402
import size  # noqa: E402
import study_pair  # noqa: E402
from simulation import table  # noqa: E402

PAIRS = """## Pairs of a study

`python benchmarks/simulation.py --grid 128`: a pair as the preset `thesis` grows it (radiation, six snapshots, 21
spectra of phi and delta with 1024 bins, double precision, z = 100 to 0), and the same on the spectral mesh with its
steps. GR and Newton include their spectra and radiation, which are given apart too; radiation is what a pair without
it takes less.

{table}

"""

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

{pairs}## A large mesh

`python benchmarks/simulation.py --grid 0 --grids 256 --cycles 6 --repeat 1 --results
benchmarks/results/simulation256.json`: the same settings for six cycles, so seconds and memory are not those of a whole
run but milliseconds are.

{large}

{size}{stages}## Beside JaxPM and pmwd

`python benchmarks/peers.py --jaxpm-python PYTHON --pmwd-python PYTHON`: Newton, z = 100 to 1, one particle a cell of
20 Mpc/h, the same number of steps, each program in processes of its own bound to the same cores, with as many threads;
what the columns mean stands at the head of the script. JaxPM is from the package index, pmwd from its repository. JaxPM
leaves the integration to its user, here a compiled kick, drift, kick; pmwd brings its own. Both compile in every
process. Both assign by cloud in cell, as our staggered mesh does; the spectral mesh uses cubic splines, four interlaced
deposits and weights exact at second order. Ratios above 1 are of programs slower than ours in the same precision.

{peers}

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
  The command does not search for garbage while it imports and loads kernels, and at its end leaves alone what is still
  alive. A run of a settings.ini imports what a simulation needs and nothing else; a study is recognised as finished
  before anything is imported that its stages would work with (`tests/test_startup.py`).

`python benchmarks/startup.py`, whole processes:

{startup}
"""


SIZE = """## A pair at full size, and studies of many

`python benchmarks/size.py`: one pair of a study with radiation on the spectral mesh from z = 100 to 1, as `weakfield
simulate` grows it, in double precision; three cycles of the largest mesh that fits into 24 GB. What many pairs take is
arithmetic: pairs are independent, so 16 cores are taken to be eight machines like this one.

{table}

"""


STAGES = """## Stages of a study

`python benchmarks/stages.py`: every stage of the demo ({pairs} pairs of {grid}^3 cells), a command of its own, with one
worker and with two. The efficiency is the time of one over twice that of two; training, and spectra of small meshes,
use both cores with one worker already.

{table}

"""


def machine_text(machine: dict[str, Any]) -> str:
    return f"{machine['cores']} cores of {machine['processor']}"


def peers_text() -> str:
    """The table beside the peers, which need environments of their own and may not have been run."""
    try:
        found = json.loads((RESULTS / "peers.json").read_text())
    except FileNotFoundError:
        return "Not measured here yet."
    versions = {row["program"]: row["version"] for row in found["rows"] if row["program"] not in peers.OURS}
    named = "; ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{machine_text(found['machine'])}; {found['rows'][0]['steps']} steps; {named}.\n\n{peers.table(found['rows'])}"
    )


def size_text() -> str:
    """A pair at full size, where it has been grown."""
    try:
        found = json.loads((RESULTS / "size.json").read_text())
    except FileNotFoundError:
        return ""
    return SIZE.format(table=size.table(found))


def stages_text() -> str:
    """Seconds of the stages with one worker and with two, where they have been taken."""
    try:
        found = json.loads((RESULTS / "stages.json").read_text())
    except FileNotFoundError:
        return ""
    lines = ["| stage | 1 worker [s] | 2 workers [s] | efficiency |", "| --- | --- | --- | --- |"]
    for row in found["stages"]:
        times = " | ".join(f"{row[f'seconds {workers}']:.1f}" for workers in (1, 2))
        lines.append(f"| {row['stage']} | {times} | {row['efficiency 2']:.2f} |")
    return STAGES.format(pairs=found["pairs"], grid=found["grid"], table="\n".join(lines))


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
        pairs=PAIRS.format(table=study_pair.table(whole["pairs"])) if whole.get("pairs") else "",
        whole=table(whole["rows"]),
        large=table(large["rows"]),
        size=size_text(),
        stages=stages_text(),
        peers=peers_text(),
        fits="\n".join(lines),
        startup="\n".join(startup),
    )
    (ROOT / "docs" / "performance.md").write_text(page)


if __name__ == "__main__":
    main()
