"""Two mass assignments as two classes: the same particles, put on a mesh by CIC and by PCS (docs/arrays.md).

    python docs/scripts/arrays.py --out runs/mass > arrays.md

Grows Newtonian universes with ``wf.Simulation`` to z = 1, deposits the particles of each as clouds in cell and as cubic
splines, and writes cic.npy and pcs.npy: density contrasts (seeds, N, N, N) in single precision. Then it imports the
two, as docs/arrays.md does, builds the data set, trains and audits, and prints what was found: the tables of that page.
Done again, universes that are there and finished stages are skipped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import weakfield as wf
from weakfield.base.arrays import load_arrays, save_arrays
from weakfield.base.progress import bar, bars
from weakfield.cli import invoke
from weakfield.config import StudyConfig
from weakfield.config.audit import DEFAULT_CONTROLS
from weakfield.mesh.kernels import reference
from weakfield.mesh.particles import Particles

REDSHIFT = 1.0
NAMES = ("CIC", "PCS")
#: a control that the example does without, so that it ends sooner: it trains another network
LONG = ("phases_randomised",)


def main() -> None:
    """What the command does: make what this file is for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/mass"))
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--grid", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    box = 20.0 * arguments.grid
    with bars():
        cubes = deposited(arguments.out / "cubes", arguments.seeds, arguments.grid, box)
    files = [arguments.out / f"{name.lower()}.npy" for name in NAMES]
    for file, values in zip(files, cubes, strict=True):
        np.save(file, values)
    run = arguments.out / "run"
    about = ["--names", *NAMES, "--box", f"{box:g}", "--redshift", f"{REDSHIFT:g}", "--quantity", "density"]
    with redirect_stdout(sys.stderr):  # standard output is for the tables
        if not (run / "study.toml").exists():
            require(invoke(["import", "--arrays", *map(str, files), *about, "--out", str(run)]))
            shorten(run / "study.toml", arguments.epochs)
        for stage in ("dataset", "train", "audit"):
            require(invoke([stage, str(run)]))
    print_tables(wf.open(run))


def deposited(folder: Path, seeds: int, grid: int, box: float) -> NDArray[np.float32]:
    """(2, seeds, N, N, N): density contrasts by CIC and by PCS of the same particles at ``REDSHIFT``."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    with bar("universes", seeds) as progress:
        for seed in range(seeds):
            path = folder / f"seed{seed:05d}.npz"
            if not path.exists():
                save_arrays(path, cubes=both(seed, grid, box))
            found.append(load_arrays(path)["cubes"])
            progress.advance()
    return np.stack(found, axis=1)


def both(seed: int, grid: int, box: float) -> NDArray[np.float32]:
    """(2, N, N, N): the density contrast of one universe by CIC and by PCS."""
    simulation = {
        "grid": grid,
        "box_size_mpch": box,
        "transfer": "eisenstein-hu",
        "snapshot_redshifts": [REDSHIFT],
        "spectra_redshifts": [],
    }
    study = StudyConfig.from_mapping(
        {
            "cosmology": {"t_cmb_kelvin": 0.0},  # these transfer functions have no radiation, nor has the expansion
            "simulation": simulation,
            "measure": {"redshift": REDSHIFT},
            "dataset": {"sample": "raw", "redshifts": [REDSHIFT, REDSHIFT]},
        },
        "docs/scripts/arrays.py",
    )
    universe = wf.Simulation(study, theory="newton", seed=seed).run(REDSHIFT)
    stored = universe.particles
    places = stored["position"].values / box % 1.0
    particles = Particles.at_rest(grid, places, stored["particle"].values, 1.0 / len(places), torch.float64)
    return np.stack([contrast(paint, particles) for paint in (reference.paint, reference.paint_pcs)])


def contrast(paint: Callable[..., Tensor], particles: Particles) -> NDArray[np.float32]:
    """rho / mean - 1 of the particles on their mesh."""
    density = paint(particles)
    return (density / density.mean() - 1.0).to(torch.float32).numpy()


def shorten(path: Path, epochs: int) -> None:
    """Let the study train for fewer epochs and leave out what trains long."""
    study = StudyConfig.from_toml(path)
    values = study.model_dump(exclude_none=True)
    values["training"] |= {"epochs": epochs}
    values["audit"] |= {"controls": [name for name in DEFAULT_CONTROLS if name not in LONG]}
    path.write_text(StudyConfig.from_mapping(values, str(path)).to_toml(), encoding="utf-8")


def require(code: int) -> None:
    """End as the command did that failed."""
    if code:
        raise SystemExit(code)


def print_tables(run: wf.Run) -> None:
    """What the network and its baselines reach, and every control, in Markdown."""
    scores = run.scores
    test = scores[(scores.split == "test") & scores.score.isin(("auc", "paired_accuracy"))]
    wide = test.pivot(index="model", columns="score", values="value").loc[list(dict.fromkeys(test.model))]
    print("| classifier | AUC | paired accuracy |\n|---|---|---|")
    for name, row in wide.iterrows():
        print(f"| {name} | {row['auc']:.2f} | {row['paired_accuracy']:.2f} |")
    print(f"\n{run.audit.attrs['summary']}\n")
    print("| control | verdict | value (95 % interval) | what it is |\n|---|---|---|---|")
    for name, row in run.audit.iterrows():
        what = row.quantity.replace("|", "\\|")
        print(f"| {name} | {row.verdict} | {row.value:.2f} ({row.low:.2f} to {row.high:.2f}) | {what} |")


if __name__ == "__main__":
    main()
