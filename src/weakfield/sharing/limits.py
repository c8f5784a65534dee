"""Up to which wavenumber the difference of a pair is relativity: what a run has measured, or what is known of its mesh.

The difference counts as relativity up to the first shell in which the even part of GR - Newton has a correlation with
C1 below ``CORRELATION``, or a response further than ``RESPONSE`` from 1 (docs/relativity.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weakfield.config import RunFolder, StudyConfig
from weakfield.spectra.parity import Parity, load_parity

CORRELATION, RESPONSE = 0.95, 0.2
#: largest cells for which something is known [Mpc/h], and the smallest
_CELLS = (5.0, 40.0)


@dataclass(frozen=True)
class Limit:
    """The largest k [h/Mpc] at a redshift; ``None``: at none. ``why`` is a sentence that says how it is known."""

    redshift: float
    k_hmpc: float | None
    why: str

    def __str__(self) -> str:
        reach = "nowhere" if self.k_hmpc is None else f"up to k = {self.k_hmpc:.2g} h/Mpc"
        return f"z = {self.redshift:g}: {reach}. {self.why}"


def limits(study: StudyConfig, folder: RunFolder, redshifts: tuple[float, ...]) -> list[Limit]:
    """A limit for each redshift at which something is known, measured by the run itself where it has inverted seeds."""
    if study.classes is not None:
        return []
    path = folder.spectra / "parity.h5"
    measured = load_parity(path) if path.exists() else []
    found = {f"{one.redshift:.3g}": measured_limit(one) for one in measured if np.isfinite(one.response.value).any()}
    both = [found.get(f"{z:.3g}") or known_limit(study, z) for z in redshifts]
    return [one for one in both if one is not None]


def measured_limit(parity: Parity) -> Limit:
    """What the shells of a run say; its last entry is a band and not a shell."""
    correlation, response = parity.correlation.value[:-1], parity.response.value[:-1]
    good = (correlation >= CORRELATION) & (np.abs(response - 1) <= RESPONSE)
    shells = len(good) if good.all() else int(np.argmin(good))
    k = float(parity.k[shells - 1]) if shells else None
    pairs = f"{len(parity.seeds)} seed{'s' if len(parity.seeds) != 1 else ''} and inverses"
    return Limit(parity.redshift, k, f"Measured by this run from {pairs}, shell by shell.")


def known_limit(study: StudyConfig, redshift: float) -> Limit | None:
    """What docs/relativity.md has measured in other runs of the mesh; ``None`` where it says nothing."""
    box = study.simulation
    if box.mesh == "staggered" or box.start == "linear":
        why = "On the staggered mesh, or from a linear start, the difference of a pair is mostly numerical."
        return Limit(redshift, None, why)
    cell = box.box_size_mpch / box.grid
    if not _CELLS[0] <= cell <= _CELLS[1] or redshift < 1:
        return None
    nyquist = np.pi / cell
    if redshift >= 10:
        analytic = box.transfer == "eisenstein-hu"  # with radiation the response leaves 1 earlier
        k = (0.4 if cell >= 10 and analytic else 0.3) * nyquist
        return Limit(redshift, k, "Not measured here: what other runs of this mesh have at z = 10.")
    return Limit(redshift, min(0.3 * nyquist, 0.063), "Not measured here: what other runs of this mesh have at z = 1.")
