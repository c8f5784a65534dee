"""Particle-mesh kernels in several kinds behind the same names.

``reference`` is plain PyTorch (any device, differentiable) and the definition; ``cpu`` is Numba.
"""

from __future__ import annotations

from types import ModuleType


def kernels_for(device_type: str, kind: str | None = None) -> ModuleType:
    """The kernel module for tensors on a device: Numba on a CPU, PyTorch elsewhere, unless ``kind`` names one."""
    kind = kind or ("cpu" if device_type == "cpu" else "reference")
    if kind == "cpu":
        from weakfield.mesh.kernels import cpu

        return cpu
    if kind == "reference":
        from weakfield.mesh.kernels import reference

        return reference
    raise ValueError(f"kernel kind is {kind!r}, expected 'cpu' or 'reference'")
