"""What a table of transfer functions or a power spectrum states in its comments: redshift, unit of k, and gauge."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from weakfield.base.errors import BadInput

_NUMBER = r"([-+]?\d+\.?\d*(?:[eE][-+]?\d+)?)"
_REDSHIFT = re.compile(rf"\bz\s*=\s*{_NUMBER}")
_UNIT = re.compile(r"(?:^|[\s:#])k\s*[\(\[]([^\)\]]*)[\)\]]")
_PER_MPC = re.compile(r"^(1/mpc|mpc\^?\{?-1\}?|/mpc)$")
_H_PER_MPC = re.compile(r"^h\s*/?\s*mpc(\^?\{?-1\}?)?$")
#: how far a stated redshift may be from the one that is wanted, relative to 1 + z
_SAME = 1e-3


@dataclass(frozen=True)
class Stated:
    """What the comments of a file state; ``None`` for what they do not state."""

    path: Path
    redshift: float | None
    k_unit: str | None
    gauge: str | None

    @classmethod
    def by(cls, path: Path, comments: Iterable[str]) -> Stated:
        """Read the comments, given as lines without their '#'."""
        text = "\n".join(comments)
        redshifts = {float(found) for found in _REDSHIFT.findall(text)}
        units = {found.strip() for found in _UNIT.findall(text)}
        gauges = [gauge for gauge in ("synchronous", "newtonian") if re.search(rf"\b{gauge}", text, re.IGNORECASE)]
        if len(redshifts) > 1:
            shown = " and ".join(f"{z:g}" for z in sorted(redshifts))
            raise BadInput(f"{path} says that it is at z = {shown}, expected one redshift")
        if len(units) > 1:
            raise BadInput(f"{path} says that its k is in {' and in '.join(sorted(units))}, expected one unit")
        return cls(
            path,
            redshifts.pop() if redshifts else None,
            units.pop() if units else None,
            gauges[0] if len(gauges) == 1 else None,
        )

    def check_redshift(self, redshift: float) -> None:
        """Raise ``BadInput`` if the file is for a redshift other than ``redshift``."""
        if self.redshift is not None and abs(self.redshift - redshift) > _SAME * (1.0 + redshift):
            raise BadInput(
                f"{self.path} says that it is at z = {self.redshift:g}, expected the initial redshift {redshift:g}"
            )

    def check_gauge(self, gauge: str) -> None:
        """Raise ``BadInput`` if the file is in a gauge other than ``gauge``."""
        if self.gauge is not None and self.gauge != gauge:
            raise BadInput(f"{self.path} says that it is in {self.gauge} gauge, expected {gauge} gauge")

    def k_in_hmpc(self, h: float) -> float:
        """The factor that turns the file's k into h/Mpc: 1, or 1 / h if k is in 1/Mpc. ``BadInput`` for other units."""
        if self.k_unit is None or _H_PER_MPC.match(self.k_unit.lower()):
            return 1.0
        if _PER_MPC.match(self.k_unit.lower().replace(" ", "")):
            return 1.0 / h
        raise BadInput(f"{self.path} says that its k is in '{self.k_unit}', expected h/Mpc or 1/Mpc")
