"""The light cones of a settings.ini (EQUATIONS 19): keys without a number describe one, numbered keys several."""

from __future__ import annotations

import re
from math import cos, radians, sin
from typing import Any

from weakfield.base.errors import BadInput
from weakfield.formats.ini_keys import KEYS
from weakfield.formats.ini_text import IniText, shortened
from weakfield.formats.ini_values import quantity

_NUMBERED = re.compile(r"lightcone (\d+) (.+)")
#: keys of a numbered cone that the key without a number stands in for; geometry has no such default
_SHARED = ("outputs", "shell factor", "pixel factor", "covering", "Nside")
_OF_A_CONE = ("vertex", "redshift", "distance", "opening half-angle", "direction", *_SHARED)
_OUTPUTS = ("phi", "chi", "B", "hij", "Gadget2")
_LARGEST_NSIDE = 2**14


def is_cone_key(key: str) -> bool:
    """Whether a key belongs to a light cone with a number."""
    found = _NUMBERED.fullmatch(key)
    return found is not None and found[2] in _OF_A_CONE


def numbered_keys(ini: IniText) -> list[str]:
    """The keys of this file that belong to light cones with a number."""
    return [key for key in ini.values if is_cone_key(key)]


def read_cones(ini: IniText) -> dict[str, Any]:
    """``lightcone.cones`` and its neighbours; those of a finished run, which are not imported, are passed over.

    A cone exists if its vertex is given, those with a number from 0 on without a gap, and if the vertex is inside the
    box; the first one outside ends the list, as in the reference program, and is warned of.
    """
    if ini.finished:
        if numbered_keys(ini) or any(ini.given(f"lightcone {name}") for name in _OF_A_CONE):
            ini.warn(f"{ini.path}: light cones are not imported")
        return {"lightcone.base": "lightcone", "lightcone.every_image": False, "lightcone.clip_distance": False}
    names: list[str] = []
    if ini.given("lightcone vertex"):
        names = ["lightcone"]
        if numbered := numbered_keys(ini):
            ini.warn(f"{ini.path}: '{numbered[0]}' has no effect beside 'lightcone vertex', which describes one cone")
    else:
        while ini.given(f"lightcone {len(names)} vertex"):
            names.append(f"lightcone {len(names)}")
        used = tuple(f"{name} " for name in names)
        if left := [key for key in numbered_keys(ini) if not key.startswith(used)]:
            ini.warn(f"{ini.path}: '{left[0]}' has no effect, since there is no 'lightcone {len(names)} vertex'")
    cones: list[dict[str, Any]] = []
    for name in names:
        vertex = _numbers(ini, f"{name} vertex", (3,))
        if not all(0.0 <= x < ini["boxsize"] for x in vertex):
            ini.warn(
                f"{ini.quoted(f'{name} vertex')}, outside the box of {ini['boxsize']:g} Mpc/h: this cone is left out,"
                " and so are those after it"
            )
            break
        cones.append(_cone(ini, name, vertex))
    grid = ini["lightcone process grid"]
    if len(grid) != 2:
        raise BadInput(f"{ini.quoted('lightcone process grid')}, expected two whole numbers")
    return {"lightcone.cones": cones, "lightcone.process_grid": grid}


def _cone(ini: IniText, name: str, vertex: tuple[float, ...]) -> dict[str, Any]:
    """The settings of one cone; ``name`` is what its keys begin with."""
    distance = _numbers(ini, f"{name} distance", (1, 2)) or (0.5 * ini["boxsize"],)
    angle = _value(ini, name, "opening half-angle")
    covering = _value(ini, name, "covering")
    if covering is None:  # as in the reference program, by the factor without a number
        covering = 2.0 + 4.0 / (ini["Courant factor"] * _positive(ini, "lightcone", "shell factor"))
    elif not covering > 0.0:
        raise BadInput(f"{ini.quoted(_key(ini, name, 'covering'))}, expected a number above 0")
    redshift = _value(ini, name, "redshift")
    if not redshift > -1.0:
        raise BadInput(f"{ini.quoted(f'{name} redshift')}, expected a redshift above -1")
    return {
        "vertex_mpch": vertex,
        "redshift": redshift,
        "distance_mpch": tuple(sorted((0.0, *distance)[-2:])),
        "half_angle_deg": angle if 0.0 < angle < 180.0 else 180.0,
        "direction": _direction(ini, f"{name} direction"),
        "outputs": _outputs(ini, _key(ini, name, "outputs")),
        "shell_factor": _positive(ini, name, "shell factor"),
        "pixel_factor": _positive(ini, name, "pixel factor"),
        "covering": covering,
        "nside": _nside(ini, _key(ini, name, "Nside")),
    }


def _key(ini: IniText, name: str, what: str) -> str:
    """The key under which something is found: that of the cone, or the one shared by all."""
    own = f"{name} {what}"
    return own if ini.given(own) or what not in _SHARED else f"lightcone {what}"


def _value(ini: IniText, name: str, what: str) -> Any:
    """What a key of a cone means, or its default."""
    key, table = _key(ini, name, what), KEYS[f"lightcone {what}"]
    return ini.parsed(key, table.parser) if ini.given(key) else table.default


def _positive(ini: IniText, name: str, what: str) -> float:
    value = float(_value(ini, name, what))
    if not value > 0.0:
        raise BadInput(f"{ini.quoted(_key(ini, name, what))}, expected a number above 0")
    return value


def _numbers(ini: IniText, key: str, counts: tuple[int, ...]) -> tuple[float, ...]:
    """Numbers under a key, as many as one of ``counts``; none if it is not given."""
    if not ini.given(key):
        return ()
    found: tuple[float, ...] = ini.parsed(key, KEYS["lightcone vertex"].parser)
    if len(found) not in counts:
        raise BadInput(f"{ini.quoted(key)}, expected {' or '.join(map(str, counts))} numbers")
    if key.endswith("distance") and min(found) < 0.0:
        raise BadInput(f"{ini.quoted(key)}, expected distances of 0 or more")
    return found


def _direction(ini: IniText, key: str) -> tuple[float, float, float]:
    """The axis, of length 1, from a vector or from polar angle and azimuth in degrees."""
    found = _numbers(ini, key, (2, 3)) or (0.0, 0.0, 1.0)
    if len(found) == 2:
        theta, azimuth = (radians(angle) for angle in found)
        return sin(theta) * cos(azimuth), sin(theta) * sin(azimuth), cos(theta)
    length = sum(x * x for x in found) ** 0.5
    if not length > 0.0:
        raise BadInput(f"{ini.quoted(key)}, expected a vector that is not 0")
    return found[0] / length, found[1] / length, found[2] / length


def _outputs(ini: IniText, key: str) -> tuple[str, ...]:
    """What a cone writes, each once; other names do nothing, which is said."""
    if not ini.given(key):
        return ()
    asked = {quantity(word): word for word in ini.parsed(key, KEYS["lightcone outputs"].parser)}
    if "multi-Gadget2" in asked:  # in light cones it means the same
        asked.setdefault("Gadget2", asked.pop("multi-Gadget2"))
    for name, word in asked.items():
        if name not in _OUTPUTS:
            ini.warn(f"{ini.path}: '{key}' asks for '{shortened(word)}', which a light cone does not have")
    return tuple(name for name in asked if name in _OUTPUTS)


def _nside(ini: IniText, key: str) -> tuple[int, int]:
    """Least and largest resolution, raised to powers of two from 2 on; the largest is that of the grid by default."""
    grid = _power_of_two(ini["Ngrid"])
    if not ini.given(key):
        return 2, grid
    found: tuple[int, ...] = ini.parsed(key, KEYS["lightcone Nside"].parser)
    if len(found) not in (1, 2) or max(found) > _LARGEST_NSIDE or min(found) < 0:
        raise BadInput(f"{ini.quoted(key)}, expected one or two whole numbers up to {_LARGEST_NSIDE}")
    least, largest = _power_of_two(found[0]), _power_of_two(found[1]) if len(found) == 2 else grid
    return least, max(least, largest)


def _power_of_two(number: int) -> int:
    """The smallest power of two, from 2 on, that is not below the number."""
    return 2 if number <= 2 else 1 << (number - 1).bit_length()
