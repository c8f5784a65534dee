"""The network on universes grown with cells half as wide, averaged onto the study's cells."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result
from weakfield.audit.transfer import Elsewhere, transfer
from weakfield.audit.universes import changed


def run(context: Context) -> Result:
    box = context.study.simulation
    tiling = None if box.tiling is None else 2 * box.tiling
    finer = changed(
        context.study, "simulation", grid=2 * box.grid, tiling=tiling, downgrade_factor=2 * box.downgrade_factor
    )
    return transfer(context, "cell_size", [Elsewhere(finer, f"cells of {box.cell_size_mpch / 2:g} Mpc/h")])


CONTROL = Control(
    name="cell_size",
    question="Does the result depend on the size of the cells?",
    expectation="On a finer mesh, seen through the study's cells, the network must find the same difference.",
    how=(
        "The test seeds are grown with twice the cells a side and eight times the particles in the same box, from the"
        " same noise; the fields are averaged onto the study's cells and scored by the network as trained."
    ),
    verdicts="Clean: at least half of the logit difference stays. Shortcut: more than half goes, it is of the lattice.",
    blind=(
        "Both meshes hold one particle a cell; waves that only the finer start holds are new to the network, and those"
        " close to the study's Nyquist wavenumber are dimmed a little, in both theories, by averaging onto its cells."
    ),
    run=run,
)
