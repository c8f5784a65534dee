"""Estimate the memory and time that a bispectrum needs before it starts, and refuse one that cannot fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.errors import BadInput
from weakfield.base.memory import available_memory
from weakfield.fourier.shells import checked_edges
from weakfield.fourier.triangles import SHELL_COST, exact_grids, good_sizes
from weakfield.mesh.threads import current_threads

#: bytes of each mode of the half axis in the list of all shells: three int32, |n|^2, weight, amplitude
MODE_BYTES = 44
#: bytes while the list is made: |n|^2, order and place of each site of the half cube that holds the modes
LIST_BYTES = 40
#: seconds to sum one triangle at one site on one thread (benchmarks/bispectrum.py)
TRIANGLE_SECONDS = 1.2e-10


@dataclass(frozen=True)
class Estimate:
    """Peak memory [bytes] and time [s] of one bispectrum, counts included; it has at most ``triangles`` triangles."""

    memory: int
    seconds: float
    triangles: int

    def __str__(self) -> str:
        return f"{self.triangles} triangles, {self.memory / 1e9:.2f} GB, about {self.seconds:.1g} s"


def estimate_bispectrum(
    n: int, bin_edges: Sequence[float] | NDArray[Any], fields: int = 1, ordered: bool = False
) -> Estimate:
    """Upper estimate for a cube of side ``n``, from the edges alone: all triangles on the largest grid that any needs.

    ``fields`` is 1 or 3; ``ordered`` says whether triangles come in every order. The memory actually used should be
    below the estimate by no more than a factor of two; the time is for the machine named in docs/spectra.md.
    """
    edges = np.array(checked_edges(bin_edges))
    upper = np.minimum(edges[1:], np.sqrt(3) * ((n - 1) // 2) + 1e-9)
    shells = len(upper)
    i, j, k = (axis.ravel() for axis in np.meshgrid(*3 * [np.arange(shells)], indexing="ij"))
    kept = edges[k] <= upper[i] + upper[j]
    kept &= (
        (i <= j) & (j <= k) if not ordered else (edges[i] <= upper[j] + upper[k]) & (edges[j] <= upper[i] + upper[k])
    )
    filled = edges[:-1] < upper
    kept &= filled[i] & filled[j] & filled[k]
    triangles = int(kept.sum())
    reach = np.minimum(np.floor(upper), (n - 1) // 2)
    if triangles == 0:
        return Estimate(32 * n**3, 0.0, 0)
    lengths = (upper[i] + upper[j] + upper[k])[kept].max()
    spans = int((reach[i] + reach[j] + reach[k])[kept].max())
    sides, kinds = exact_grids(np.array([lengths]), np.array([spans]), good_sizes(spans))
    side, grids = int(sides[0]), 2 if kinds[0] else 1
    largest = int(reach.max())
    listed = min(2 * np.pi / 3 * float(upper.max()) ** 3, 4.0 * (largest + 0.5) ** 3)
    making = MODE_BYTES * listed + LIST_BYTES * (2 * largest + 1) ** 2 * (largest + 1)
    wedge = (side // 2 + 1) ** 3
    counting = MODE_BYTES * listed + 8 * shells * wedge + min(16 * shells * wedge, 2**28) * 2
    spectra = 1.5 * 16 * side * (2 * reach + 1).clip(max=side) * (reach.clip(max=side // 2) + 1)
    transform = 8 * n**3 + 16 * n * n * (n // 2 + 1)
    work = current_threads() * fields * (16 * shells * side * side + 2**22)
    summing = (MODE_BYTES + 16 * fields) * listed + fields * spectra.sum() + work
    memory = 10**8 + ceil(max(making, counting, transform + MODE_BYTES * listed, 8 * n**3 + summing))
    sites = grids * side**3
    seconds = TRIANGLE_SECONDS * sites * (fields * SHELL_COST * shells + 1.5 * triangles) / current_threads()
    return Estimate(memory, 1.5 * seconds, triangles)


def check_memory(estimate: Estimate, what: str) -> None:
    """``BadInput`` with numbers if a measurement needs more memory than there is."""
    if estimate.memory > (free := available_memory()):
        raise BadInput(
            f"{what} needs about {estimate.memory / 1e9:.1f} GB of memory, found {free / 1e9:.1f} GB available,"
            " expected at least as much; take fewer or lower bins"
        )
