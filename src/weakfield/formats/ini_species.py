"""The species of a settings.ini beside cold dark matter: their entries in lists that have one for each species."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from weakfield.base.errors import BadInput
from weakfield.formats.ini_keys import KEYS
from weakfield.formats.ini_text import IniText
from weakfield.formats.ini_values import ACROSS, WHOLES, quantity, words

Fields = dict[str, Any]  # values under the setting they become, as table.name

#: the lists in the order cdm, baryons if they are sampled, neutrinos
_LISTS = {"tiling factor": "simulation.species_tilings", "tracer factor": "simulation.species_tracer_factors"}


def read_species(ini: IniText, fields: Fields, template: Callable[[str], Path | str]) -> Fields:
    """The settings of all species after the first, given those read so far; ``template`` finds one by its name.

    A start from the power spectrum of matter has no baryons of their own, whatever ``baryon treatment`` says.
    """
    found: Fields = {}
    sampled = fields["simulation.baryon_treatment"] == "sample"
    if sampled and fields.get("simulation.transfer") == "spectrum":
        ini.warn(f"{ini.quoted('baryon treatment')}, but with 'mPk file' baryons are ignored, as gevolution does")
        found["simulation.baryon_treatment"], sampled = "ignore", False
    others = int(sampled) + len(fields.get("cosmology.m_ncdm_ev", ()))
    if others == 0:
        return found
    names = words(ini["template file"])[1 : 1 + others]
    if names:
        found["simulation.species_templates"] = tuple(template(name) for name in names)
    for key, setting in _LISTS.items():
        entries = ini.parsed(key, WHOLES)[1 : 1 + others] if ini.given(key) else ()
        if entries:
            found[setting] = entries
    found["simulation.cross_spectra"] = ACROSS in map(quantity, ini["Pk outputs"])
    return found


def read_neutrinos(ini: IniText) -> Fields:
    """The settings of massive neutrinos; none if no mass is above 0, and then other keys about them say nothing."""
    count = ini["N_ncdm"]
    masses = ini["m_ncdm"] if ini.given("m_ncdm") else ()
    if count is not None and count > len(masses):
        raise BadInput(f"{ini.quoted('N_ncdm')}, but 'm_ncdm' has {len(masses)} masses, expected one for each species")
    masses = masses if count is None else masses[: max(count, 0)]
    if not any(masses):
        return {}
    found: Fields = {"cosmology.m_ncdm_ev": masses}
    for key in ("T_ncdm", "deg_ncdm", "switch delta_ncdm", "switch B ncdm", "move limit"):
        if ini.given(key):
            value = ini[key]
            found[KEYS[key].field] = value[: len(masses)] if isinstance(value, tuple) else value
    return found
