"""Massive neutrinos at the start: their thermal momenta on top of linear theory (EQUATIONS 18.2, 18.3)."""

from __future__ import annotations

from dataclasses import replace

import torch

from weakfield.config import RunSettings
from weakfield.config.species import chi_switch, neutrino_switches
from weakfield.mesh.thermal import thermal_momenta
from weakfield.simulation.neutrino_motion import largest_speed
from weakfield.simulation.species import Neutrinos, Species


def heated(run: RunSettings, species: Species) -> Species:
    """The species with thermal momenta of its own stream of random numbers, seed + p, added to those of the flow."""
    index, particles = int(species.name.removeprefix("ncdm")), species.particles
    drawn = thermal_momenta(particles.ids.cpu().numpy(), run.seed + index, run.cosmology.thermal_ncdm[index])
    particles.momentum += torch.from_numpy(drawn).to(particles.momentum)
    density, momentum = neutrino_switches(run.simulation, run.cosmology)[species.name]
    stress = chi_switch(run.simulation, run.cosmology, run.theory == "newton")
    of_its_own = Neutrinos(
        density_from=1.0 / (1.0 + density),
        momentum_from=1.0 / (1.0 + momentum),
        stress_from=1.0 / (1.0 + stress),
        speed=largest_speed(particles, 1.0 / (1.0 + run.simulation.initial_redshift)),
    )
    return replace(species, neutrinos=of_its_own)
