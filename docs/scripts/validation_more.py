"""The part of docs/validation.md about further species, dark energy, spectra of matter and velocities."""

from __future__ import annotations

import shutil
import sys
import tempfile
import warnings
from contextlib import chdir
from pathlib import Path

import numpy as np

import weakfield as wf
from weakfield.formats import load_particles

DATA = Path(__file__).parents[2] / "tests" / "data"
#: cases whose data are one file, with what they are about and the snapshot that is kept
SPECIES = {
    "sample_gr": ("baryons of their own", 2),
    "ncdm_bg_gr": ("neutrinos in the background", 2),
    "ncdm_gr": ("neutrinos as particles", 2),
    "ncdm_newton": ("the same, in sub-steps", 1),
}
#: cases with a folder of their own
FOLDERS = {
    "fluid_bg_gr": "a fluid in the background",
    "mpk_gr": "a spectrum of matter",
    "mpk_newton": "a spectrum of matter",
    "velocity_gr": "the velocity of matter",
}
HEADER = ["case", "what it has", "phi", "chi", "v", "positions", "momenta"]
TEXT = """## Species, dark energy, spectra of matter, velocities

Largest deviation over the snapshots that are kept, max|ours - theirs| / max|theirs|; positions in cells. Fields of the
cases with species are kept in single precision, of which the last digit is 6e-8.

{rows}
"""


def simulated(case: str, settings: str, folder: Path) -> Path:
    """The output of the settings of a case, run in a folder of its own."""
    place = folder / case
    place.mkdir()
    for table in (*DATA.glob("*_z100.dat"), *(DATA / "species").glob("*.dat")):
        shutil.copy(table, place)
    (place / "settings.ini").write_text(settings)
    with chdir(place), warnings.catch_warnings(action="ignore"):
        wf.simulate("settings.ini")
    return place / "output"


def species_row(case: str, folder: Path) -> list[str]:
    """A case with several species: fields, and every 16th particle of each species."""
    what, index = SPECIES[case]
    stored = np.load(DATA / "species" / f"{case}.npz")
    output = simulated(case, str(stored["settings"]), folder)
    worst: dict[str, float] = {}
    for name in ("phi", "chi"):
        if name in stored.files:
            worst[name] = apart(wf.load_field(output / f"snap{index:03d}_{name}.h5")[0].numpy(), stored[name])
    for species in ("cdm", "b", "ncdm0"):
        if f"x_{species}" in stored.files:
            particles = load_particles(output / f"snap{index:03d}_{species}.h5")
            moved = np.mod(particles.positions[::16] - stored[f"x_{species}"] + 0.5, 1.0) - 0.5
            worst["positions"] = max(worst.get("positions", 0.0), float(np.abs(moved).max()) * 16)
            momenta = apart(particles.momenta[::16], stored[f"q_{species}"])
            worst["momenta"] = max(worst.get("momenta", 0.0), momenta)
    return row(case, what, worst)


def folder_row(case: str, folder: Path) -> list[str]:
    """A case with one species: fields, on every few nodes where that is what is kept."""
    output = simulated(case, (DATA / case / "settings.ini").read_text(), folder)
    if case == "velocity_gr":
        theirs = np.moveaxis(np.load(DATA / case / "velocity.npz")["v"], -1, 0)
        return row(case, FOLDERS[case], {"v": apart(wf.load_field(output / "snap002_v.h5")[0].numpy(), theirs)})
    return row(case, FOLDERS[case], potentials(case, output))


def potentials(case: str, output: Path) -> dict[str, float]:
    """Largest deviation of phi and of chi over all snapshots that are kept."""
    worst: dict[str, float] = {}
    with np.load(DATA / case / "snapshots.npz") as stored:
        step = int(stored["stride"])
        for name in stored.files:
            kind, _, number = name.partition("_")
            if kind in ("phi", "chi"):
                field = wf.load_field(output / f"snap{int(stored['index'][int(number)]):03d}_{kind}.h5")[0].numpy()
                worst[kind] = max(worst.get(kind, 0.0), apart(field[::step, ::step, ::step], stored[name]))
    return worst


def apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def row(case: str, what: str, worst: dict[str, float]) -> list[str]:
    return [case, what, *(f"{worst[name]:.1e}" if name in worst else "" for name in HEADER[2:])]


def more() -> str:
    """The section as Markdown."""
    with tempfile.TemporaryDirectory() as name:
        rows = [species_row(case, Path(name)) for case in SPECIES] + [folder_row(case, Path(name)) for case in FOLDERS]
    lines = [HEADER, ["---"] * len(HEADER), *rows]
    return TEXT.format(rows="\n".join("| " + " | ".join(line) + " |" for line in lines))


if __name__ == "__main__":
    sys.stdout.write(more())
