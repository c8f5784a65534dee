"""Compile the CPU kernels of every kind of run, one mesh a process: tests that run side by side find them on disk."""

from __future__ import annotations

import os
import sys
from itertools import product
from multiprocessing import get_context

MESHES = ("staggered", "spectral")


def compile_of(mesh: str) -> None:
    """All kernels of a mesh, in both theories and precisions; those on disk are only loaded."""
    import torch

    from weakfield.config import THEORIES
    from weakfield.mesh.kernels.cpu.warm import compile_kernels

    for dtype, theory in product((torch.float64, torch.float32), THEORIES):
        compile_kernels(dtype, theory, needs_chi=True, mesh=mesh, spectra=True)


if __name__ == "__main__":
    os.environ["WEAKFIELD_THREADS"] = "1"
    started = [get_context("spawn").Process(target=compile_of, args=(mesh,)) for mesh in MESHES]
    for process in started:
        process.start()
    for process in started:
        process.join()
    sys.exit(any(process.exitcode for process in started))
