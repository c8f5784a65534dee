"""How the cores of this machine are shared out: small meshes one pair a core, large ones one after the other.

Two threads are worth 1.3 of one at 32 cells a side and 1.7 at 48 (benchmarks/threads.py), less than two processes that
share nothing. From ``THREADED`` on pairs have all threads, so that one is in memory instead of one a core.
"""

from __future__ import annotations

from typing import Literal

from weakfield.base.memory import fitting
from weakfield.config import StudyConfig

#: meshes of this many cells a side or more grow one after the other, each with all threads
THREADED = 96
#: bytes that a process takes before it grows anything, and then for each cell, at most
PROCESS_BYTES, CELL_BYTES = 3 * 10**8, 700


def workers_for(study: StudyConfig, universes: int) -> int:
    """How many processes grow that many universes, or pairs of them."""
    simulation = study.simulation
    if simulation.grid >= THREADED or (simulation.device != "cpu" and _on_a_gpu(simulation.device)):
        return 1
    each = PROCESS_BYTES + CELL_BYTES * simulation.grid**3
    return fitting(min(study.campaign.here, universes), each)


def _on_a_gpu(device: Literal["auto", "cpu", "cuda"]) -> bool:
    from weakfield.mesh.devices import device_for

    return device_for(device).type != "cpu"
