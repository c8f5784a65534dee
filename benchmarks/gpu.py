"""Time of simulations on a GPU: one universe by phase, and an ensemble of pairs in one process.

    python benchmarks/gpu.py                            all of the below
    python benchmarks/gpu.py --grids 256 --pairs 0      one universe alone
    python benchmarks/gpu.py --grids --pairs 60         the ensemble alone
    python benchmarks/gpu.py --files DIR --pairs 60     the ensemble as 'weakfield simulate' writes it, in a run folder

One universe: z = 100 to 0, both theories and precisions, on the staggered mesh with a step limit of 0.04 (117 cycles)
and backward Euler, and on the spectral mesh with its own start and steps; the kernels are compiled by a short run
before. Seconds are those of the loop with nothing but the end waited for; phases are taken with CUDA events in a second
run. The ensemble: N = 256, z = 100 to 1, the mesh, start and steps of a study, linear radiation, phi at z = 10 and
z = 1 kept in host memory. What 300 and 2000 pairs would take is extrapolated from it and says so. The agreement with
the CPU is of phi at z = 0 and N = 64. The tables go to the terminal and to benchmarks/results/gpu.json. On a machine
without a CUDA GPU there is nothing to time, and one line says so.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch

from weakfield.config import RunFolder, RunSettings, SimulationSettings, StudyConfig
from weakfield.mesh import fft
from weakfield.mesh.devices import why_not
from weakfield.mesh.kernels import kernels_for
from weakfield.simulation.clock import Clock
from weakfield.simulation.evolution import THEORIES
from weakfield.simulation.initial_conditions import initial_universe
from weakfield.simulation.study_cache import StudyCache
from weakfield.simulation.universe import Universe
from weakfield.simulation.writer import ThreadedWriter

RESULTS = Path(__file__).parent / "results" / "gpu.json"
PHASES = {
    "projections": ("project_stress_energy", "project_t0i", "paint"),
    "kick and drift": ("kick_drift_gr", "kick_drift_newton", "gradient", "pack_metric"),
    "transforms": ("forward", "backward"),
    "field algebra": (
        "phi_source", "stress_divergence", "divide_by_laplacian", "solve_chi", "advance_b", "transverse_part",
        "add_realisation",
    ),
}  # fmt: skip
EXTRAPOLATED = (300, 2000)


#: what is of one mesh only; its other settings are those of every study
ON_MESH: dict[str, dict[str, Any]] = {
    "staggered": {
        "start": "linear", "step_limit_hubble": 0.04, "second_order_terms": False, "noise": "gevolution",
        "phi_integrator": "euler", "exact_redshifts": False, "transfer": "eisenstein-hu",
    },
    "spectral": {"start": "growing-mode"},
}  # fmt: skip


class Case(NamedTuple):
    """One universe to be timed."""

    mesh: str
    theory: str
    precision: str

    def run(self, grid: int, device: str = "cuda") -> RunSettings:
        """Its settings; on the staggered mesh those of the benchmark of the CPU."""
        settings = SimulationSettings.model_validate(
            {
                "grid": grid, "box_size_mpch": 20.0 * grid, "precision": self.precision, "device": device,
                "mesh": self.mesh, "snapshot_redshifts": (0.0,), "spectra_redshifts": (),
            }
            | ON_MESH[self.mesh]
        )  # fmt: skip
        return RunSettings.model_validate({"theory": self.theory, "seed": 42, "simulation": settings})


def ensemble_study(grid: int, pairs: int, precision: str) -> StudyConfig:
    """Pairs at N = 256 with all that the study turns on."""
    simulation = {
        "grid": grid, "box_size_mpch": 20.0 * grid, "precision": precision, "device": "cuda",
        "snapshot_redshifts": (10.0, 1.0), "spectra_redshifts": (),
    }  # fmt: skip
    return StudyConfig.from_mapping(
        {"name": "gpu", "seeds": {"first": 1, "count": max(pairs, 1)}, "simulation": simulation}
    )


def grow(universe: Universe, cycles: int | None = None, keep: Callable[[torch.Tensor], None] | None = None) -> int:
    """The main loop without files, through the last output; phi goes to ``keep`` at each. Returns the cycles."""
    run = universe.run
    gravity = THEORIES[run.simulation.mesh, run.theory, run.simulation.phi_integrator]()
    clock = Clock(run, universe.background)
    due = sorted(run.simulation.snapshot_redshifts, reverse=True)
    while True:
        gravity.solve(universe, clock, False)
        while due and clock.passed(due[0]):
            due.pop(0)
            if keep is not None:
                keep(universe.phi)
        if not due or clock.cycle + 1 == cycles:
            return clock.cycle + 1
        gravity.move(universe, clock)
        clock.advance()


@contextmanager
def phases() -> Iterator[dict[str, float]]:
    """Milliseconds on the device by phase, filled in when the block ends."""
    events: dict[str, list[Any]] = defaultdict(list)

    def timed(phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with an event of the device recorded before and after it."""

        def wrapper(*arguments: Any, **options: Any) -> Any:
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            result = function(*arguments, **options)
            end.record()
            events[phase].append((begin, end))
            return result

        return wrapper

    modules, kept, spent = (kernels_for("cuda"), fft), [], dict.fromkeys(PHASES, 0.0)
    for phase, names in PHASES.items():
        for module in modules:
            for name in names:
                if hasattr(module, name):
                    kept.append((module, name, getattr(module, name)))
                    setattr(module, name, timed(phase, getattr(module, name)))
    try:
        yield spent
    finally:
        for module, name, function in kept:
            setattr(module, name, function)
        torch.cuda.synchronize()
        for phase, pairs in events.items():
            spent[phase] = sum(begin.elapsed_time(end) for begin, end in pairs)


def time_one(grid: int, case: Case) -> dict[str, Any]:
    """Seconds of one universe, by phase, and peak memory."""
    run = case.run(grid)
    shared = StudyCache(run)
    grow(initial_universe(run, shared=shared), cycles=3)  # compiles, plans transforms
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    begin = time.perf_counter()
    universe = initial_universe(run, shared=shared)
    torch.cuda.synchronize()
    ready = time.perf_counter()
    cycles = grow(universe)
    launched = time.perf_counter()
    torch.cuda.synchronize()
    end = time.perf_counter()
    peak = torch.cuda.max_memory_allocated() / 2**20
    universe = initial_universe(run, shared=shared)
    with phases() as spent:
        grow(universe)
    return {
        "grid": grid, **case._asdict(), "cycles": cycles, "seconds": end - ready,
        "launch_seconds": launched - ready, "initial_seconds": ready - begin,
        "phases_ms": {phase: value / cycles for phase, value in spent.items()}, "memory_mib": peak,
    }  # fmt: skip


def time_ensemble(grid: int, pairs: int, precision: str) -> dict[str, Any]:
    """Seconds of so many pairs in this process, with what each pair leaves allocated on the device."""
    study = ensemble_study(grid, pairs, precision)
    runs = [[study.run_settings(theory, seed) for theory in ("newton", "gr")] for seed in study.seeds.all]
    fields: list[torch.Tensor] = []
    torch.cuda.reset_peak_memory_stats()
    begin = time.perf_counter()
    shared, ends, held = StudyCache(runs[0][0]), [], []
    with ThreadedWriter() as writer:

        def keep(phi: torch.Tensor) -> None:
            host = writer.hold(phi)
            writer.submit(lambda: fields.append(host().clone()))

        for pair in runs:
            for run in pair:
                grow(initial_universe(run, shared=shared), keep=keep)
            torch.cuda.synchronize()
            ends.append(time.perf_counter() - begin)
            held.append(torch.cuda.memory_allocated() / 2**20)
    whole = time.perf_counter() - begin
    assert len(fields) == 4 * pairs
    assert all(bool(torch.isfinite(field).all()) for field in fields[-4:])
    later = (ends[-1] - ends[0]) / max(pairs - 1, 1)
    return {
        "grid": grid, "pairs": pairs, "precision": precision, "seconds": whole, "first_pair_seconds": ends[0],
        "later_pair_seconds": later, "memory_peak_mib": torch.cuda.max_memory_allocated() / 2**20,
        "memory_after_pairs_mib": [min(held[1:] or held), max(held[1:] or held)],
        "extrapolated_seconds": {str(n): ends[0] + (n - 1) * later for n in EXTRAPOLATED},
    }  # fmt: skip


def time_files(grid: int, pairs: int, precision: str, folder: Path) -> dict[str, Any]:
    """Seconds of the same pairs as ``weakfield simulate`` grows and writes them."""
    from weakfield.pairs import simulate

    study, begin = ensemble_study(grid, pairs, precision), time.perf_counter()
    simulate(study, RunFolder(folder).root)
    return {"grid": grid, "pairs": pairs, "precision": precision, "seconds_with_files": time.perf_counter() - begin}


def agreement(grid: int, case: Case) -> dict[str, Any]:
    """Largest and rms difference of phi from the CPU's, over the largest and rms value."""
    fields = []
    for device in ("cuda", "cpu"):
        universe = initial_universe(case.run(grid, device))
        cycles = grow(universe)
        fields.append(universe.phi.cpu().double())
    apart = fields[0] - fields[1]
    return {
        "grid": grid, **case._asdict(), "cycles": cycles,
        "largest": float(apart.abs().max() / fields[1].abs().max()), "rms": float(apart.norm() / fields[1].norm()),
    }  # fmt: skip


def table(rows: list[list[str]]) -> str:
    """Markdown, the first row its head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def printed(found: dict[str, Any]) -> str:
    """All tables."""
    parts = [f"{found['gpu']}, PyTorch {found['torch']}, Triton {found['triton']}"]
    if found["universes"]:
        head = ["N", *Case._fields, "cycles", "loop [s]", "launching [s]", "start [s]", *PHASES, "peak [MiB]"]
        rows = [
            [str(r["grid"]), *(r[name] for name in Case._fields), str(r["cycles"]), f"{r['seconds']:.2f}",
             f"{r['launch_seconds']:.2f}", f"{r['initial_seconds']:.2f}",
             *(f"{r['phases_ms'][phase]:.2f}" for phase in PHASES), f"{r['memory_mib']:.0f}"]
            for r in found["universes"]
        ]  # fmt: skip
        parts.append("One universe; phases in ms a cycle\n" + table([head, *rows]))
    if found["agreement"]:
        rows = [
            [str(r["grid"]), *(r[name] for name in Case._fields), f"{r['largest']:.1e}", f"{r['rms']:.1e}"]
            for r in found["agreement"]
        ]
        parts.append("phi against the CPU, relative\n" + table([["N", *Case._fields, "largest", "rms"], *rows]))
    if e := found["ensemble"]:
        low, high = e["memory_after_pairs_mib"]
        parts.append(
            f"{e['pairs']} pairs at N = {e['grid']}, {e['precision']}: {e['seconds'] / 60:.2f} min, first pair"
            f" {e['first_pair_seconds']:.1f} s, each later one {e['later_pair_seconds']:.2f} s; device memory at most"
            f" {e['memory_peak_mib']:.0f} MiB, after each pair but the first {low:.0f} to {high:.0f} MiB\n"
            + "\n".join(
                f"extrapolated, not run: {n} pairs {s / 60:.1f} min" for n, s in e["extrapolated_seconds"].items()
            )
        )
    if f := found["files"]:
        parts.append(
            f"{f['pairs']} pairs with all files, as 'weakfield simulate': {f['seconds_with_files'] / 60:.2f} min"
        )
    return "\n\n".join(parts)


def main() -> None:
    """What the command does: measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grids", type=int, nargs="*", default=[64, 128, 256], help="of one universe")
    parser.add_argument("--meshes", nargs="+", choices=ON_MESH, default=list(ON_MESH))
    parser.add_argument("--theories", nargs="+", default=["gr", "newton"])
    parser.add_argument("--precisions", nargs="+", default=["single", "double"])
    parser.add_argument("--pairs", type=int, default=60, help="of the ensemble; 0: none")
    parser.add_argument("--pair-grid", type=int, default=256)
    parser.add_argument("--pair-precision", default="single")
    parser.add_argument(
        "--files", type=Path, metavar="DIR", help="grow the ensemble with its files too, into a run folder"
    )
    parser.add_argument("--agreement-grid", type=int, default=64, help="0: none")
    options = parser.parse_args()
    hindrance = why_not()
    if hindrance is not None:
        print(f"nothing to time here: {hindrance}")
        return
    import triton

    cases = [Case(m, t, p) for m in options.meshes for p in options.precisions for t in options.theories]
    found: dict[str, Any] = {
        "gpu": torch.cuda.get_device_name(), "torch": torch.__version__, "triton": triton.__version__,
        "machine": platform.machine(),
        "universes": [time_one(grid, case) for grid in options.grids for case in cases],
        "agreement": [agreement(options.agreement_grid, case) for case in cases] if options.agreement_grid else [],
        "ensemble": time_ensemble(options.pair_grid, options.pairs, options.pair_precision) if options.pairs else None,
        "files": time_files(options.pair_grid, options.pairs, options.pair_precision, options.files)
        if options.files and options.pairs else None,
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(printed(found))


if __name__ == "__main__":
    main()
