"""Which species a run has: cold dark matter, baryons of their own, massive neutrinos (EQUATIONS 17, 18)."""

from __future__ import annotations

from weakfield.config.cosmology import CosmologySettings
from weakfield.config.simulation import WITH_RADIATION, SimulationSettings


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


def linear_neutrinos(settings: SimulationSettings, cosmology: CosmologySettings) -> bool:
    """Whether massive neutrinos are there and none of them ever becomes particles."""
    names = list(species_densities(settings, cosmology))
    massive = [i for i, name in enumerate(names) if name.startswith("ncdm")]
    return bool(massive) and not any(settings.tiling_of(i) for i in massive)


def require_neutrinos_possible(settings: SimulationSettings, cosmology: CosmologySettings) -> None:
    """Raise ``ValueError`` for massive neutrinos that a simulation with these settings cannot have."""
    if not cosmology.m_ncdm_ev:
        return
    needed: dict[str, tuple[str, ...]] = {
        "phi_integrator": ("euler",),
        "initial_conditions": ("linear",),
        "transfer": ("camb", "class", "file", "spectrum"),
    }
    if settings.mesh == "spectral":
        needed = {"initial_conditions": ("linear",), "transfer": WITH_RADIATION}
    for name, known in needed.items():
        if (found := getattr(settings, name)) not in known:
            raise ValueError(
                f"cosmology.m_ncdm_ev is given but simulation.{name} is '{found}', expected"
                f" {' or '.join(map(repr, known))}, which massive neutrinos need on the {settings.mesh} mesh"
            )
    if settings.mesh != "spectral":
        return
    if not linear_neutrinos(settings, cosmology):
        raise ValueError(
            f"species_tilings are {settings.species_tilings} but mesh is 'spectral', where massive neutrinos are linear"
            " fields; expected 0, or mesh = 'staggered'"
        )
    if not settings.linear_radiation:
        raise ValueError(
            "cosmology.m_ncdm_ev is given and radiation is false, expected radiation = true: on the spectral mesh"
            " massive neutrinos are linear fields as photons are"
        )


def _entry(values: tuple[float, ...], index: int, default: float) -> float:
    """An entry of a list of which the last is repeated, or the default if the list is empty."""
    return values[min(index, len(values) - 1)] if values else default
