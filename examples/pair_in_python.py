"""Grow one small pair of universes and plot the ratio of their power spectra: a few seconds.

    python examples/pair_in_python.py            writes pair/ and pair/ratio.png

Transfer functions are analytic (Eisenstein & Hu), so nothing of radiation is in it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from matplotlib.figure import Figure

import weakfield as wf


def main(folder: Path) -> None:
    """Grow the pair into ``folder`` unless it is there, and draw ratio.png in it too."""
    study = wf.StudyConfig.from_mapping(
        {
            "name": "pair",
            "seeds": {"first": 1, "count": 1},
            "cosmology": {"t_cmb_kelvin": 0.0},  # the transfer functions have no radiation, so the expansion has none
            "simulation": {
                "grid": 32,
                "box_size_mpch": 640.0,
                "transfer": "eisenstein-hu",
                "snapshot_redshifts": [10.0, 1.0],
            },
        },
        "examples/pair_in_python.py",
    )
    wf.simulate(study, folder)  # done already when the pair is there
    pair = wf.open(folder).pairs[1]

    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    axes = figure.subplots()
    for z in pair.redshifts:
        spectra = {theory: wf.power_spectrum(pair.phi(theory, z)) for theory in ("newton", "gr")}
        ratio = spectra["gr"].power / spectra["newton"].power - 1.0
        axes.plot(spectra["gr"].k, ratio, "o-", label=f"z = {z:g}")
        print(f"z = {z:g}: largest |P(GR) / P(Newton) - 1| is {abs(ratio).max():.1e}")
    axes.axhline(0.0, color="grey", lw=0.8)
    axes.set(xlabel="k [h/Mpc]", ylabel="P(GR) / P(Newton) - 1 of the potential")
    axes.legend(frameon=False)
    figure.savefig(folder / "ratio.png", dpi=120)
    print(folder / "ratio.png")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "pair"))
