"""The cosmology of a settings.ini, by whichever names it is stated: those of gevolution and those of CLASS.

A quantity that is stated twice must be stated alike. Names that only CLASS knows are used where they leave no doubt,
and warned of where they cannot be; of a finished run they say nothing, because the reference program passes over them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from weakfield.base.errors import BadInput
from weakfield.config.cosmology import NCDM_EV_PER_OMEGA, OMEGA_GAMMA_PER_KELVIN4
from weakfield.formats.ini_keys import KEYS
from weakfield.formats.ini_species import read_neutrinos
from weakfield.formats.ini_text import IniText, shortened
from weakfield.formats.ini_values import NUMBER, number

_NUR_PER_PHOTON = (7.0 / 8.0) * (4.0 / 11.0) ** (4.0 / 3.0)
_N_UR = 3.046
_LARGEST_LOG = 700.0


@dataclass(frozen=True)
class Way:
    """A key that states a quantity, and what it makes of it; the reference program does not know those for CLASS."""

    key: str
    value: Callable[[float], float] = float
    class_alone: bool = False


def _amplitude(log: float) -> float:
    return math.exp(min(log, _LARGEST_LOG)) * 1e-10


def _hundredth(value: float) -> float:
    return float(Decimal(repr(value)) / 100)  # 67.556 km/s/Mpc is 0.67556, to the last bit


_H = (Way("h"), Way("H0", _hundredth, True))
_A_S = (Way("A_s"), *(Way(key, _amplitude, True) for key in ("ln10^{10}A_s", "ln_A_s_1e10")))
#: what states a quantity that is computed here, and which quantity can be given instead
_DERIVED = {
    **dict.fromkeys(("100*theta_s", "theta_s_100", "theta_s", "100*theta_star", "theta_star_100"), "h"),
    **dict.fromkeys(("sigma8", "S8", "sigma8_cb"), "A_s"),
}
_PRIMORDIAL = ("A_s", "n_s", "k_pivot")
#: names of CLASS for what is read or compared here
STATED_FOR_CLASS = (
    "H0", "ln10^{10}A_s", "ln_A_s_1e10", "Omega_m", "omega_m", "Omega_Lambda", "YHe", "r", *_DERIVED,
)  # fmt: skip


def read_cosmology(ini: IniText) -> dict[str, Any]:
    """The settings of the table ``cosmology``, under their names as table.name; defaults taken become notes."""
    h = _stated(ini, _H, most=1e-3)
    h = _default(ini, "h") if h is None else h
    per_h2 = _scaled(h * h)
    omega_b = _stated(ini, (Way("omega_b"), Way("Omega_b", per_h2)))
    omega_b = _default(ini, "omega_b", 0.0, "no baryons") if omega_b is None else omega_b
    t_cmb = _temperature(ini, per_h2)
    omega_gamma = OMEGA_GAMMA_PER_KELVIN4 * (t_cmb * t_cmb) * (t_cmb * t_cmb)
    n_ur = _massless_neutrinos(ini, per_h2, omega_gamma)
    radiation = omega_gamma * (1.0 + n_ur * _NUR_PER_PHOTON)
    neutrinos = read_neutrinos(ini)
    degeneracies = (*neutrinos.get("cosmology.deg_ncdm", ()), 1.0, 1.0, 1.0, 1.0)
    massive = sum(
        m * g / NCDM_EV_PER_OMEGA for m, g in zip(neutrinos.get("cosmology.m_ncdm_ev", ()), degeneracies, strict=False)
    )
    fluid = _fluid(ini, per_h2)
    fields = {
        "cosmology.h": h,
        "cosmology.omega_b": omega_b,
        "cosmology.omega_cdm": _dark_matter(
            ini, h * h, omega_b, radiation, massive, fluid.get("cosmology.omega_fld", 0.0)
        ),
        "cosmology.t_cmb_kelvin": t_cmb,
        "cosmology.n_ur": n_ur,
        **neutrinos,
        **_primordial(ini),
        **fluid,
    }
    _warn_of_the_rest(ini)
    return fields


def _scaled(factor: float) -> Callable[[float], float]:
    return lambda x: x * factor


def _stated(ini: IniText, ways: tuple[Way, ...], most: float = 0.01) -> float | None:
    """The quantity by the first of its names that is given; ``BadInput`` if another name contradicts it.

    Statements may differ by the rounding with which the coarser one is written, and at most by the fraction ``most``.
    """
    given = [way for way in ways if ini.given(way.key)]
    used = next((way for way in given if not (way.class_alone and ini.finished)), None)
    if used is None:
        for way in given:
            ini.warn(f"{ini.quoted(way.key)}, which gevolution does not read: the finished run did not have it")
        return None
    first = _value(ini, used)
    for way in given:
        if way is used:
            continue
        ini.unread.add(way.key)
        if abs(_value(ini, way) - first) <= max(_slack(ini, way, most), _slack(ini, used, most)):
            continue
        stated = f"'{used.key}' is '{shortened(ini.values[used.key])}'"
        said = f"{ini.quoted(way.key)} but {stated}, and these contradict each other"
        if not ini.finished:
            raise BadInput(f"{said}; expected one of them")
        ini.warn(f"{said}; '{used.key}' is what gevolution reads")
    if used.class_alone:
        name = ways[0].key
        ini.note(f"'{used.key}' is '{shortened(ini.values[used.key])}', so {name} = {first:.6g}")
        ini.instead[used.key] = f"{name} = {first!r}"
    return first


def _value(ini: IniText, way: Way) -> float:
    """The quantity that a key states."""
    found = way.value(ini.parsed(way.key, NUMBER))
    if not math.isfinite(found):
        raise BadInput(f"{ini.quoted(way.key)}, expected a finite number")
    return found


def _slack(ini: IniText, way: Way, most: float) -> float:
    """How far a quantity may be from what a key states: a unit of its last digit, and at most the fraction ``most``."""
    found = re.match(r"\s*[+-]?(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?", ini.values[way.key], re.ASCII)
    value = number(ini.values[way.key])
    if found is None or value == 0.0 or not math.isfinite(value):
        return 0.0
    unit = 10.0 ** (int(found[3] or 0) - len(found[2]))
    step = min(unit, most * abs(value)) + 1e-9 * abs(value)
    return abs(way.value(value + step) - way.value(value))


def _default(ini: IniText, key: str, value: float | None = None, meaning: str = "") -> float:
    """The default of a key, which is said."""
    taken = KEYS[key].default if value is None else value
    ini.note(f"'{key}' is not given, so it is {taken:g}" + (f": {meaning}" if meaning else ""))
    return float(taken)


def _temperature(ini: IniText, per_h2: Callable[[float], float]) -> float:
    """The temperature of the CMB [K], from that of the photons or from their density."""
    for key in ("omega_g", "Omega_g"):
        if ini.given(key) and ini[key] < 0:
            raise BadInput(f"{ini.path}: '{key}' is {ini[key]:g}, expected a density of 0 or more")

    def kelvin(omega: float) -> float:
        return float((max(omega, 0.0) / OMEGA_GAMMA_PER_KELVIN4) ** 0.25)

    ways = (Way("T_cmb"), Way("omega_g", kelvin), Way("Omega_g", lambda x: kelvin(per_h2(x))))
    found = _stated(ini, ways)
    return _default(ini, "T_cmb", 0.0, "no photons and no massless neutrinos") if found is None else found


def _massless_neutrinos(ini: IniText, per_h2: Callable[[float], float], omega_gamma: float) -> float:
    """N_ur under any of its names; without photons there is nothing to scale a density from."""
    names = (Way("N_ur"), Way("N_eff"))
    if omega_gamma == 0.0:
        found = _stated(ini, names)
        for key in ("omega_ur", "Omega_ur"):
            if found is None and ini.given(key):
                if ini[key] != 0.0:
                    raise BadInput(f"{ini.path}: '{key}' is {ini[key]:g} but there are no photons, expected T_cmb too")
                found = 0.0
        return _N_UR if found is None else found
    one = _NUR_PER_PHOTON * omega_gamma
    densities = (Way("omega_ur", lambda x: x / one), Way("Omega_ur", lambda x: per_h2(x) / one))
    found = _stated(ini, (*names, *densities))
    return _default(ini, "N_ur", _N_UR) if found is None else found


def _fluid(ini: IniText, per_h2: Callable[[float], float]) -> dict[str, Any]:
    """Dark energy that is not Lambda; with w0 = -1 it is Lambda to the reference program, whatever wa is."""
    stated = _stated(ini, (Way("omega_fld"), Way("Omega_fld", per_h2)))
    if not stated:
        return {}
    if ini["w0_fld"] == -1.0:
        if ini["wa_fld"] != 0.0:
            ini.warn(f"{ini.quoted('wa_fld')}, but with w0_fld = -1 the fluid is Lambda, as in gevolution")
        return {}
    if ini["wa_fld"] != 0.0 and ini["fluid treatment"]:
        ini.note("perturbations of the fluid have a density without 'wa_fld', as in gevolution")
    fields = {"cosmology.omega_fld": stated, "simulation.fluid_density": "gevolution"}
    return fields | {f"cosmology.{key}": ini[key] for key in ("w0_fld", "wa_fld", "cs2_fld")}


def _dark_matter(ini: IniText, h2: float, omega_b: float, radiation: float, massive: float, fluid: float) -> float:
    """omega_cdm; without any statement, cold dark matter fills up the total density.

    ``massive`` neutrinos are part of all matter.
    """
    omega_b += massive
    ways = (
        Way("omega_cdm"),
        Way("Omega_cdm", _scaled(h2)),
        Way("omega_m", lambda x: x - omega_b, True),
        Way("Omega_m", lambda x: x * h2 - omega_b, True),
        Way("Omega_Lambda", lambda x: (1.0 - x) * h2 - omega_b - radiation - fluid, True),
    )
    found = _stated(ini, ways)
    if found is None and fluid > 0.0:
        raise BadInput(f"{ini.path}: key 'omega_cdm' is missing, expected it beside a fluid of dark energy")
    if found is None:
        filling = h2 - omega_b - radiation
        if not filling >= 0.0:
            raise BadInput(
                f"{ini.path}: 'omega_cdm' is not given, and baryons and radiation alone exceed the critical density"
            )
        return _default(ini, "omega_cdm", filling, "cold dark matter fills the universe, without Lambda")
    return found


def _primordial(ini: IniText) -> dict[str, Any]:
    """Amplitude, index and pivot; they act unless the start comes from a spectrum or from files."""
    acts = ini["IC generator"] == "linear" and not ini.given("mPk file")
    fields: dict[str, Any] = {}
    for key in _PRIMORDIAL:
        found = _stated(ini, _A_S if key == "A_s" else (Way(key),))
        if found is None:
            found = _default(ini, key) if acts else float(KEYS[key].default)
        fields[KEYS[key].field] = found
    return fields


def _warn_of_the_rest(ini: IniText) -> None:
    """What is stated and cannot be used: an error if nothing else states the same, else a warning."""
    for key, instead in _DERIVED.items():
        if not ini.given(key):
            continue
        ways = _H if instead == "h" else _A_S
        if ini.finished or any(ini.given(way.key) for way in ways) or (instead == "A_s" and ini.given("mPk file")):
            ini.warn(f"{ini.quoted(key)}, which is neither used nor compared")
        else:
            raise BadInput(f"{ini.quoted(key)}, from which {instead} is not computed here; expected '{instead}'")
    computed = not ini.given("Tk file") and not ini.given("mPk file")
    if ini.given("YHe") and ini.values["YHe"] != "BBN" and computed and not ini.finished:
        ini.warn(f"{ini.quoted('YHe')}, but transfer functions are computed with that of nucleosynthesis")
    if ini.given("r") and not _zero(ini, "r"):
        ini.warn(f"{ini.quoted('r')}, but there are no primordial tensor modes")
    if not any(ini.given(key) for key in ("omega_fld", "Omega_fld")):
        for key, lambda_like in (("w0_fld", -1.0), ("wa_fld", 0.0)):
            if ini.given(key) and _value(ini, Way(key)) != lambda_like:
                ini.warn(f"{ini.quoted(key)}, but there is no 'Omega_fld': dark energy is Lambda")


def _zero(ini: IniText, key: str) -> bool:
    return _value(ini, Way(key)) == 0.0
