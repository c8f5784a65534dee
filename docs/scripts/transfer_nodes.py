"""What the wavenumbers of the transfer tables do to the sources drawn through them: a figure for docs.

    python docs/scripts/transfer_nodes.py

Error of the GR displacement source and of the Newtonian one, splined through CLASS's own nodes and through ours,
against a table of three times as many nodes; relative, at z = 100.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from weakfield.base.figures import OTHERS, new_figure, save_png, wavenumber_axis
from weakfield.config import RunSettings, SimulationSettings
from weakfield.cosmology import Background
from weakfield.cosmology.transfer import nodes, transfer_history
from weakfield.simulation.initial_conditions import initial_spectra

ROOT = Path(__file__).parents[2]
BOX, GRID = 640.0, 32


def source(theory: str, rule: str, x: np.ndarray) -> np.ndarray:
    """Displacement source at x = k L."""
    settings = SimulationSettings(grid=GRID, box_size_mpch=BOX, transfer_nodes=rule)
    run = RunSettings(theory=theory, seed=0, simulation=settings)
    history = transfer_history(settings, run.cosmology)
    return initial_spectra(run, Background(run.cosmology, BOX), history).displacement[0](x)


def dense_source(theory: str, x: np.ndarray) -> np.ndarray:
    """The same through three times as many nodes."""
    from weakfield.cosmology.transfer import camb

    before = nodes._PER_DECADE, nodes._PER_ACOUSTIC_PERIOD, camb.FINE_RULE
    try:
        nodes._PER_DECADE, nodes._PER_ACOUSTIC_PERIOD = 3 * before[0], 3 * before[1]
        camb.FINE_RULE = (nodes._PER_DECADE, nodes._PER_ACOUSTIC_PERIOD, *before[2][2:])
        camb._history.cache_clear()
        return source(theory, "fine", x)
    finally:
        nodes._PER_DECADE, nodes._PER_ACOUSTIC_PERIOD, camb.FINE_RULE = before
        camb._history.cache_clear()


def main() -> None:
    """What the command does: measure, draw and print."""
    k = np.geomspace(2 * np.pi / BOX, np.sqrt(3) * np.pi * GRID / BOX * 0.999, 1500)
    figure, axes = new_figure()
    panel = axes[0, 0]
    for theory, line in (("gr", "-"), ("newton", "--")):
        truth = dense_source(theory, k * BOX)
        for rule, colour in (("class", OTHERS[3]), ("fine", OTHERS[1])):
            error = np.abs(source(theory, rule, k * BOX) / truth - 1)
            print(f"{theory} {rule}: largest {error.max():.1e}, rms {np.sqrt((error**2).mean()):.1e}")
            panel.plot(k, np.maximum(error, 1e-9), line, color=colour, lw=1.2, label=f"{rule}, {theory}")
    wavenumber_axis(panel)
    panel.set(yscale="log", ylabel="relative error of the displacement source, z = 100")
    panel.legend(fontsize=8, frameon=False)
    save_png(ROOT / "docs" / "images" / "transfer_nodes.png", figure)


if __name__ == "__main__":
    main()
