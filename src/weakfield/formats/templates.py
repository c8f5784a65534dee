"""Particle templates: small crystals that are tiled over the box (EQUATIONS 3.1), in the reference program's order.

Octants of the unit cube are visited along a Gray code, so that neighbours in the list are neighbours in space; only the
particle IDs depend on the order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_GRAY = ((0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0), (1, 1, 0), (1, 1, 1), (1, 0, 1), (1, 0, 0))

#: points of one octant of each crystal, in units of a quarter of the template
_OCTANT: dict[str, tuple[tuple[float, float, float], ...]] = {
    "sc0": _GRAY,
    "sc1": tuple((x + 0.5, y + 0.5, z + 0.5) for x, y, z in _GRAY),
    "bcc": ((0, 0, 0), (1, 1, 1)),
    "fcc": ((0, 0, 1), (0, 1, 0), (1, 1, 1), (1, 0, 0)),
}


@dataclass(frozen=True)
class Template:
    """Positions (n, 3), ordered x, y, z, in units of the template's edge, in [0, 1), in file order."""

    name: str
    positions: npt.NDArray[np.float64]

    @property
    def count(self) -> int:
        return int(self.positions.shape[0])


def built_in_template(name: str) -> Template:
    """One of the crystals sc0 or sc1 (64 points), bcc (16) or fcc (32)."""
    octants = 2.0 * np.array(_GRAY)[:, None, :]
    positions = 0.25 * (octants + np.array(_OCTANT[name])[None, :, :])
    return Template(name, positions.reshape(-1, 3))


def built_in_names() -> tuple[str, ...]:
    return tuple(_OCTANT)
