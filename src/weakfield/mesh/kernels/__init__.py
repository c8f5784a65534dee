"""Particle-mesh kernels: several backends, all with the interface that ``contract.Kernels`` defines.

``reference`` is plain PyTorch (any device, differentiable) and serves as the definition; ``cpu`` is written in Numba,
``cuda`` in Triton. ``deterministic`` is ``cuda`` with deposits that add in a fixed order.
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


#: each is loaded only when asked for, because Triton is not installed everywhere
BACKENDS: dict[str, Callable[[], Kernels]] = {
    "reference": _reference,
    "cpu": _cpu,
    "cuda": _cuda,
    "deterministic": _deterministic,
}


def kernels_for(device_type: str, backend: str | None = None) -> Kernels:
    """The kernels for tensors on a device: Numba on a CPU, Triton elsewhere, unless ``backend`` names another."""
    backend = backend or ("cpu" if device_type == "cpu" else "cuda")
    if backend not in BACKENDS:
        raise ValueError(f"backend is {backend!r}, expected one of {', '.join(BACKENDS)}")
    return BACKENDS[backend]()
