"""Small universes on the spectral mesh, of dust and Lambda, for tests."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from weakfield.config import CosmologySettings, RunSettings
from weakfield.mesh import spectral
from weakfield.simulation.evolution import at_redshifts

#: no photons: the expansion is that of dust and Lambda, as the Eisenstein-Hu transfer functions have it
DUST = CosmologySettings(t_cmb_kelvin=0.0)


def spectral_run(
    theory: str, seed: int = 7, cosmology: CosmologySettings = DUST, inverted: bool = False, **simulation: Any
) -> RunSettings:
    """A run of 16^3 cells of 20 Mpc/h to z = 10 in steps of 0.1, what ``simulation`` says apart."""
    settings: dict[str, Any] = {
        "mesh": "spectral", "start": "growing-mode", "grid": 16, "transfer": "eisenstein-hu", "step_limit_hubble": 0.1,
        "snapshot_redshifts": (10.0,), "spectra_redshifts": (10.0,),
    } | simulation  # fmt: skip
    settings.setdefault("box_size_mpch", 20.0 * settings["grid"])
    return RunSettings(theory=theory, seed=seed, inverted=inverted, cosmology=cosmology, simulation=settings)


def potential(run: RunSettings, **options: Any) -> dict[float, Tensor]:
    """Modes of phi by redshift."""
    return {
        round(clock.redshift, 6): spectral.modes_of(_phi(universe).double())
        for universe, clock in at_redshifts(run, **options)
    }


def _phi(universe) -> Tensor:
    return spectral.field_of(universe.phi_modes, universe.n)


def band(n: int, box_size_mpch: float, low: float, high: float) -> Tensor:
    """Weights of the modes with low < k <= high [h/Mpc]: how often each stands for a mode of the whole mesh."""
    mesh = spectral.continuum(n, torch.device("cpu"))
    k = torch.sqrt(mesh.k2) / box_size_mpch
    weight = torch.full(k.shape, 2.0, dtype=torch.float64)
    weight[:, :, 0] = 1.0
    inside = ((k > low) & (k <= high)).double() * mesh.inside
    inside[0, 0, 0] = 0.0
    return weight * inside


def response(found: Tensor, expected: Tensor, weight: Tensor) -> tuple[float, float]:
    """Response and correlation of modes with those expected."""
    cross = float((weight * (found * expected.conj()).real).sum())
    one, two = (float((weight * f.abs() ** 2).sum()) for f in (found, expected))
    return cross / two, cross / (one * two) ** 0.5


def rms(modes: Tensor, weight: Tensor) -> float:
    """Root of the summed power."""
    return float((weight * modes.abs() ** 2).sum()) ** 0.5
