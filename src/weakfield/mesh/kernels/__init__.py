"""Particle-mesh kernels in several kinds behind the same names.

``reference`` is plain PyTorch (any device, differentiable) and the definition; ``cpu`` is Numba, ``cuda`` Triton.
``deterministic`` is ``cuda`` with deposits that add in a fixed order.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

KINDS = ("reference", "cpu", "cuda", "deterministic")


def kernels_for(device_type: str, kind: str | None = None) -> ModuleType:
    """The kernel module for tensors on a device: Numba on a CPU, Triton elsewhere, unless ``kind`` names one."""
    kind = kind or ("cpu" if device_type == "cpu" else "cuda")
    if kind not in KINDS:
        raise ValueError(f"kernel kind is {kind!r}, expected one of {KINDS}")
    return import_module(f"weakfield.mesh.kernels.{kind}")
