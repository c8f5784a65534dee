"""Particle-mesh kernels: several backends, all of the form that ``contract.Kernels`` gives.

``reference`` is plain PyTorch (any device, differentiable) and the definition; ``cpu`` is Numba, ``cuda`` Triton.
``deterministic`` is ``cuda`` with deposits that add in a fixed order.
"""

from __future__ import annotations

from collections.abc import Callable

from weakfield.mesh.kernels.contract import Kernels


def _reference() -> Kernels:
    from weakfield.mesh.kernels import reference

    return reference


def _cpu() -> Kernels:
    from weakfield.mesh.kernels import cpu

    return cpu


def _cuda() -> Kernels:
    from weakfield.mesh.kernels import cuda

    return cuda


def _deterministic() -> Kernels:
    from weakfield.mesh.kernels import deterministic

    return deterministic


#: loaded when asked for: Triton is not everywhere
BACKENDS: dict[str, Callable[[], Kernels]] = {
    "reference": _reference,
    "cpu": _cpu,
    "cuda": _cuda,
    "deterministic": _deterministic,
}


def kernels_for(device_type: str, backend: str | None = None) -> Kernels:
    """The kernels for tensors on a device: Numba on a CPU, Triton elsewhere, unless ``backend`` names others."""
    backend = backend or ("cpu" if device_type == "cpu" else "cuda")
    if backend not in BACKENDS:
        raise ValueError(f"backend is {backend!r}, expected one of {', '.join(BACKENDS)}")
    return BACKENDS[backend]()
