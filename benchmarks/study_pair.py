"""A pair of universes as a study grows it: radiation, six snapshots, 21 spectra, double precision, z = 100 to 0.

The first table of ``benchmarks/simulation.py`` is made of it. A pair is a process of its own, with one cache of the
study as ``weakfield simulate`` has it: GR, then Newton. A second process grows the same pair without radiation and
without spectra; what GR and Newton take less there, spectra apart, is the cost of radiation.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MESHES = ("staggered", "spectral")
#: keys of the preset for the reference program's mesh and its steps; the spectral mesh has defaults of its own
_STAGGERED = (
    "mesh", "start", "template", "courant_factor", "step_limit_hubble", "phi_integrator", "exact_redshifts",
    "second_order_terms", "correct_displacement", "k_domain", "noise", "transfer_nodes", "vector_method",
)  # fmt: skip
COLUMNS = ("GR", "Newton", "spectra", "radiation", "start", "pair")


def study_of(grid: int, mesh: str, radiation: bool = True) -> Any:
    """The preset ``thesis`` with so many cells of the same size, on one of the two meshes."""
    import weakfield.config
    from weakfield.config import StudyConfig

    preset = Path(weakfield.config.__file__).parent / "presets" / "thesis.toml"
    values = tomllib.loads(preset.read_text(encoding="utf-8"))
    simulation = values["simulation"] | {"grid": grid, "box_size_mpch": 20.0 * grid}
    if mesh == "spectral":
        simulation = {key: value for key, value in simulation.items() if key not in _STAGGERED} | {"mesh": "spectral"}
    if not radiation:
        simulation |= {"radiation": False, "spectra_redshifts": []}
        if mesh == "spectral":  # whose start needs radiation where the transfer functions have it
            simulation |= {"transfer": "eisenstein-hu"}
    kept = {key: values[key] for key in ("name", "seeds", "cosmology")}
    return StudyConfig.from_mapping(kept | {"simulation": simulation}, "the benchmark")


def one_pair(grid: int, mesh: str, radiation: bool) -> dict[str, float]:
    """Grow one pair in this process: seconds of its members and of their spectra, peak memory in MB."""
    from weakfield.simulation.evolution import grow_member
    from weakfield.simulation.output import Outputs
    from weakfield.simulation.study_cache import StudyCache

    spent = 0.0

    def timed(name: str) -> None:
        function = getattr(Outputs, name)

        def wrapper(*arguments: Any) -> None:
            nonlocal spent
            begin = time.perf_counter()
            function(*arguments)
            spent += time.perf_counter() - begin

        setattr(Outputs, name, wrapper)

    for name in ("_write_spectra", "_keep_preliminary"):
        timed(name)
    study = study_of(grid, mesh, radiation)
    found = {}
    begin = time.perf_counter()
    shared = StudyCache(study.run_settings("gr", 0))
    _ = shared.history
    found["start"] = time.perf_counter() - begin
    for theory, column in (("gr", "GR"), ("newton", "Newton")):
        with tempfile.TemporaryDirectory() as folder:
            begin = time.perf_counter()
            grow_member(study.run_settings(theory, 0), Path(folder), shared=shared)
            found[column] = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found | {"spectra": spent, "memory_mb": peak}


def in_process(grid: int, mesh: str, radiation: bool = True) -> dict[str, float]:
    """``one_pair`` in a fresh process; "pair" is all of its time."""
    command = [sys.executable, __file__, str(grid), mesh, str(int(radiation))]
    begin = time.perf_counter()
    answer = subprocess.run(
        command, check=True, capture_output=True, text=True, env={"OMP_WAIT_POLICY": "PASSIVE"} | dict(os.environ)
    )
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found | {"pair": time.perf_counter() - begin}


def measure(grid: int, meshes: Iterable[str], repeat: int) -> list[dict[str, Any]]:
    """A row a mesh, the medians of so many pairs."""
    rows = []
    for mesh in meshes:
        for radiation in (True, False):
            in_process(16, mesh, radiation)  # compiles what is not compiled yet
        runs, bare = ([in_process(grid, mesh, radiation) for _ in range(repeat)] for radiation in (True, False))
        row: dict[str, Any] = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        plain = statistics.median(run["GR"] + run["Newton"] for run in bare)
        row["radiation"] = row["GR"] + row["Newton"] - row["spectra"] - plain
        rows.append({"grid": grid, "mesh": mesh} | row)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: one row a mesh; GR and Newton include the spectra and the radiation."""
    head = ["N", "mesh", *(f"{column} [s]" for column in COLUMNS), "memory [MB]"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in rows:
        seconds = (f"{row[column]:.1f}" for column in COLUMNS)
        lines.append(f"| {row['grid']} | {row['mesh']} | " + " | ".join(seconds) + f" | {row['memory_mb']:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(json.dumps(one_pair(int(sys.argv[1]), sys.argv[2], sys.argv[3] == "1")))
