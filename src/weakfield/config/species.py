"""Which species a run has: cold dark matter, baryons of their own, massive neutrinos (EQUATIONS 17, 18)."""

from __future__ import annotations

from weakfield.config.cosmology import CosmologySettings
from weakfield.config.simulation import SimulationSettings


def species_densities(settings: SimulationSettings, cosmology: CosmologySettings) -> dict[str, float]:
    """The species in the order of the lists of settings, by the name in their files, with the Omega of each today.

    Cold dark matter stands for all matter but neutrinos unless baryons are sampled. A species of neutrinos is listed
    whether or not it has particles.
    """
    found = {"cdm": cosmology.Omega_cb}
    if settings.baryon_treatment == "sample":
        found = {"cdm": cosmology.Omega_c, "b": cosmology.Omega_b}
    return found | {f"ncdm{p}": omega for p, omega in enumerate(cosmology.Omega_ncdm)}


def neutrino_switches(settings: SimulationSettings, cosmology: CosmologySettings) -> dict[str, tuple[float, float]]:
    """Redshifts below which the particles of each species of neutrinos are part of T00 and of T0_i (EQUATIONS 18.4)."""
    found = {}
    names = [name for name in species_densities(settings, cosmology) if name.startswith("ncdm")]
    first = len(species_densities(settings, cosmology)) - len(names)
    for p, name in enumerate(names):
        default = settings.initial_redshift if settings.tiling_of(first + p) else 0.0
        density = _entry(settings.switch_delta_ncdm, p, default)
        found[name] = density, _entry(settings.switch_b_ncdm, p, default)
    return found


def chi_switch(settings: SimulationSettings, cosmology: CosmologySettings, newton: bool) -> float:
    """The redshift below which linear radiation leaves chi, and neutrinos enter T_ij.

    It is at least that below which neutrinos enter T00.
    """
    redshift = settings.switch_linear_chi
    if redshift is None:
        redshift = 0.011 if newton else 0.0
    return max([redshift, *(density for density, _ in neutrino_switches(settings, cosmology).values())])


def _entry(values: tuple[float, ...], index: int, default: float) -> float:
    """An entry of a list of which the last is repeated, or the default if the list is empty."""
    return values[min(index, len(values) - 1)] if values else default
