"""What every program of benchmarks/peers.py grows and times, in a process of its own; standard library alone.

A worker calls ``report`` with a function that imports its program and returns a ``Program``; it prints a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

BEGIN = time.perf_counter()
#: Lambda and matter alone: no peer has radiation in its background
COSMOLOGY = {"h": 0.67556, "omega_b": 0.022032, "omega_cdm": 0.12038, "a_s": 2.215e-9, "n_s": 0.9619, "sigma8": 0.84}
OMEGA_B = COSMOLOGY["omega_b"] / COSMOLOGY["h"] ** 2
OMEGA_M = OMEGA_B + COSMOLOGY["omega_cdm"] / COSMOLOGY["h"] ** 2
REDSHIFTS = (100.0, 1.0)
CELL_MPCH = 20.0


class Program(Protocol):
    """One simulation of a program: ``solutions`` is how often it solves for the forces on its way to the end."""

    version: str
    steps: int
    solutions: int

    def start(self) -> Any:
        """Particles at the first redshift, there to be moved."""

    def grow(self, state: Any) -> Any:
        """Particles at the last redshift."""

    def positions(self, state: Any) -> Any:
        """(3, P), x, y, z in Mpc/h, as a NumPy array."""


def report(load: Callable[[argparse.Namespace], Program]) -> None:
    """Run as the command line says, and print what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--grid", type=int, required=True)
    parser.add_argument("--precision", choices=("single", "double"), required=True)
    parser.add_argument("--mesh", choices=("spectral", "staggered"), help="of weakfield")
    parser.add_argument("--step-limit", type=float, help="of weakfield, in Hubble times")
    parser.add_argument("--steps", type=int, help="of the peers")
    parser.add_argument("--runs", type=int, default=1, help="whole runs in this process")
    parser.add_argument("--positions", type=Path, help="file for the positions of the last run, at both redshifts")
    options = parser.parse_args()
    program = load(options)
    imported = time.perf_counter() - BEGIN
    starts, grows, busy = [], [], []
    for _ in range(options.runs):
        begin = time.perf_counter()
        state = program.start()
        first = program.positions(state).copy() if options.positions else None
        ready, processor = time.perf_counter(), time.process_time()
        state = program.grow(state)
        starts.append(ready - begin)
        grows.append(time.perf_counter() - ready)
        busy.append((time.process_time() - processor) / grows[-1])
    if options.positions:
        import numpy as np

        np.savez(options.positions, first=first, last=program.positions(state))
    answer = {
        "version": program.version, "steps": program.steps, "solutions": program.solutions, "import": imported,
        "starts": starts, "grows": grows, "busy": busy, "cores": len(os.sched_getaffinity(0)),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip
    print(json.dumps(answer))
