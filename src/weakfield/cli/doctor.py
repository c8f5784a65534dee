"""What works on this machine: everything a study needs is tried on a small example, not just looked up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from weakfield.base.provenance import cores, git_commit, machine, versions
from weakfield.config import CosmologySettings, SimulationSettings

_GRID = 8  # cells per side of the meshes used in the trials


@dataclass(frozen=True)
class Trial:
    """One thing that was tried, whether it worked and what it reported; studies do not run without those ``needed``."""

    name: str
    works: bool
    note: str
    needed: bool


@dataclass(frozen=True)
class Examination:
    """The results of all trials."""

    versions: dict[str, str | None]
    machine: dict[str, Any]
    threads: dict[str, int]
    gpu: str
    trials: tuple[Trial, ...]

    @property
    def healthy(self) -> bool:
        """Whether everything that every study needs works."""
        return all(trial.works for trial in self.trials if trial.needed)

    def as_json(self) -> dict[str, Any]:
        """The results for ``--json``."""
        return {**asdict(self), "healthy": self.healthy}

    def as_text(self) -> str:
        """The results as readable text."""
        rows = [(name, version or "not installed") for name, version in self.versions.items()]
        rows += [("machine", f"{self.machine['type']}, {self.machine['system']}, {self.machine['cores']} cores")]
        rows += [("threads", ", ".join(f"{name} {count}" for name, count in self.threads.items()))]
        rows += [("GPU", self.gpu)]
        for trial in self.trials:
            rows.append((trial.name, ("works" if trial.works else "does not work") + f": {trial.note}"))
        width = max(len(name) for name, _ in rows) + 2
        return "\n".join(name.ljust(width) + text for name, text in rows)


def examine() -> Examination:
    """Try the transfer-function providers, the particle-mesh kernels and a gradient, on meshes of 8 cells per side."""
    import numba
    import torch

    found = versions() | {"git commit": git_commit()}
    return Examination(
        versions={name: version for name, version in found.items() if name != "git commit" or version is not None},
        machine=machine(),
        threads={"numba": numba.get_num_threads(), "torch": torch.get_num_threads(), "cores": cores()},
        gpu=_gpu(),
        trials=(
            *(_tried(f"transfer {name}", partial(_provider, name), name == "eisenstein-hu") for name in _providers()),
            _tried("kernels reference", lambda: _kernels("reference"), needed=True),
            _tried("kernels cpu", lambda: _kernels("cpu"), needed=True),
            _tried("kernels cuda", lambda: _kernels("cuda"), needed=False),
            _tried("universe cuda", lambda: universe("cuda"), needed=False),
            _tried("training step", _training_step, needed=True),
        ),
    )


def _tried(name: str, attempt: Callable[[], str], needed: bool) -> Trial:
    try:
        return Trial(name, True, attempt(), needed)
    except Exception as error:
        return Trial(name, False, f"{type(error).__name__}: {error}", needed)


def _gpu() -> str:
    """The GPUs that are there, and where a simulation with device "auto" would run."""
    import torch

    from weakfield.mesh.devices import describe, device_for, why_not

    names = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())) or "none found"
    hindrance = why_not()
    where = "cpu" if hindrance else describe(device_for("cuda"))
    return f'{names}; with device = "auto" simulations run on {where}' + (f" ({hindrance})" if hindrance else "")


def _providers() -> list[str]:
    """The sources of transfer functions that compute them, rather than read them."""
    from weakfield.cosmology.transfer import PROVIDERS

    return [name for name in PROVIDERS if name != "file"]


def _provider(name: str) -> str:
    """Transfer functions of the default cosmology at z = 100 over a box with cells of the demo's size."""
    from weakfield.cosmology.transfer import box_wavenumbers, transfer_history

    settings = SimulationSettings.from_mapping({"grid": _GRID, "box_size_mpch": 20.0 * _GRID, "transfer": name})
    functions = transfer_history(settings, CosmologySettings()).at(1.0 / (1.0 + settings.initial_redshift))
    low, high = box_wavenumbers(settings.box_size_mpch, settings.grid)
    if not functions.k_hmpc[0] <= low < high <= functions.k_hmpc[-1]:
        raise ValueError(f"covers k from {functions.k_hmpc[0]:g} to {functions.k_hmpc[-1]:g} h/Mpc")
    contrast = functions.column("delta", "cdm")
    return f"{len(functions.k_hmpc)} wavenumbers, delta_cdm {contrast[0]:.4g} to {contrast[-1]:.4g} for zeta = 1"


def _kernels(backend: str) -> str:
    """Paint displaced particles and read a field back: mass must be conserved and the two must be adjoint."""
    import numpy as np
    import torch

    from weakfield.mesh.devices import why_not
    from weakfield.mesh.kernels import kernels_for
    from weakfield.mesh.particles import Particles

    device = torch.device("cuda" if backend == "cuda" else "cpu")
    hindrance = why_not() if backend == "cuda" else None
    if hindrance is not None:
        raise ValueError(hindrance)
    sites = np.stack(np.meshgrid(*[(np.arange(_GRID) + 0.25) / _GRID] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    particles = Particles.at_rest(_GRID, sites, np.arange(len(sites)), 1.0 / len(sites), torch.float64)
    draw = torch.Generator().manual_seed(0)
    particles.displacement += torch.randn((3, len(sites)), generator=draw, dtype=torch.float64)
    field = torch.randn((_GRID,) * 3, generator=draw, dtype=torch.float64).to(device)
    particles = particles.to(device)
    kernels = kernels_for(device.type, backend)
    painted = kernels.paint(particles)
    mass = float(painted.sum()) / len(sites) - 1.0
    adjoint = float((painted * field).sum() - kernels.read(particles, field).sum()) / len(sites)
    if max(abs(mass), abs(adjoint)) > 1e-12:  # sums of 512 doubles of order one
        raise ValueError(f"mass is off by {mass:.1e}, paint and read are adjoint to {adjoint:.1e}")
    return f"mass to {abs(mass):.0e}, paint and read adjoint to {abs(adjoint):.0e}"


def universe(backend: str) -> str:
    """Three cycles of GR with a backend and with the reference kernels, in double precision: equal up to rounding.

    Raises ``ValueError`` if they differ by more than 1e-10 of the largest value of a field, or if the backend does not
    run.
    """
    from weakfield.config import RunSettings
    from weakfield.mesh.devices import why_not
    from weakfield.simulation.clock import Clock
    from weakfield.simulation.evolution import THEORIES
    from weakfield.simulation.initial_conditions import initial_universe

    hindrance = why_not() if backend == "cuda" else None
    if hindrance is not None:
        raise ValueError(hindrance)
    grown = []
    for one in (backend, "reference"):
        settings = SimulationSettings.from_mapping(
            {
                "mesh": "staggered",
                "start": "linear",
                "grid": _GRID,
                "box_size_mpch": 20.0 * _GRID,
                "transfer": "eisenstein-hu",
                "device": "cuda" if one == "cuda" else "cpu",
            }
        )
        run = RunSettings(theory="gr", seed=0, simulation=settings)
        there = initial_universe(run, backend=one)
        clock, gravity = Clock(run, there.background), THEORIES[settings.mesh, run.theory, settings.phi_integrator]()
        for _ in range(3):
            gravity.solve(there, clock, True)
            gravity.move(there, clock)
            clock.advance()
        grown.append({name: getattr(there, name).cpu() for name in ("phi", "chi", "b")})
    gaps = {name: float((x - grown[1][name]).abs().max() / x.abs().max()) for name, x in grown[0].items()}
    said = ", ".join(f"{name} to {gap:.0e}" for name, gap in gaps.items())
    if not all(gap < 1e-10 for gap in gaps.values()):  # NaN does not count as agreement
        raise ValueError(f"three cycles of a universe differ from the definition of the kernels: {said}")
    return f"three cycles of a universe agree with the definition of the kernels: {said}"


def _training_step() -> str:
    """One gradient of a circular convolution."""
    import torch

    layer = torch.nn.Conv3d(1, 2, 3, padding=1, padding_mode="circular")
    layer(torch.ones(1, 1, _GRID, _GRID, _GRID)).square().mean().backward()
    gradient = layer.weight.grad
    if gradient is None or not bool(torch.isfinite(gradient).all()):
        raise ValueError("the gradient is not finite")
    return "a circular 3-D convolution has a gradient"
