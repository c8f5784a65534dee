"""Time per particle of what deposits, reads and moves particles: cloud in cell beside cubic splines.

    python benchmarks/particles.py                          N = 64 and 128, both precisions, one and two threads
    python benchmarks/particles.py --grids 64 --threads 1 --repeat 20

One particle a cell, displaced from its centre by 0.3 cells; the least of ``--repeat`` times, in nanoseconds
(of one thread the time it had a processor, of several that on the clock). "packed" are fields without gaps, "apart"
those of ``packed.spread_out``. The table goes to the terminal and to benchmarks/results/particles.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from weakfield.mesh.kernels import cpu
from weakfield.mesh.kernels.contract import Step, WeightedStep
from weakfield.mesh.packed import PACKED, VECTOR, spread_out
from weakfield.mesh.particles import Particles
from weakfield.mesh.threads import threads

RESULTS = Path(__file__).parent / "results" / "particles.json"


def particles(n: int, dtype: torch.dtype) -> Particles:
    """One a cell, near its centre."""
    centres = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) / n] * 3, indexing="ij"), -1).reshape(-1, 3)
    p = Particles.at_rest(n, centres, np.arange(n**3), 1.0 / n**3, dtype)
    generator = torch.Generator().manual_seed(1)
    p.displacement += 0.3 * torch.randn((3, n**3), generator=generator).to(dtype)
    p.momentum += 1e-3 * torch.randn((3, n**3), generator=generator).to(dtype)
    return p


def calls(n: int, dtype: torch.dtype) -> dict[str, Callable[[], object]]:
    """By name, every kernel with its arguments. Kicks and drifts of size 0, so that particles stay where they are."""
    p, size = particles(n, dtype), (n, n, n)
    rho, phi = torch.zeros(size, dtype=dtype), torch.full(size, 1e-5, dtype=dtype)
    out, metric = torch.zeros((*size, PACKED), dtype=dtype), torch.full((*size, PACKED), 1e-5, dtype=dtype)
    result: dict[str, Callable[[], object]] = {
        "CIC paint": lambda: cpu.paint(p, None, 1.0, rho),
        "CIC stress-energy": lambda: cpu.project_stress_energy(p, phi, None, 0.0, 0.1, True, out),
        "CIC stress-energy, momenta at the time": lambda: cpu.project_stress_energy(p, phi, phi, 0.1, 0.1, True, out),
        "CIC motion, Newton": lambda: cpu.kick_drift_newton(p, phi, 0.0, 0.0),
        "CIC motion, GR": lambda: cpu.kick_drift_gr(p, metric, Step(0.1, 0.1, 0.0, 0.0, True, True, True)),
        "PCS paint": lambda: cpu.paint_pcs(p, None, 1.0, rho),
        "PCS stress-energy without a metric, packed": lambda: cpu.project_pcs(p, None, 0.0, 0.1, out),
    }

    def splines(kind: str, out: torch.Tensor, metric: torch.Tensor, vector: torch.Tensor) -> None:
        result[f"PCS stress-energy, {kind}"] = lambda: cpu.project_pcs(p, metric, 0.0, 0.1, out)
        result[f"PCS stress-energy, momenta at the time, {kind}"] = lambda: cpu.project_pcs(p, metric, 0.1, 0.1, out)
        still = WeightedStep(1.0, 0.0, 0.0, 0.1, 0.1)
        result[f"PCS motion, Newton, {kind}"] = lambda: cpu.kick_drift_newton_pcs(p, vector, still)
        result[f"PCS motion, GR, {kind}"] = lambda: cpu.kick_drift_pcs(p, metric, vector, still)

    splines("packed", out, metric, torch.full((*size, VECTOR), 1e-5, dtype=dtype))
    out, metric, vector = (spread_out(n, count, dtype).fill_(1e-5) for count in (PACKED, PACKED, VECTOR))
    splines("apart", out, metric, vector)
    return result


def smallest(call: Callable[[], object], repeat: int, clock: Callable[[], float]) -> float:
    """Seconds of the quickest of ``repeat`` calls, after one that is not counted."""
    call()
    times = []
    for _ in range(repeat):
        begin = clock()
        call()
        times.append(clock() - begin)
    return min(times)


def main() -> None:
    """Read the command line, time, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grids", type=int, nargs="*", default=[64, 128])
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows = []
    for n in options.grids:
        for dtype in (torch.float64, torch.float32):
            for name, call in calls(n, dtype).items():
                row = {"grid": n, "precision": str(dtype).removeprefix("torch."), "kernel": name}
                for count in options.threads:
                    clock = time.thread_time if count == 1 else time.perf_counter
                    with threads(count):
                        row[f"ns, {count} threads"] = round(1e9 * smallest(call, options.repeat, clock) / n**3, 1)
                rows.append(row)
                print("  ".join(f"{value!s:>8}" if key != "kernel" else f"{value:48}" for key, value in row.items()))
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(json.dumps({"machine": platform.processor(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
